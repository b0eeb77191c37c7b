import assert from "node:assert/strict";
import test from "node:test";
import { Attempts } from "../js/attempts.js";
import { readProblem } from "../js/problems.js";
import { nextStep, TRIES_MAX } from "../js/purchase.js";

const CERTAIN = { uncertain: false, refusals: 0 };
const noJitter = () => 0;

function refusal(status, code, retryAfterMs = null, retryable = false) {
  const body = code === null ? null : { code, retryable };
  return { ok: false, status, body, problem: readProblem(status, body), retryAfterMs };
}

function check(answer, attempt, tries, expect) {
  const step = nextStep(answer, attempt, tries, noJitter);
  for (const [field, value] of Object.entries(expect)) assert.deepEqual(step[field], value, field);
}

test("an order ends the attempt, decided or not", () => {
  const order = { order_id: "o", status: "queued" };
  check({ ok: true, status: 202, body: order }, CERTAIN, 0, { kind: "order", order });
  const decided = { ok: true, status: 200, body: order };
  check(decided, { uncertain: true, refusals: 1 }, 3, { kind: "order" });
});

test("what was not admitted is sent again after the time asked for", () => {
  for (const code of ["overloaded", "view-behind", "log-unavailable", "not-ready"]) {
    const expect = { kind: "retry", code, delayMs: 7_000, uncertain: false };
    check(refusal(503, code, 7_000), CERTAIN, 0, expect);
  }
  check(refusal(429, "rate-limited", 2_000), CERTAIN, 0, { kind: "retry", delayMs: 2_000 });
  check(refusal(429, "rate-limited"), CERTAIN, 0, { kind: "retry", delayMs: 250 });
});

test("a lost answer makes the attempt uncertain", () => {
  check(refusal(0, null), CERTAIN, 0, { kind: "retry", uncertain: true });
  check(refusal(503, "outcome-unknown", 1_000), CERTAIN, 0, { kind: "retry", uncertain: true });
  check(refusal(502, null), CERTAIN, 0, { kind: "retry", uncertain: true });
  check(refusal(202, null), CERTAIN, 0, { kind: "retry", uncertain: true });
});

test("a refusal is final for a purchase that surely was not admitted", () => {
  for (const code of ["deal-closed", "deal-paused", "sold-out", "idempotency-key-reused"]) {
    check(refusal(409, code), CERTAIN, 0, { kind: "refused", code, unsure: false });
  }
  check(refusal(409, "sold-out", null, true), CERTAIN, 0, { kind: "refused", retryable: true });
  check(refusal(404, null), CERTAIN, 0, { kind: "refused", code: "unexpected" });
});

test("after a lost answer a refusal is believed when it was heard three times", () => {
  const answer = refusal(409, "sold-out");
  const once = { kind: "retry", refusals: 1, delayMs: 4_000 };
  check(answer, { uncertain: true, refusals: 0 }, 1, once);
  check(answer, { uncertain: true, refusals: 1 }, 2, { kind: "retry", refusals: 2 });
  check(answer, { uncertain: true, refusals: 2 }, 3, { kind: "refused", unsure: false });
});

test("a deal that opens in a moment is waited for, a later one is not", () => {
  check(refusal(409, "deal-not-open", 1_000), CERTAIN, 0, { kind: "retry", delayMs: 1_000 });
  check(refusal(409, "deal-not-open", 30_000), CERTAIN, 0, { kind: "refused" });
  check(refusal(409, "deal-not-open", 1_000), CERTAIN, 4, { kind: "refused" });
});

test("an ended session asks to sign in", () => {
  check(refusal(401, "unauthenticated"), CERTAIN, 0, { kind: "sign-in" });
});

test("the page gives up some time and says whether the order may have got in", () => {
  const last = TRIES_MAX - 1;
  check(refusal(503, "overloaded"), CERTAIN, last, { kind: "refused", unsure: false });
  check(refusal(0, null), CERTAIN, last, { kind: "refused", unsure: true });
});

/** Session storage as a browser has it. */
function storage() {
  const items = new Map();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, String(value)),
    removeItem: (key) => void items.delete(key),
    key: (index) => [...items.keys()][index] ?? null,
    get length() {
      return items.size;
    },
  };
}

test("an unanswered attempt keeps its key over a reload, until it is settled", () => {
  const stored = storage();
  let keys = 0;
  const load = () => new Attempts(stored, () => `key-${(keys += 1)}`);
  const first = load().begin("deal", "me", 2);
  assert.equal(first.key, "key-1");
  assert.deepEqual(load().unanswered("me"), [first]);
  assert.equal(load().begin("deal", "me", 2).key, "key-1");
  load().settle("deal");
  assert.deepEqual(load().unanswered("me"), []);
  assert.equal(load().begin("deal", "me", 2).key, "key-2");
});

test("an uncertain attempt keeps its key whatever quantity is asked for next", () => {
  const attempts = new Attempts(storage(), () => crypto.randomUUID());
  const first = attempts.begin("deal", "me", 1);
  const second = attempts.begin("deal", "me", 2);
  assert.notEqual(second.key, first.key);
  attempts.save({ ...second, uncertain: true });
  assert.equal(attempts.begin("deal", "me", 1).key, second.key);
  assert.equal(attempts.begin("deal", "me", 1).quantity, 2);
});

test("nobody repeats another customer's attempt", () => {
  const attempts = new Attempts(storage(), () => crypto.randomUUID());
  const mine = attempts.begin("deal", "me", 1);
  assert.deepEqual(attempts.unanswered("you"), []);
  assert.notEqual(attempts.begin("deal", "you", 1).key, mine.key);
});
