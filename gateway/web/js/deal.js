/**
 * Deals as this page knows them. Owns what a deal offers at an instant of the server's clock;
 * knows nothing of HTTP and the DOM.
 *
 * @typedef {"upcoming" | "open" | "paused" | "sold-out" | "closed"} DealStatus
 * @typedef {object} Deal
 * @property {string} deal_id
 * @property {string} product_id
 * @property {{ name: string, description: string, image_url?: string }} product
 * @property {string} title
 * @property {import("./money.js").Money} price
 * @property {number} stock
 * @property {number} limit_per_customer
 * @property {string} opens_at
 * @property {string} closes_at
 * @property {number} hold_seconds
 * @property {DealStatus} status
 * @property {number} stock_left
 * @property {number} held
 * @property {number} confirmed
 * @property {string} server_time
 */

export const DEAL_STATUSES = Object.freeze(["upcoming", "open", "paused", "sold-out", "closed"]);

/** The gateway's door opens a little late; with some margin for the estimate of its clock. */
const DOOR_DELAY_MS = 100;

/**
 * The status at an instant: the page need not wait for the server to say that a deal has opened.
 * @param {Deal} deal
 * @param {number} nowMs server's clock
 * @returns {DealStatus}
 */
export function statusAt(deal, nowMs) {
  if (nowMs >= Date.parse(deal.closes_at)) return "closed";
  if (deal.status !== "upcoming") return deal.status;
  if (nowMs < Date.parse(deal.opens_at) + DOOR_DELAY_MS) return "upcoming";
  return deal.stock_left > 0 ? "open" : "sold-out";
}

/**
 * What the countdown counts to.
 * @param {Deal} deal
 * @param {number} nowMs
 * @returns {{ to: "opening" | "closing", leftMs: number } | null}
 */
export function countdownAt(deal, nowMs) {
  const status = statusAt(deal, nowMs);
  if (status === "closed") return null;
  if (status !== "upcoming") return { to: "closing", leftMs: Date.parse(deal.closes_at) - nowMs };
  return { to: "opening", leftMs: Date.parse(deal.opens_at) - nowMs };
}

/**
 * Of two states of one deal, the later one.
 * @param {Deal | undefined} known
 * @param {Deal} said
 */
export function laterDeal(known, said) {
  if (known === undefined) return said;
  return Date.parse(said.server_time) >= Date.parse(known.server_time) ? said : known;
}

const RANK = { open: 0, upcoming: 1, paused: 2, "sold-out": 3, closed: 4 };

/**
 * What can be bought comes first, then what opens next.
 * @param {number} nowMs
 * @returns {(a: Deal, b: Deal) => number}
 */
export function byInterest(nowMs) {
  return (a, b) =>
    RANK[statusAt(a, nowMs)] - RANK[statusAt(b, nowMs)] ||
    Date.parse(a.opens_at) - Date.parse(b.opens_at) ||
    a.deal_id.localeCompare(b.deal_id);
}

/**
 * A picture's address if it is one that a page may load.
 * @param {Deal} deal
 * @param {string} base address that relative ones start from
 * @returns {string | null}
 */
export function pictureUrl(deal, base) {
  const given = deal.product.image_url;
  if (!given) return null;
  try {
    const url = new URL(given, base);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
