import assert from "node:assert/strict";
import test from "node:test";
import { SseParser } from "../js/sse.js";

const STREAM =
  "\uFEFF: hello\r\nretry: 1500\r\nid: 41\r\nevent: held\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n" +
  "data:x\n\nid: 42\n\nevent: confirmed\rdata:  two\r\r";
const EVENTS = [
  { event: "held", data: '{"a":\n1}', id: "41" },
  { event: "message", data: "x", id: "41" },
  { event: "confirmed", data: " two", id: "42" },
];

test("a stream cut at any two places gives the same events", () => {
  for (let first = 0; first <= STREAM.length; first += 1) {
    for (let second = first; second <= STREAM.length; second += 1) {
      const parser = new SseParser();
      const chunks = [STREAM.slice(0, first), STREAM.slice(first, second), STREAM.slice(second)];
      assert.deepEqual(chunks.flatMap((chunk) => parser.push(chunk)), EVENTS, `${first} ${second}`);
      assert.equal(parser.retryMs, 1500);
      assert.equal(parser.lastEventId, "42");
    }
  }
});

test("comments, unknown fields and broken values change nothing", () => {
  const parser = new SseParser();
  assert.deepEqual(parser.push(": ping\n\nfoo: bar\nretry: 5s\nid: a\0b\n\nevent: held\n\n"), []);
  assert.equal(parser.retryMs, null);
  assert.equal(parser.lastEventId, "");
});

test("a field without a colon has an empty value", () => {
  assert.deepEqual(new SseParser().push("data\n\n"), [{ event: "message", data: "", id: "" }]);
});

test("a new connection drops what was unfinished and keeps the last id", () => {
  const parser = new SseParser();
  parser.push("id: 7\ndata: a\n\nid: 8\ndata: lost");
  parser.restart();
  assert.deepEqual(parser.push("data: b\n\n"), [{ event: "message", data: "b", id: "7" }]);
  assert.equal(parser.lastEventId, "7");
});
