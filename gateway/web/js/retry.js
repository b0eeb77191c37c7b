/**
 * When to try again. Owns delays and their jitter; knows nothing of what is tried. A crowd that
 * fails together must not come back together, so no delay is without jitter.
 */

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** A wait asked for by the server is stretched by up to this share, never shortened. */
const STRETCH_MAX = 0.2;

/**
 * @param {string | null | undefined} value of `Retry-After`, in seconds
 * @returns {number | null} milliseconds
 */
export function parseRetryAfter(value) {
  return /^\d{1,6}$/.test(value ?? "") ? Number(value) * 1000 : null;
}

/**
 * When the server wants the next try: a problem may say it to the millisecond, the header cannot.
 * @param {any} body parsed JSON, or null
 * @param {string | null | undefined} header `Retry-After`
 * @returns {number | null} milliseconds
 */
export function askedDelay(body, header) {
  const millis = body?.retry_after_ms;
  return Number.isSafeInteger(millis) && millis >= 0 ? millis : parseRetryAfter(header);
}

/**
 * @param {number} failures tries that have failed in a row before this one, from 0
 * @param {() => number} random
 * @returns {number} milliseconds, between half and the whole of the doubled step
 */
export function backoff(failures, random = Math.random) {
  const step = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures, 16));
  return Math.round(step * (0.5 + 0.5 * random()));
}

/**
 * The delay before the next try: what the server asked for, else a growing one.
 * @param {{ askedMs?: number | null, failures: number }} plan
 * @param {() => number} random
 */
export function retryDelay({ askedMs, failures }, random = Math.random) {
  if (askedMs === null || askedMs === undefined) return backoff(failures, random);
  return stretch(askedMs, random);
}

/** @param {number} delayMs @param {() => number} random */
export function stretch(delayMs, random = Math.random) {
  return Math.round(delayMs * (1 + STRETCH_MAX * random()));
}

/**
 * @param {number} delayMs
 * @param {AbortSignal} [signal] ends the wait early, without an error
 * @returns {Promise<void>}
 */
export function sleep(delayMs, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    signal?.addEventListener("abort", done);
  });
}
