import assert from "node:assert/strict";
import test from "node:test";
import { askedDelay, backoff, parseRetryAfter, retryDelay, sleep, stretch } from "../js/retry.js";

test("Retry-After is read as seconds and nothing else", () => {
  assert.equal(parseRetryAfter("3"), 3_000);
  for (const value of [null, undefined, "", "-1", "1.5", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"]) {
    assert.equal(parseRetryAfter(value), null);
  }
});

test("milliseconds of a problem count before the seconds of the header", () => {
  assert.equal(askedDelay({ retry_after_ms: 120 }, "1"), 120);
  for (const body of [null, {}, { retry_after_ms: -1 }, { retry_after_ms: "7" }, "text"]) {
    assert.equal(askedDelay(body, "2"), 2_000);
  }
  assert.equal(askedDelay({}, null), null);
});

test("the time asked for is never shortened and stretched by a fifth at most", () => {
  assert.equal(retryDelay({ askedMs: 5_000, failures: 9 }, () => 0), 5_000);
  assert.equal(retryDelay({ askedMs: 5_000, failures: 0 }, () => 1), 6_000);
  assert.equal(stretch(1_000, () => 0.5), 1_100);
});

test("without one the delay doubles with jitter up to half a minute", () => {
  const longest = [0, 1, 2, 3].map((failures) => backoff(failures, () => 1));
  assert.deepEqual(longest, [500, 1_000, 2_000, 4_000]);
  assert.equal(backoff(3, () => 0), 2_000);
  assert.equal(backoff(1_000, () => 1), 30_000);
  assert.equal(retryDelay({ failures: 1 }, () => 1), 1_000);
});

test("a sleep ends at once when it is aborted", async () => {
  const stop = new AbortController();
  const slept = sleep(3_600_000, stop.signal);
  stop.abort();
  await slept;
  await sleep(3_600_000, stop.signal);
});
