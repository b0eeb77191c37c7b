import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { PROBLEM_CODES, readProblem } from "../js/problems.js";

test("the page knows every code of the API's own table", () => {
  const table = join(import.meta.dirname, "../../../schemas/src/http/problem.rs");
  const rows = readFileSync(table, "utf8").matchAll(/^    \w+ = "([a-z-]+)", \d{3},/gm);
  assert.deepEqual([...PROBLEM_CODES].sort(), [...rows].map((row) => row[1]).sort());
});

test("a problem is read by its code", () => {
  const body = { code: "sold-out", retryable: true, detail: "d", errors: [{ pointer: "/a" }] };
  assert.deepEqual(readProblem(409, body), {
    code: "sold-out",
    status: 409,
    retryable: true,
    detail: "d",
    errors: [{ pointer: "/a" }],
  });
});

test("no answer, a proxy's page and a cut body have codes of the page's own", () => {
  assert.equal(readProblem(0, null).code, "unreachable");
  assert.equal(readProblem(0, null).retryable, true);
  assert.equal(readProblem(502, null).code, "unexpected");
  assert.equal(readProblem(502, null).retryable, true);
  assert.equal(readProblem(404, { code: 7 }).code, "unexpected");
  assert.equal(readProblem(404, "text").retryable, false);
});
