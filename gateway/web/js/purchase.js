/**
 * What to do after each answer to a purchase. Pure: answer and attempt in, next step out.
 *
 * A lost answer makes the attempt uncertain: the purchase may be in the log. A refusal at the door
 * then proves nothing (the first order may be undecided yet), so it counts only when it has been
 * repeated long enough for that order to be decided; a decided order that took a unit comes back
 * under the same key.
 *
 * @typedef {{ kind: "order", order: import("./order.js").Order }
 *   | { kind: "retry", code: string, delayMs: number, uncertain: boolean, refusals: number }
 *   | { kind: "refused", code: string, retryable: boolean, unsure: boolean }
 *   | { kind: "sign-in" }} Step
 */
import { retryDelay } from "./retry.js";

/** Nothing was admitted; the same key may be sent again after a while. */
const COME_BACK = new Set([
  "rate-limited",
  "overloaded",
  "log-unavailable",
  "view-behind",
  "history-unavailable",
  "not-ready",
  "request-timeout",
]);
/** Nobody knows whether the purchase was admitted; also a success whose body was cut off. */
const UNKNOWN = new Set(["outcome-unknown", "unreachable", "unexpected"]);
/** The page's clock may be a little ahead of the gateway's; more is no matter of waiting. */
const NOT_OPEN_WAIT_MAX_MS = 5_000;
const NOT_OPEN_TRIES_MAX = 4;
/** How often a refusal must be heard, and how far apart, to believe it after a lost answer. */
const REFUSALS_BELIEVED = 3;
const REFUSAL_PAUSE_MS = 4_000;
/** After that many tries the page stops by itself; the key stays for the next click. */
export const TRIES_MAX = 40;

/**
 * @param {import("./api.js").Answer} answer
 * @param {Pick<import("./attempts.js").Attempt, "uncertain" | "refusals">} attempt
 * @param {number} tries sent before this one
 * @param {() => number} [random]
 * @returns {Step}
 */
export function nextStep(answer, attempt, tries, random = Math.random) {
  if (answer.ok) return { kind: "order", order: answer.body };
  const problem = /** @type {import("./problems.js").Problem} */ (answer.problem);
  const { code } = problem;
  if (code === "unauthenticated") return { kind: "sign-in" };
  const lost = UNKNOWN.has(code) && !(problem.status >= 300 && problem.status < 500);
  const uncertain = attempt.uncertain || lost;
  const again = (/** @type {number} */ delayMs, refusals = attempt.refusals) =>
    /** @type {Step} */ ({ kind: "retry", code, delayMs, uncertain, refusals });
  const delayMs = retryDelay({ askedMs: answer.retryAfterMs, failures: tries }, random);
  const tired = tries + 1 >= TRIES_MAX;
  if (!tired && (lost || COME_BACK.has(code))) return again(delayMs);
  if (!tired && code === "deal-not-open" && opensSoon(answer, tries)) return again(delayMs);
  if (!tired && uncertain && attempt.refusals + 1 < REFUSALS_BELIEVED) {
    return again(Math.max(delayMs, REFUSAL_PAUSE_MS), attempt.refusals + 1);
  }
  const unsure = uncertain && (lost || COME_BACK.has(code));
  return { kind: "refused", code, retryable: problem.retryable, unsure };
}

/**
 * @param {import("./api.js").Answer} answer
 * @param {number} tries
 */
function opensSoon(answer, tries) {
  return tries < NOT_OPEN_TRIES_MAX && (answer.retryAfterMs ?? 0) <= NOT_OPEN_WAIT_MAX_MS;
}
