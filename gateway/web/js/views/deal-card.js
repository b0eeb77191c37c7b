/**
 * One deal on the page: picture, price, countdown, stock, the way to buy and what became of it.
 * Owns its elements; decides nothing.
 */
import { countdownAt, pictureUrl, statusAt } from "../deal.js";
import { canBuyAgain } from "../order.js";
import { progressWords } from "../words.js";
import { button, element, setHidden, setText, setTextOrHide } from "./dom.js";
import { createOrderCard } from "./order-card.js";

/**
 * @typedef {object} DealView
 * @property {import("../deal.js").Deal} deal
 * @property {number} nowMs
 * @property {import("../checkout.js").Progress | undefined} progress
 * @property {import("./order-card.js").OrderView | undefined} order the newest of this deal
 *
 * @typedef {object} DealActions
 * @property {(dealId: string, quantity: number) => void} buy
 * @property {(dealId: string) => void} stop
 */

const PLACEHOLDERS = 5;

/**
 * @param {string} dealId
 * @param {DealActions & import("./order-card.js").OrderActions} actions
 */
export function createDealCard(dealId, actions) {
  const titleId = `deal-${dealId}`;
  const parts = createParts(titleId, dealId, actions);
  const order = createOrderCard(actions, "status");
  const { picture, badge, product, title, text, price, countdown, when } = parts;
  const { stock, bar, heldNote, facts, form, progress } = parts;
  order.node.hidden = true;
  const head = element("div.deal-head", {}, [badge, product]);
  const figures = element("div.deal-figures", {}, [price, countdown]);
  const supply = element("div.deal-supply", {}, [bar, stock, heldNote]);
  const body = element("div.deal-body", {}, [head, title, text, figures, when]);
  body.append(supply, facts, progress, order.node, form);
  const node = element("article.deal", { "aria-labelledby": titleId }, [picture, body]);
  return {
    node,
    /** @param {DealView} view @param {import("../words.js").Words} words */
    update(view, words) {
      node.dataset.status = statusAt(view.deal, view.nowMs);
      updateOffer(parts, view, words);
      updateSupply(parts, view, words);
      updateForm(parts, view, words);
      updateProgress(parts, view, words);
      showOutcome(parts, order, view, words);
    },
  };
}

/**
 * @param {string} titleId
 * @param {string} dealId
 * @param {DealActions} actions
 */
function createParts(titleId, dealId, actions) {
  const quantity = /** @type {HTMLInputElement} */ (
    element("input", { type: "number", min: "1", step: "1", value: "1", required: "" })
  );
  const buy = /** @type {HTMLButtonElement} */ (
    element("button.primary.buy", { type: "submit", "data-action": "buy" })
  );
  const quantityLabel = element("span.label");
  const quantityField = element("label.quantity", {}, [quantityLabel, quantity]);
  const form = element("form.deal-form", {}, [quantityField, buy]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!buy.hasAttribute("aria-disabled")) actions.buy(dealId, Number(quantity.value));
  });
  const countdownLabel = element("span.label");
  const countdownValue = element("span.digits", { role: "timer" });
  const progressTitle = element("p.progress-title", { tabindex: "-1" });
  const progressNote = element("p");
  const stop = button("button.quiet", { "data-action": "stop" }, () => actions.stop(dealId));
  return {
    picture: element("div.picture", { "aria-hidden": "true" }),
    badge: element("p.badge"),
    product: element("p.deal-product"),
    title: element("h3.deal-title", { id: titleId, tabindex: "-1" }),
    text: element("p.deal-text"),
    price: element("p.price"),
    countdown: element("p.countdown", {}, [countdownLabel, countdownValue]),
    countdownLabel,
    countdownValue,
    when: element("p.deal-when"),
    bar: element("progress", { "aria-hidden": "true" }),
    stock: element("p.stock"),
    heldNote: element("p.held-note"),
    facts: element("p.deal-facts"),
    form,
    quantity,
    quantityField,
    quantityLabel,
    buy,
    progress: element("div.progress", {}, [progressTitle, progressNote, stop]),
    progressTitle,
    progressNote,
    stop,
  };
}

/**
 * @param {Record<string, any>} parts
 * @param {DealView} view
 * @param {import("../words.js").Words} words
 */
function updateOffer(parts, { deal, nowMs }, words) {
  const { t } = words;
  const status = statusAt(deal, nowMs);
  updatePicture(parts.picture, deal);
  setText(parts.badge, t(`deal.status.${status}`));
  setText(parts.product, deal.product.name);
  setText(parts.title, deal.title);
  setTextOrHide(parts.text, deal.product.description);
  setText(parts.price, words.money(deal.price));
  const countdown = countdownAt(deal, nowMs);
  setHidden(parts.countdown, countdown === null);
  const opening = countdown?.to === "opening";
  setText(parts.countdownLabel, t(opening ? "deal.opensIn" : "deal.closesIn"));
  setText(parts.countdownValue, words.countdown(countdown?.leftMs ?? 0));
  const time = words.time(opening ? deal.opens_at : deal.closes_at);
  const ended = status === "closed" ? "deal.closedAt" : "deal.closesAt";
  const over = status === "closed" && Date.parse(deal.closes_at) > nowMs;
  setTextOrHide(parts.when, over ? "" : t(opening ? "deal.opensAt" : ended, { time }));
}

