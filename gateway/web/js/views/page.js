/**
 * The page as a whole: lists of cards, the live region, the language switch, the question before
 * a cancellation. Owns the elements that index.html has; decides nothing.
 */
import { byInterest, statusAt } from "../deal.js";
import { LANGUAGES } from "../texts.js";
import { createDealCard } from "./deal-card.js";
import { byId, fillTexts, setHidden, setText, setTextOrHide } from "./dom.js";
import { createOrderCard } from "./order-card.js";

/**
 * @typedef {object} PageView
 * @property {"loading" | "shown" | "failed"} state
 * @property {import("./deal-card.js").DealView[]} deals
 * @property {import("./order-card.js").OrderView[]} orders newest first
 * @property {boolean} moreDeals
 * @property {boolean} moreOrders
 * @property {boolean} signedIn
 * @property {boolean} demo
 * @property {number} nowMs
 */

/**
 * @typedef {import("./deal-card.js").DealActions & import("./order-card.js").OrderActions} Actions
 */

/** @param {Actions} actions */
export function createPage(actions) {
  /** @type {Map<string, ReturnType<typeof createDealCard>>} */
  const deals = new Map();
  /** @type {Map<string, ReturnType<typeof createOrderCard>>} */
  const orders = new Map();
  return {
    announce,
    confirmCancel,
    /** @param {PageView} view @param {import("../words.js").Words} words */
    update(view, words) {
      updateDeals(deals, actions, view, words);
      updateOrders(orders, actions, view, words);
      setHidden(byId("demo-note"), !view.demo);
    },
    /** @param {import("../words.js").Words} words */
    speak(words) {
      document.documentElement.lang = words.language;
      document.title = words.t("page.title");
      fillTexts(words.t);
      for (const code of Object.keys(LANGUAGES)) {
        byId(`language-${code}`).setAttribute("aria-pressed", String(code === words.language));
      }
    },
  };
}

/**
 * @param {Map<string, ReturnType<typeof createDealCard>>} cards
 * @param {any} actions
 * @param {PageView} view
 * @param {import("../words.js").Words} words
 */
function updateDeals(cards, actions, view, words) {
  const list = byId("deals");
  const order = byInterest(view.nowMs);
  for (const each of [...view.deals].sort((a, b) => order(a.deal, b.deal))) {
    const id = each.deal.deal_id;
    if (!cards.has(id)) {
      // New cards go to the end: nothing moves under a pointer that is about to click.
      const card = createDealCard(id, actions);
      cards.set(id, card);
      const item = document.createElement("li");
      item.append(card.node);
      list.append(item);
    }
    cards.get(id)?.update(each, words);
  }
  list.dataset.count = cards.size === 1 ? "one" : "many";
  const { t } = words;
  const empty = view.state === "loading" ? t("deals.loading") : t("deals.empty");
  const said = view.state === "failed" ? t("deals.failed") : empty;
  setTextOrHide(byId("deals-note"), cards.size > 0 ? "" : said);
  setHidden(byId("deals-more"), !view.moreDeals, byId("deals-title"));
}

/**
 * @param {Map<string, ReturnType<typeof createOrderCard>>} cards
 * @param {any} actions
 * @param {PageView} view
 * @param {import("../words.js").Words} words
 */
function updateOrders(cards, actions, view, words) {
  const list = byId("orders");
  const ids = new Set(view.orders.map(({ order }) => order.order_id));
  for (const [id, card] of cards) {
    if (ids.has(id)) continue;
    card.node.parentElement?.remove();
    cards.delete(id);
  }
  view.orders.forEach((each, index) => {
    const id = each.order.order_id;
    const card = cards.get(id) ?? createOrderCard(actions, "title");
    card.update(each, words);
    if (cards.has(id)) return;
    cards.set(id, card);
    const item = document.createElement("li");
    item.append(card.node);
    list.insertBefore(item, list.children[index] ?? null);
  });
  const { t } = words;
  const none = view.signedIn ? t("orders.empty") : t("orders.signIn");
  setTextOrHide(byId("orders-note"), cards.size > 0 ? "" : none);
  setHidden(byId("orders-more"), !view.moreOrders, byId("orders-title"));
}

/**
 * Says something to screen readers, after what they are saying now. Two equal sentences in a row
 * are two events, so the region is emptied in between.
 * @param {string} text
 */
function announce(text) {
  const region = byId("announcer");
  setText(region, "");
  requestAnimationFrame(() => setText(region, text));
}

/** @returns {Promise<boolean>} */
function confirmCancel() {
  /** @type {HTMLDialogElement} */
  const dialog = byId("confirm");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/**
 * What became of a deal since it was last drawn, if readers should hear of it.
 * @param {import("../deal.js").DealStatus | undefined} before
 * @param {import("../deal.js").Deal} deal
 * @param {number} nowMs
 * @param {import("../texts.js").Translate} t
 */
export function dealNews(before, deal, nowMs, t) {
  const status = statusAt(deal, nowMs);
  if (before === undefined || before === status) return "";
  if (status === "open") return t("deal.nowOpen", { title: deal.title });
  return status === "sold-out" ? t("deal.nowSoldOut", { title: deal.title }) : "";
}
