import assert from "node:assert/strict";
import test from "node:test";
import { Api } from "../js/api.js";
import { ServerClock } from "../js/clock.js";
import { chooseApiBase } from "../js/config.js";
import { SeenPositions } from "../js/seen.js";
import { followStream } from "../js/stream.js";

/** An API that answers from a list and writes down what it was asked. */
function scripted(answers, token = null) {
  const asked = [];
  const fetch = async (url, init) => {
    asked.push({ url, method: init.method, headers: Object.fromEntries(init.headers), init });
    const answer = answers.shift();
    if (answer === undefined) throw new TypeError("connection refused");
    return answer();
  };
  const [clock, seen] = [new ServerClock(), new SeenPositions()];
  const base = "https://api.example";
  return { api: new Api({ base, clock, seen, token: () => token, fetch }), asked };
}

const json = (status, body, headers = {}) => () =>
  new Response(JSON.stringify(body), { status, headers });
const events = (text) => () =>
  new Response(text, { headers: { "Content-Type": "text/event-stream" } });

test("positions seen in one answer are sent back with the next read", async () => {
  const { api, asked } = scripted([
    json(200, {}, { "Timedeal-Seen": "3.1:7" }),
    json(200, {}, { "Timedeal-Seen": "3.1:5,3.2:1" }),
    json(200, {}),
  ]);
  for (const path of ["/a", "/b", "/c"]) await api.get(path);
  const sent = asked.map(({ headers }) => headers["timedeal-seen"]);
  assert.deepEqual(sent, [undefined, "3.1:7", "3.1:7,3.2:1"]);
});

test("a token and a key travel in headers and never in the address", async () => {
  const { api, asked } = scripted([json(202, { order_id: "o" }, { "Retry-After": "2" })], "secret");
  const answer = await api.post("/v1/purchases", { body: { quantity: 1 }, key: "k" });
  assert.equal(answer.retryAfterMs, 2_000);
  assert.equal(asked[0].url, "https://api.example/v1/purchases");
  assert.equal(asked[0].headers.authorization, "Bearer secret");
  assert.equal(asked[0].headers["idempotency-key"], "k");
  assert.equal(asked[0].init.credentials, "omit");
});

test("an answer that does not come, or is no JSON, is still an answer", async () => {
  const { api } = scripted([() => new Response("<html>", { status: 502 })]);
  assert.equal((await api.get("/a")).problem.code, "unexpected");
  assert.equal((await api.get("/a")).problem.code, "unreachable");
});

test("the server's time in an answer sets the clock", async () => {
  const { api } = scripted([json(200, { items: [{ server_time: "2030-01-01T00:00:00.000Z" }] })]);
  await api.get("/v1/deals");
  const ahead = api.clock.now() - Date.parse("2030-01-01T00:00:00.000Z");
  assert.ok(ahead >= 0 && ahead < 60_000, `${ahead} ms`);
});

test("a stream comes back with the last id and ends for good at 204", async () => {
  const { api, asked } = scripted([
    events("retry: 1\n\nid: 5\nevent: held\ndata: {}\n\n"),
    json(503, {}, { "Retry-After": "0" }),
    () => new Response(null, { status: 204 }),
  ]);
  const heard = [];
  const live = [];
  const { signal } = new AbortController();
  const onEvent = ({ event }) => heard.push(event);
  const onLive = (now) => live.push(now);
  const end = await followStream({ api, path: "/v1/orders/o/stream", onEvent, onLive, signal });
  assert.equal(end, 204);
  assert.deepEqual(heard, ["held"]);
  assert.deepEqual(live, [true, false, false, false]);
  const ids = asked.map(({ headers }) => headers["last-event-id"]);
  assert.deepEqual(ids, [undefined, "5", "5"]);
});

test("a stream that is refused is not asked for again", async () => {
  for (const status of [401, 403, 404]) {
    const { api, asked } = scripted([json(status, {})]);
    const ignore = () => {};
    const { signal } = new AbortController();
    const following = { api, path: "/s", onEvent: ignore, onLive: ignore, signal };
    assert.equal(await followStream(following), status);
    assert.equal(asked.length, 1);
  }
});

test("an API address in the link counts only on a page from this machine", () => {
  const choose = (meta, query, pageUrl) => chooseApiBase({ meta, query, pageUrl });
  const evil = "?api=https://evil.example";
  assert.equal(choose("", "", "https://shop.example/"), "");
  assert.equal(choose("https://api.example/", "", "https://shop.example/"), "https://api.example");
  assert.equal(choose("https://api.example/x/", "", "https://s.example/"), "https://api.example/x");
  assert.equal(choose("", evil, "https://shop.example/"), "");
  const local = "?api=http://127.0.0.1:9000";
  assert.equal(choose("", local, "http://localhost:3000/"), "http://127.0.0.1:9000");
  assert.equal(choose("javascript:1", "", "https://shop.example/"), "");
});