/**
 * @param {HTMLElement} picture
 * @param {import("../deal.js").Deal} deal
 */
function updatePicture(picture, deal) {
  const url = pictureUrl(deal, document.baseURI) ?? "";
  if (picture.dataset.shown === url) return;
  picture.dataset.shown = url;
  const codes = [...deal.product_id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  picture.dataset.tone = String(codes % PLACEHOLDERS);
  picture.replaceChildren(element("span", {}, [[...deal.product.name][0] ?? ""]));
  if (url === "") return;
  const image = element("img", { src: url, alt: "", decoding: "async", loading: "lazy" });
  image.addEventListener("error", () => image.remove());
  picture.append(image);
}

/**
 * @param {Record<string, any>} parts
 * @param {DealView} view
 * @param {import("../words.js").Words} words
 */
function updateSupply(parts, { deal, nowMs }, words) {
  const { t, count, duration } = words;
  const status = statusAt(deal, nowMs);
  parts.bar.max = Math.max(1, deal.stock);
  parts.bar.value = deal.stock_left;
  const left = count(deal.stock_left);
  setText(parts.stock, t("deal.left", { count: deal.stock_left, left, stock: count(deal.stock) }));
  const mayReturn = status === "sold-out" && deal.held > 0;
  const heldWords = { count: deal.held, held: count(deal.held) };
  setTextOrHide(parts.heldNote, mayReturn ? t("deal.heldNote", heldWords) : "");
  const limit = deal.limit_per_customer;
  const facts = [t("deal.limit", { count: limit, limit: count(limit) })];
  if (deal.hold_seconds > 0) {
    facts.push(t("deal.hold", { duration: duration(deal.hold_seconds * 1000) }));
  }
  setText(parts.facts, facts.join(" · "));
}

/** What the button says while it cannot be used. */
const CLOSED_DOOR = {
  upcoming: "deal.notYet",
  paused: "deal.paused",
  "sold-out": "deal.soldOut",
  closed: "deal.closed",
};

/**
 * @param {DealView["progress"]} progress
 * @param {import("../order.js").Order | undefined} order
 */
function buyLabel(progress, order) {
  const repeat = order !== undefined && (canBuyAgain(order) || order.status === "confirmed");
  return repeat && progress === undefined ? "deal.buyAgain" : "deal.buy";
}

/**
 * The button stays focusable while it cannot be used (`aria-disabled`): a reader who waits on it
 * for the opening presses Enter at once.
 * @param {Record<string, any>} parts
 * @param {DealView} view
 * @param {import("../words.js").Words} words
 */
function updateForm(parts, { deal, nowMs, progress, order }, { t }) {
  const status = statusAt(deal, nowMs);
  const sending = progress?.phase === "sending" || progress?.phase === "waiting";
  const usable = status === "open" && !sending;
  const label = status === "open" ? buyLabel(progress, order?.order) : CLOSED_DOOR[status];
  setText(parts.buy, t(label));
  if (label === "deal.buy") {
    parts.buy.setAttribute("aria-label", t("deal.buyNamed", { title: deal.title }));
  } else {
    parts.buy.removeAttribute("aria-label");
  }
  if (usable) parts.buy.removeAttribute("aria-disabled");
  else parts.buy.setAttribute("aria-disabled", "true");
  parts.quantity.max = String(deal.limit_per_customer);
  setText(parts.quantityLabel, t("deal.quantity"));
  const choosable = status !== "closed" && deal.limit_per_customer > 1;
  setHidden(parts.quantityField, !choosable, parts.buy);
}

/**
 * @param {Record<string, any>} parts
 * @param {DealView} view
 * @param {import("../words.js").Words} words
 */
function updateProgress(parts, { progress, nowMs }, words) {
  if (progress === undefined) return;
  const { title, note } = progressWords(progress, nowMs, words);
  parts.progress.dataset.phase = progress.phase;
  setText(parts.progressTitle, title);
  setTextOrHide(parts.progressNote, note);
  setText(parts.stop, words.t("checkout.stop"));
  setHidden(parts.stop, progress.phase !== "waiting", parts.progressTitle);
}

/**
 * Shows the way to buy, the purchase on its way, or the order. What appears is shown first, so
 * that a focus in what disappears can go on to it.
 * @param {Record<string, any>} parts
 * @param {ReturnType<typeof createOrderCard>} card
 * @param {DealView} view
 * @param {import("../words.js").Words} words
 */
function showOutcome(parts, card, { deal, progress, order }, words) {
  const sending = progress?.phase === "sending" || progress?.phase === "waiting";
  const shown = progress === undefined ? order : undefined;
  if (progress !== undefined) setHidden(parts.progress, false);
  if (shown !== undefined) {
    setHidden(card.node, false);
    card.update(shown, words);
  }
  const status = shown?.order.status;
  const waiting = status === "queued" || status === "held";
  const full = deal.limit_per_customer === 1 && status === "confirmed";
  const outcome = shown === undefined ? parts.title : card.heading;
  const target = progress === undefined ? outcome : parts.progressTitle;
  setHidden(parts.form, sending || waiting || full, target);
  setHidden(parts.progress, progress === undefined, target);
  setHidden(card.node, shown === undefined, target);
}
