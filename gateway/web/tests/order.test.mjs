import assert from "node:assert/strict";
import test from "node:test";
import * as deals from "../js/deal.js";
import * as orders from "../js/order.js";
import { formatCountdown, formatDuration, formatTime } from "../js/times.js";

const order = (status, more = {}) => ({ order_id: "o", status, ...more });

test("a status only moves forward, expired to confirmed being the one way back", () => {
  const forward = {
    queued: ["queued", "rejected", "held", "confirmed", "expired", "cancelled"],
    rejected: ["rejected"],
    held: ["held", "confirmed", "expired", "cancelled"],
    confirmed: ["confirmed", "cancelled"],
    expired: ["expired", "confirmed", "cancelled"],
    cancelled: ["cancelled"],
  };
  for (const from of orders.ORDER_STATUSES) {
    for (const to of orders.ORDER_STATUSES) {
      const expect = forward[from].includes(to) ? to : from;
      assert.equal(orders.mergeOrder(order(from), order(to)).status, expect, `${from} ${to}`);
    }
  }
});

test("a later answer keeps what it does not say, but not the place in the queue", () => {
  const known = order("queued", { deal_id: "d", queue: { ahead: 5, poll_after_ms: 1 } });
  assert.deepEqual(orders.mergeOrder(known, order("held")), order("held", { deal_id: "d" }));
  const said = order("queued", { queue: { ahead: 9, poll_after_ms: 2 } });
  const later = orders.mergeOrder(known, said);
  assert.deepEqual(later.queue, { ahead: 5, poll_after_ms: 2 });
});

test("time left to pay runs on the server's clock and stops at zero", () => {
  const held = order("held", { expires_at: "2026-01-01T00:00:10.000Z" });
  const start = Date.parse("2026-01-01T00:00:00.000Z");
  assert.equal(orders.timeLeftMs(held, start), 10_000);
  assert.equal(orders.timeLeftMs(held, start + 11_000), 0);
  assert.equal(orders.canPay(held, start + 11_000), false);
  assert.equal(orders.timeLeftMs(order("confirmed", { expires_at: held.expires_at }), start), null);
});

test("buying again makes sense where the refusal says so", () => {
  const rejected = (retryable) => order("rejected", { rejection: { code: "x", retryable } });
  assert.equal(orders.canBuyAgain(rejected(true)), true);
  assert.equal(orders.canBuyAgain(rejected(false)), false);
  assert.equal(orders.canBuyAgain(order("expired")), true);
  assert.equal(orders.canBuyAgain(order("held")), false);
});

const OPENS = Date.parse("2026-01-01T10:00:00.000Z");
const deal = (more) => ({
  deal_id: "d",
  product: {},
  status: "upcoming",
  stock_left: 5,
  opens_at: "2026-01-01T10:00:00.000Z",
  closes_at: "2026-01-01T11:00:00.000Z",
  server_time: "2026-01-01T09:00:00.000Z",
  ...more,
});

test("a deal opens and closes by the clock without waiting for word", () => {
  assert.equal(deals.statusAt(deal(), OPENS), "upcoming");
  assert.equal(deals.statusAt(deal(), OPENS + 100), "open");
  assert.equal(deals.statusAt(deal({ stock_left: 0 }), OPENS + 100), "sold-out");
  assert.equal(deals.statusAt(deal({ status: "paused" }), OPENS + 100), "paused");
  assert.equal(deals.statusAt(deal({ status: "open" }), OPENS + 3_600_000), "closed");
  assert.deepEqual(deals.countdownAt(deal(), OPENS - 1_000), { to: "opening", leftMs: 1_000 });
  assert.equal(deals.countdownAt(deal({ status: "closed" }), OPENS), null);
});

test("an older state of a deal does not replace a newer one", () => {
  const newer = deal({ server_time: "2026-01-01T10:00:01.000Z", stock_left: 1 });
  assert.equal(deals.laterDeal(newer, deal()), newer);
  assert.equal(deals.laterDeal(deal(), newer), newer);
});

test("only web addresses are pictures", () => {
  const url = (image_url) => deals.pictureUrl(deal({ product: { image_url } }), "https://shop/");
  assert.equal(url("https://img.example/a.png"), "https://img.example/a.png");
  assert.equal(url("a.png"), "https://shop/a.png");
  for (const none of [undefined, "", "javascript:alert(1)", "data:text/html,x", "https://"]) {
    assert.equal(url(none), null);
  }
});

test("countdowns, durations and times are said in the reader's way", () => {
  assert.equal(formatCountdown(65_001, "en"), "01:06");
  assert.equal(formatCountdown(3_600_000, "en"), "01:00:00");
  assert.equal(formatCountdown(90_000_000, "en"), "1 day 01:00:00");
  assert.equal(formatCountdown(-5, "en"), "00:00");
  assert.equal(formatDuration(1, "en"), "1 second");
  assert.equal(formatDuration(150_000, "ko"), "3분");
  assert.match(formatTime(OPENS, "en-GB", "Asia/Seoul"), /^1 Jan(,| at) 19:00:00 /);
});
