import assert from "node:assert/strict";
import test from "node:test";
import { POSITIONS_MAX, SeenPositions } from "../js/seen.js";

function check(headers, expect) {
  const seen = new SeenPositions();
  for (const header of headers) seen.merge(header);
  assert.equal(seen.header(), expect);
}

test("the highest position of each log and partition is kept", () => {
  check(["3.1:10"], "3.1:10");
  check(["3.1:10", "3.1:9"], "3.1:10");
  check(["3.1:10", "3.1:11"], "3.1:11");
  check(["3.1:9", "3.1:10"], "3.1:10");
  check(["3.1:10,3.2:5", "3.2:7"], "3.1:10,3.2:7");
  check(["3.1:10", "4.1:2"], "3.1:10,4.1:2");
});

test("numbers are compared as numbers", () => {
  check(["3.1:9", "3.1:100", "3.1:20"], "3.1:100");
});

test("parts of another form are ignored", () => {
  check([null, undefined, "", "x", "3.1", "3.1:", "3.1:-4", "3.1:1e9", " 3.1:4 , junk"], "3.1:4");
});

test("a stored header starts where it ended", () => {
  const stored = new SeenPositions("3.1:10,3.2:5");
  assert.equal(stored.merge("3.1:10"), false);
  assert.equal(stored.merge("3.2:6"), true);
  assert.equal(stored.header(), "3.1:10,3.2:6");
});

test("positions are bounded and those raised longest ago go first", () => {
  const seen = new SeenPositions("1.0:1");
  for (let partition = 0; partition < POSITIONS_MAX; partition += 1) {
    seen.merge(`2.${partition}:1`);
  }
  assert.equal(seen.positions.size, POSITIONS_MAX);
  assert.ok(!seen.positions.has("1.0"));
});
