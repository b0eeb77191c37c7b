/**
 * Orders as this page knows them. Owns the rule that a status only moves forward (I9) and what an
 * order means for its buyer; knows nothing of HTTP and the DOM.
 *
 * @typedef {import("./money.js").Money} Money
 * @typedef {"queued" | "rejected" | "held" | "confirmed" | "expired" | "cancelled"} OrderStatus
 * @typedef {object} Order
 * @property {string} order_id
 * @property {string} [deal_id]
 * @property {string} [product_id]
 * @property {OrderStatus} status
 * @property {number} [quantity]
 * @property {Money} [unit_price]
 * @property {Money} [total]
 * @property {string} [purchased_at]
 * @property {string} [expires_at]
 * @property {{ code: string, detail: string, retryable: boolean }} [rejection]
 * @property {{ ahead: number, estimated_wait_ms?: number, poll_after_ms: number }} [queue]
 * @property {object} [payment]
 * @property {{ status: "due" | "settled", amount: number }} [refund]
 * @property {string} [client_reference]
 */

export const ORDER_STATUSES = Object.freeze([
  "queued",
  "rejected",
  "held",
  "confirmed",
  "expired",
  "cancelled",
]);
export const REFUND_STATUSES = Object.freeze(["due", "settled"]);
export const COMMAND_STATUSES = Object.freeze(["queued", "accepted", "refused"]);

/** Every status that may follow, directly or not: this page need not hear each step. */
const LATER = {
  queued: ["rejected", "held", "confirmed", "expired", "cancelled"],
  rejected: [],
  held: ["confirmed", "expired", "cancelled"],
  confirmed: ["cancelled"],
  expired: ["confirmed", "cancelled"],
  cancelled: [],
};

/** How often a held order is asked for when no stream tells. */
const HELD_POLL_MS = 4_000;
const QUEUED_POLL_MS = 1_000;

/**
 * Takes what an answer says over what was known, unless it would go back.
 * @param {Order | undefined} known
 * @param {Order} said
 * @returns {Order}
 */
export function mergeOrder(known, said) {
  if (known === undefined) return said;
  if (said.status !== known.status && !LATER[known.status].includes(said.status)) return known;
  // Fields that a gateway did not know this time stay; those of an earlier status do not.
  const { queue: _queue, rejection: _rejection, ...kept } = known;
  const merged = { ...kept, ...said };
  if (known.queue && merged.queue) {
    merged.queue = { ...merged.queue, ahead: Math.min(known.queue.ahead, merged.queue.ahead) };
  }
  return merged;
}

/** Whether more is to come without the buyer's doing. @param {Order} order */
export function isWaiting(order) {
  return order.status === "queued" || order.status === "held";
}

/** @param {Order} order */
export function canCancel(order) {
  return order.status === "held" || order.status === "confirmed";
}

/** @param {Order} order @param {number} nowMs server's clock */
export function canPay(order, nowMs) {
  return order.status === "held" && (timeLeftMs(order, nowMs) ?? 1) > 0;
}

/**
 * @param {Order} order
 * @param {number} nowMs server's clock
 * @returns {number | null} time left to pay
 */
export function timeLeftMs(order, nowMs) {
  if (order.status !== "held" || order.expires_at === undefined) return null;
  return Math.max(0, Date.parse(order.expires_at) - nowMs);
}

/**
 * Whether buying again makes sense.
 * @param {Order} order
 */
export function canBuyAgain(order) {
  if (order.status === "rejected") return order.rejection?.retryable === true;
  return order.status === "expired" || order.status === "cancelled";
}

/** @param {Order} order @param {number | null} retryAfterMs of the last answer */
export function pollDelayMs(order, retryAfterMs) {
  if (order.status !== "queued") return Math.max(HELD_POLL_MS, retryAfterMs ?? 0);
  return Math.max(order.queue?.poll_after_ms ?? QUEUED_POLL_MS, retryAfterMs ?? 0);
}

/** Newest first. @param {Order} a @param {Order} b */
export function byNewest(a, b) {
  return (b.purchased_at ?? "~").localeCompare(a.purchased_at ?? "~");
}
