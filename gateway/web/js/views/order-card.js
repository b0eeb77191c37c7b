/**
 * One order on the page: its status, what it means, and what its buyer can do. Owns its elements;
 * decides nothing.
 */
import { canCancel, canPay, timeLeftMs } from "../order.js";
import { problemKey } from "../problems.js";
import { orderLine, orderNote } from "../words.js";
import { button, element, setHidden, setText, setTextOrHide } from "./dom.js";

/**
 * @typedef {object} OrderActions
 * @property {(orderId: string) => void} cancel
 * @property {(orderId: string, result: "succeeded" | "failed") => void} pay
 *
 * @typedef {object} OrderView
 * @property {import("../order.js").Order} order
 * @property {string} title
 * @property {number} nowMs
 * @property {boolean} demo
 * @property {boolean} brief the deal's own card shows this order in full
 * @property {Deed | undefined} deed what the buyer has asked for last
 *
 * @typedef {{ kind: "cancel", status: "queued" | "accepted" | "refused", code: string | null }
 *   | { kind: "pay", status: "queued" | "refused", failing: boolean, code: string | null }} Deed
 */

/**
 * @param {OrderActions} actions
 * @param {"title" | "status"} headline the deal's title with the status as a badge, or, inside the
 *   deal's own card, the status alone
 */
export function createOrderCard(actions, headline) {
  const headingTag = headline === "title" ? "h3" : "h4";
  let orderId = "";
  const parts = {
    heading: element(`${headingTag}.order-title`, { tabindex: "-1" }),
    badge: element("p.badge"),
    note: element("p.order-note"),
    timer: element("p.order-timer"),
    timerLabel: element("span.label"),
    timerValue: element("span.digits", { role: "timer" }),
    line: element("p.order-line"),
    time: element("p.order-time"),
    deed: element("p.order-deed"),
    buttons: element("div.buttons"),
    pay: button("button.primary", { "data-action": "pay" }, () => {
      actions.pay(orderId, "succeeded");
    }),
    fail: button("button.quiet", { "data-action": "fail" }, () => {
      actions.pay(orderId, "failed");
    }),
    cancel: button("button.quiet", { "data-action": "cancel" }, () => actions.cancel(orderId)),
  };
  parts.timer.append(parts.timerLabel, parts.timerValue);
  parts.buttons.append(parts.pay, parts.fail, parts.cancel);
  const { heading, badge, note, timer, line, time, deed, buttons } = parts;
  const children = [badge, heading, note, timer, line, time, deed, buttons];
  const node = element("article.order", {}, children);
  return {
    node,
    heading,
    /** @param {OrderView} view @param {import("../words.js").Words} words */
    update(view, words) {
      orderId = view.order.order_id;
      node.dataset.orderStatus = view.order.status;
      updateHeadline(parts, headline, view, words);
      updateFacts(parts, view, words);
      updateButtons(parts, view, words);
    },
  };
}

/**
 * @param {Record<string, HTMLElement>} parts
 * @param {"title" | "status"} headline
 * @param {OrderView} view
 * @param {import("../words.js").Words} words
 */
function updateHeadline(parts, headline, { order, title }, { t }) {
  const status = t(`order.status.${order.status}`);
  const named = title || t("order.number", { id: order.order_id.slice(-8) });
  setText(parts.heading, headline === "status" ? status : named);
  setTextOrHide(parts.badge, headline === "status" ? "" : status);
}

/**
 * @param {Record<string, HTMLElement>} parts
 * @param {OrderView} view
 * @param {import("../words.js").Words} words
 */
function updateFacts(parts, { order, nowMs, deed, brief }, words) {
  const { t } = words;
  setTextOrHide(parts.note, brief ? "" : orderNote(order, nowMs, words));
  const leftMs = timeLeftMs(order, nowMs);
  setHidden(parts.timer, !leftMs || brief);
  setText(parts.timerLabel, t("order.timeLeft"));
  setText(parts.timerValue, words.countdown(leftMs ?? 0));
  setTextOrHide(parts.line, orderLine(order, words));
  const bought = order.purchased_at;
  setTextOrHide(parts.time, bought ? t("order.boughtAt", { time: words.time(bought) }) : "");
  setTextOrHide(parts.deed, brief ? "" : deedText(deed, order, words));
}

/**
 * @param {Deed | undefined} deed
 * @param {import("../order.js").Order} order
 * @param {import("../words.js").Words} words
 */
function deedText(deed, order, { t }) {
  if (deed === undefined) return "";
  if (deed.code !== null) {
    const what = deed.kind === "cancel" ? `${t(`order.command.${deed.status}`)} ` : "";
    return `${what}${t(problemKey(deed.code))}`;
  }
  if (deed.kind === "cancel") return t(`order.command.${deed.status}`);
  if (order.status !== "held") return "";
  return t(deed.failing ? "order.payFailing" : "order.paying");
}

/**
 * @param {Record<string, HTMLElement>} parts
 * @param {OrderView} view
 * @param {import("../words.js").Words} words
 */
function updateButtons(parts, { order, nowMs, demo, deed, brief }, { t, money }) {
  const amount = order.total ? money(order.total) : "";
  const busy = deed?.status === "queued" && deed.code === null;
  const payable = demo && canPay(order, nowMs);
  setText(parts.pay, t("order.pay", { amount }));
  setText(parts.fail, t("order.payFail"));
  setText(parts.cancel, t("order.cancel"));
  const { heading } = parts;
  setHidden(parts.pay, !payable, heading);
  setHidden(parts.fail, !payable, heading);
  setHidden(parts.cancel, !canCancel(order) || (busy && deed.kind === "cancel"), heading);
  setHidden(parts.buttons, brief || (!payable && !canCancel(order)), heading);
}
