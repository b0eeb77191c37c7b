/**
 * Problems of the API by their code. Owns the closed list of codes (the texts have one entry for
 * each) and the reading of an answer's body; says nothing of what to do about one.
 *
 * @typedef {{ pointer: string, detail: string }} FieldFault
 * @typedef {{ code: string, status: number, retryable: boolean, detail: string,
 *   errors: FieldFault[] }} Problem
 */

/** Every code of the API, in the order of its HTTP status. */
export const PROBLEM_CODES = Object.freeze([
  "malformed",
  "idempotency-key-missing",
  "idempotency-key-invalid",
  "unauthenticated",
  "signature-invalid",
  "signature-stale",
  "credentials-invalid",
  "forbidden",
  "not-found",
  "deal-not-found",
  "order-not-found",
  "method-not-allowed",
  "request-timeout",
  "deal-not-open",
  "deal-paused",
  "deal-closed",
  "deal-retired",
  "deal-already-open",
  "sold-out",
  "insufficient-stock",
  "limit-exceeded",
  "order-not-cancellable",
  "stock-below-committed",
  "payment-id-reused",
  "email-taken",
  "body-too-large",
  "unsupported-media-type",
  "out-of-range",
  "idempotency-key-reused",
  "rate-limited",
  "headers-too-large",
  "overloaded",
  "outcome-unknown",
  "log-unavailable",
  "view-behind",
  "history-unavailable",
  "not-ready",
]);

/** Codes that only a decided rejection has. */
export const REJECTION_CODES = Object.freeze(["unreadable"]);

/** What the page itself calls an answer that never came, or came from something else. */
export const PAGE_CODES = Object.freeze(["unreachable", "unexpected"]);

/**
 * @param {number} status HTTP status, 0 if no answer came
 * @param {any} body parsed JSON, or null
 * @returns {Problem}
 */
export function readProblem(status, body) {
  const code = status === 0 ? "unreachable" : body?.code;
  const retryable = status === 0 || status >= 500;
  return {
    code: typeof code === "string" ? code : "unexpected",
    status,
    retryable: typeof body?.retryable === "boolean" ? body.retryable : retryable,
    detail: typeof body?.detail === "string" ? body.detail : "",
    errors: Array.isArray(body?.errors) ? body.errors : [],
  };
}

/**
 * The key of a problem's text. A newer server may know codes that this page does not.
 * @param {string} code
 */
export function problemKey(code) {
  const known = [PROBLEM_CODES, REJECTION_CODES, PAGE_CODES].some((codes) => codes.includes(code));
  return `problem.${known ? code : "unexpected"}`;
}
