import assert from "node:assert/strict";
import test from "node:test";
import { ServerClock } from "../js/clock.js";

/** A clock whose local time is set by hand; the wall is 1,000,000 ahead of it. */
function clockAt() {
  const local = { now: 0 };
  const clock = new ServerClock(() => local.now, () => local.now + 1_000_000);
  return { clock, local };
}

test("before any answer the reader's own clock holds", () => {
  const { clock, local } = clockAt();
  local.now = 500;
  assert.equal(clock.now(), 1_000_500);
});

test("an answer is dated at half its round trip", () => {
  const { clock, local } = clockAt();
  clock.observe(5_000_000, 100, 300);
  local.now = 300;
  assert.equal(clock.now(), 5_000_100);
  local.now = 1_300;
  assert.equal(clock.now(), 5_001_100);
});

test("the shortest round trip wins, whenever it came", () => {
  const { clock, local } = clockAt();
  clock.observe(5_000_010, 0, 20);
  clock.observe(5_000_100, 100, 900);
  local.now = 1_000;
  assert.equal(clock.now(), 5_001_000);
  clock.observe(5_001_055, 1_050, 1_060);
  local.now = 2_000;
  assert.equal(clock.now(), 5_002_000);
});

test("the clock never shows less than the server has said", () => {
  const { clock, local } = clockAt();
  // An old answer out of a cache, quickly served.
  clock.observe(4_999_000, 0, 2);
  clock.observeAtLeast(5_000_000, 10);
  local.now = 10;
  assert.equal(clock.now(), 5_000_000);
});

test("an old best sample gives way to a newer one", () => {
  const { clock, local } = clockAt();
  clock.observe(5_000_000, 0, 10);
  clock.observe(5_400_200, 400_000, 400_200);
  local.now = 400_200;
  assert.equal(clock.now(), 5_400_300);
});

test("nonsense is ignored", () => {
  const { clock, local } = clockAt();
  clock.observe(Number.NaN, 0, 10);
  clock.observe(5_000_000, 10, 0);
  clock.observeAtLeast(Number.NaN, 0);
  local.now = 0;
  assert.equal(clock.now(), 1_000_000);
});
