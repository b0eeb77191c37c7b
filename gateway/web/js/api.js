/**
 * Calls of the API. Owns headers, time limits and what every answer teaches (the server's clock,
 * the positions seen). Knows no deals and no DOM. A token travels in a header, never in a URL.
 */
import { readProblem } from "./problems.js";
import { askedDelay } from "./retry.js";

const ANSWER_WITHIN_MS = 15_000;

/**
 * @typedef {import("./problems.js").Problem} Problem
 * @typedef {{ ok: boolean, status: number, body: any, problem: Problem | null,
 *   retryAfterMs: number | null, location: string | null }} Answer
 * @typedef {{ body?: unknown, key?: string, withinMs?: number, signal?: AbortSignal }} CallOptions
 */

export class Api {
  /**
   * @param {object} parts
   * @param {string} parts.base address without a slash at the end; empty for the page's origin
   * @param {import("./clock.js").ServerClock} parts.clock
   * @param {import("./seen.js").SeenPositions} parts.seen
   * @param {() => string | null} parts.token bearer token of the session, if there is one
   * @param {typeof fetch} [parts.fetch]
   */
  constructor({ base, clock, seen, token, fetch = globalThis.fetch.bind(globalThis) }) {
    this.base = base;
    this.clock = clock;
    this.seen = seen;
    this.token = token;
    this.fetch = fetch;
  }

  /**
   * @param {string} path
   * @param {CallOptions} [options]
   */
  get(path, options) {
    return this.call("GET", path, options);
  }

  /**
   * @param {string} path
   * @param {CallOptions} [options]
   */
  post(path, options) {
    return this.call("POST", path, options);
  }

  /**
   * One call. Never throws: an answer that did not come is an answer with status 0.
   * @param {string} method
   * @param {string} path
   * @param {CallOptions} [options]
   * @returns {Promise<Answer>}
   */
  async call(method, path, { body, key, withinMs = ANSWER_WITHIN_MS, signal } = {}) {
    const headers = this.headers("application/json");
    if (body !== undefined) headers.set("Content-Type", "application/json");
    if (key !== undefined) headers.set("Idempotency-Key", key);
    const limit = AbortSignal.timeout(withinMs);
    const sentAt = this.clock.monotonic();
    try {
      const response = await this.fetch(this.base + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
        credentials: "omit",
        signal: signal && AbortSignal.any ? AbortSignal.any([limit, signal]) : limit,
      });
      const receivedAt = this.clock.monotonic();
      this.seen.merge(response.headers.get("Timedeal-Seen"));
      const answer = await response.json().catch(() => null);
      this.observeClock(answer, sentAt, receivedAt);
      return toAnswer(response, answer);
    } catch {
      return toAnswer(null, null);
    }
  }

  /**
   * Opens a stream; the caller reads it. Throws if no answer comes.
   * @param {string} path
   * @param {{ lastEventId: string, signal: AbortSignal }} options
   * @returns {Promise<Response>}
   */
  async open(path, { lastEventId, signal }) {
    const headers = this.headers("text/event-stream");
    if (lastEventId !== "") headers.set("Last-Event-ID", lastEventId);
    const init = { headers, cache: /** @type {const} */ ("no-store"), signal };
    const response = await this.fetch(this.base + path, { ...init, credentials: "omit" });
    this.seen.merge(response.headers.get("Timedeal-Seen"));
    return response;
  }

  /** @param {string} accept */
  headers(accept) {
    const headers = new Headers({ Accept: accept });
    const token = this.token();
    if (token !== null) headers.set("Authorization", `Bearer ${token}`);
    const seen = this.seen.header();
    if (seen !== "") headers.set("Timedeal-Seen", seen);
    return headers;
  }

  /**
   * @param {any} answer
   * @param {number} sentAt
   * @param {number} receivedAt
   */
  observeClock(answer, sentAt, receivedAt) {
    const stated = answer?.server_time ?? answer?.items?.[0]?.server_time;
    if (typeof stated === "string") this.clock.observe(Date.parse(stated), sentAt, receivedAt);
  }
}

/**
 * @param {Response | null} response
 * @param {any} body
 * @returns {Answer}
 */
function toAnswer(response, body) {
  const status = response?.status ?? 0;
  const ok = status >= 200 && status < 300 && body !== null;
  return {
    ok,
    status,
    body,
    problem: ok ? null : readProblem(status, body),
    retryAfterMs: askedDelay(body, response?.headers.get("Retry-After")),
    location: response?.headers.get("Location") ?? null,
  };
}
