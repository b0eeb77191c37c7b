/**
 * Sentences about deals and orders. Owns what is said, in the reader's language and zone; knows
 * nothing of the DOM, so that the page and the screen reader's announcements say the same.
 */
import { timeLeftMs } from "./order.js";
import { problemKey } from "./problems.js";
import { createTexts } from "./texts.js";
import { formatMoney } from "./money.js";
import { formatCount, formatCountdown, formatDuration, formatTime } from "./times.js";

/**
 * @typedef {ReturnType<typeof createWords>} Words
 * @typedef {import("./order.js").Order} Order
 */

/**
 * @param {string} language of the texts
 * @param {string} locale of numbers and times
 */
export function createWords(language, locale) {
  return {
    language,
    t: createTexts(language),
    money: (/** @type {import("./money.js").Money} */ money) => formatMoney(money, locale),
    time: (/** @type {number | string} */ time) => formatTime(new Date(time).getTime(), locale),
    duration: (/** @type {number} */ durationMs) => formatDuration(durationMs, locale),
    countdown: (/** @type {number} */ leftMs) => formatCountdown(leftMs, locale),
    count: (/** @type {number} */ count) => formatCount(count, locale),
  };
}

/**
 * What an order's status means for its buyer now.
 * @param {Order} order
 * @param {number} nowMs server's clock
 * @param {Words} words
 * @returns {string}
 */
export function orderNote(order, nowMs, words) {
  const { t } = words;
  const notes = {
    queued: () => queueNote(order, words),
    rejected: () => rejectionNote(order, words),
    held: () => {
      if (timeLeftMs(order, nowMs) === 0) return t("order.payEnding");
      return order.expires_at ? t("order.payBy", { time: words.time(order.expires_at) }) : "";
    },
    confirmed: () => t("order.confirmedNote"),
    expired: () => t("order.expiredNote"),
    cancelled: () => t("order.cancelledNote"),
  };
  return [notes[order.status](), refundNote(order, words)].filter(Boolean).join(" ");
}

/** @param {Order} order @param {Words} words */
function queueNote({ queue }, { t, count, duration }) {
  if (queue === undefined) return "";
  const { ahead, estimated_wait_ms: waitMs } = queue;
  const place =
    ahead === 0 ? t("order.next") : t("order.ahead", { count: ahead, ahead: count(ahead) });
  if (waitMs === undefined) return place;
  return `${place} ${t("order.wait", { duration: duration(waitMs) })}`;
}

/** @param {Order} order @param {Words} words */
function rejectionNote({ rejection }, { t }) {
  if (rejection === undefined) return "";
  const again = rejection.retryable ? t("checkout.retryable") : t("checkout.final");
  return `${t(problemKey(rejection.code))} ${again}`;
}

/** @param {Order} order @param {Words} words */
function refundNote({ refund, total, unit_price: price }, { t, money }) {
  const currency = (total ?? price)?.currency;
  if (refund === undefined || currency === undefined) return "";
  return t(`order.refund.${refund.status}`, { amount: money({ amount: refund.amount, currency }) });
}

/**
 * @param {Order} order
 * @param {Words} words
 */
export function orderLine(order, { t, money }) {
  const { quantity, unit_price: price, total } = order;
  if (quantity === undefined || price === undefined || total === undefined) return "";
  return t("order.quantityTotal", { quantity, price: money(price), total: money(total) });
}

/**
 * @param {import("./checkout.js").Progress} progress
 * @param {number} nowMs
 * @param {Words} words
 * @returns {{ title: string, note: string }}
 */
export function progressWords(progress, nowMs, { t, duration }) {
  if (progress.phase === "sending") return { title: t("checkout.sending"), note: "" };
  const why = t(problemKey(progress.code));
  if (progress.phase === "waiting") {
    const leftMs = progress.untilMs - nowMs;
    const when = leftMs > 0 ? t("checkout.waiting", { duration: duration(leftMs) }) : "";
    const note = `${when || t("checkout.trying")}`;
    return { title: why, note: progress.uncertain ? `${t("checkout.uncertain")} ${note}` : note };
  }
  const again = progress.retryable ? t("checkout.retryable") : t("checkout.final");
  const note = progress.unsure ? t("checkout.unsure") : again;
  return { title: t("checkout.refused"), note: `${why} ${note}` };
}
