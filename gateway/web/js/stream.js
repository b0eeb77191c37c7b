/**
 * A followed event stream: opens, reads, reconnects. Owns the connection's life; what an event
 * means is the caller's. Uses `fetch` because `EventSource` cannot send a token in a header.
 */
import { parseRetryAfter, retryDelay, sleep, stretch } from "./retry.js";
import { SseParser } from "./sse.js";

/** The server sends a comment every 15 s; a line silent for this long is dead. */
const SILENCE_MAX_MS = 40_000;
const RECONNECT_MS = 1_000;

/**
 * @typedef {object} Following
 * @property {import("./api.js").Api} api
 * @property {string} path
 * @property {(event: import("./sse.js").StreamEvent) => void} onEvent
 * @property {(live: boolean) => void} onLive told when events flow and when they stop
 * @property {AbortSignal} signal
 */

/**
 * Follows a stream until it ends for good.
 * @param {Following} following
 * @returns {Promise<number>} the status that ended it: 204 at its end, a 4xx, or 0 if aborted
 */
export async function followStream(following) {
  const { api, path, onLive, signal } = following;
  const parser = new SseParser();
  for (let failures = 0; !signal.aborted; ) {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    signal.addEventListener("abort", stop, { once: true });
    let askedMs = null;
    let served = false;
    try {
      const { lastEventId } = parser;
      const response = await api.open(path, { lastEventId, signal: attempt.signal });
      const end = endOf(response);
      if (end !== null) return end;
      askedMs = parseRetryAfter(response.headers.get("Retry-After"));
      if (isEventStream(response)) {
        parser.restart();
        onLive(true);
        await readEvents(response, parser, attempt, (event) => {
          served = true;
          following.onEvent(event);
        });
      }
    } catch {
      // Lost or aborted: the delay below decides.
    } finally {
      attempt.abort();
      signal.removeEventListener("abort", stop);
      onLive(false);
    }
    // Events came: the line works, so the server's own reconnect time holds. Else back off.
    failures = served ? 0 : failures + 1;
    if (served) askedMs ??= stretch(parser.retryMs ?? RECONNECT_MS);
    await sleep(retryDelay({ askedMs, failures }), signal);
  }
  return 0;
}

/**
 * @param {Response} response
 * @returns {number | null} its status if coming back is of no use
 */
function endOf(response) {
  const { status } = response;
  const comeBack = status === 408 || status === 429;
  return status === 204 || (status >= 400 && status < 500 && !comeBack) ? status : null;
}

/** @param {Response} response */
function isEventStream(response) {
  const type = response.headers.get("Content-Type") ?? "";
  return response.status === 200 && type.startsWith("text/event-stream");
}

/**
 * @param {Response} response
 * @param {SseParser} parser
 * @param {AbortController} attempt aborted when the line has been silent for too long
 * @param {Following["onEvent"]} onEvent
 */
async function readEvents(response, parser, attempt, onEvent) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (;;) {
    const silence = setTimeout(() => attempt.abort(), SILENCE_MAX_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    for (const event of parser.push(decoder.decode(value, { stream: true }))) onEvent(event);
  }
}
