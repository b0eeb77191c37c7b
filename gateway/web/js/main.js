/**
 * The shop page: puts the parts together. Owns what happens when; every part is told what it
 * needs and knows nothing of the others.
 */
import { Api } from "./api.js";
import { Attempts } from "./attempts.js";
import { Catalogue } from "./catalogue.js";
import { Checkout } from "./checkout.js";
import { ServerClock } from "./clock.js";
import { chooseApiBase } from "./config.js";
import { statusAt } from "./deal.js";
import { SeenPositions } from "./seen.js";
import { Session } from "./session.js";
import {
  chooseLanguage,
  chooseLocale,
  LANGUAGES,
  storedLanguage,
  storeLanguage,
} from "./texts.js";
import { Tracking } from "./tracking.js";
import { createWords, orderNote, progressWords } from "./words.js";
import { createAccount } from "./views/account.js";
import { byId } from "./views/dom.js";
import { createPage, dealNews } from "./views/page.js";

const STORED_SEEN = "timedeal.seen";
/** The page is drawn this long after each full second of the server's clock. */
const DRAW_AFTER_SECOND_MS = 110;

const meta = document.querySelector('meta[name="timedeal-api"]');
const base = chooseApiBase({
  meta: meta?.getAttribute("content") ?? "",
  query: location.search,
  pageUrl: location.href,
});
const clock = new ServerClock();
const seen = new SeenPositions(sessionStorage.getItem(STORED_SEEN) ?? "");
const session = new Session(sessionStorage);
const api = new Api({ base, clock, seen, token: () => session.current()?.token ?? null });
const attempts = new Attempts(sessionStorage);
const catalogue = new Catalogue(api, draw);
const tracking = new Tracking(api, sessionStorage, tellOrder);
/** @type {Map<string, import("./views/order-card.js").Deed>} */
const deeds = new Map();
/** @type {Map<string, import("./deal.js").DealStatus>} */
const drawnStatus = new Map();

const checkout = new Checkout({
  api,
  attempts,
  identify,
  onOrder: (order) => tracking.take(order),
  onSessionEnd: endSession,
  onChange: tellProgress,
});
const page = createPage({
  buy(dealId, quantity) {
    catalogue.choose(dealId);
    checkout.buy(dealId, quantity);
  },
  stop: (dealId) => checkout.stop(dealId),
  cancel,
  pay,
});
let words = speak(chooseLanguage(navigator.languages, storedLanguage(localStorage)));
const account = createAccount({ session, api, words: () => words, onSignOut: signOut });

/** @param {string} language */
function speak(language) {
  const spoken = createWords(language, chooseLocale(language, navigator.languages));
  page.speak(spoken);
  return spoken;
}

let drawing = 0;
/** Draws the page before the next frame, however often it is asked to. */
function draw() {
  drawing ||= requestAnimationFrame(drawNow);
}

function drawNow() {
  drawing = 0;
  const nowMs = clock.now();
  const demo = session.demo !== null;
  /** @param {import("./order.js").Order} order @param {boolean} brief */
  const toOrderView = (order, brief) => ({
    order,
    brief,
    title: catalogue.deals.get(order.deal_id ?? "")?.title ?? "",
    nowMs,
    demo,
    deed: deeds.get(order.order_id),
  });
  const inDeals = new Set();
  const deals = [...catalogue.deals.values()].map((deal) => {
    const newest = tracking.newestOf(deal.deal_id);
    const progress = checkout.progress.get(deal.deal_id);
    if (newest === undefined) return { deal, nowMs, order: undefined, progress };
    if (progress === undefined) inDeals.add(newest.order_id);
    return { deal, nowMs, order: toOrderView(newest, false), progress };
  });
  page.update(
    {
      state: catalogue.state,
      deals,
      orders: tracking.list().map((order) => toOrderView(order, inDeals.has(order.order_id))),
      moreDeals: catalogue.nextCursor !== null,
      moreOrders: tracking.nextCursor !== null,
      signedIn: session.current() !== null,
      demo,
      nowMs,
    },
    words,
  );
  account.update();
  tellNews(nowMs);
}

/** Says which deals have opened or sold out. @param {number} nowMs */
function tellNews(nowMs) {
  for (const deal of catalogue.deals.values()) {
    const news = dealNews(drawnStatus.get(deal.deal_id), deal, nowMs, words.t);
    if (news !== "") page.announce(news);
    drawnStatus.set(deal.deal_id, statusAt(deal, nowMs));
  }
}

/**
 * @param {import("./order.js").Order | undefined} before
 * @param {import("./order.js").Order} order
 * @param {boolean} listed from the history: nothing new by itself
 */
function tellOrder(before, order, listed) {
  const news = before === undefined ? !listed : before.status !== order.status;
  if (news) {
    const title = catalogue.deals.get(order.deal_id ?? "")?.title ?? "";
    const status = words.t(`order.status.${order.status}`);
    const detail = orderNote(order, clock.now(), words);
    page.announce(words.t("order.said", { title, status, detail }));
    deeds.delete(order.order_id);
  }
  draw();
}

/** @type {Map<string, string>} by deal: what was said last, so that each try is not said again */
const saidCode = new Map();

/** @param {string} dealId */
function tellProgress(dealId) {
  const progress = checkout.progress.get(dealId);
  const code = progress === undefined || progress.phase === "sending" ? "" : progress.code;
  if (progress !== undefined && code !== "" && code !== saidCode.get(dealId)) {
    const { title, note } = progressWords(progress, clock.now(), words);
    page.announce(`${title} ${note}`);
  }
  saidCode.set(dealId, code);
  draw();
}

/**
 * The owner of the session, after asking for one if there is none.
 * @returns {Promise<string | null>}
 */
async function identify() {
  const known = session.current();
  if (known !== null) return known.owner;
  if (session.demo !== null) await session.enterDemo(api);
  else if (await account.ask()) enter();
  draw();
  return session.current()?.owner ?? null;
}

/** Somebody has signed in, or comes back after a reload. */
function enter() {
  const identity = session.current();
  if (identity === null) return;
  checkout.resume(identity.owner);
  tracking.resume().then(draw);
}

async function signIn() {
  if (session.demo !== null) {
    await session.enterDemo(api);
    draw();
  } else if (await account.ask()) {
    page.announce(words.t("account.signedIn"));
    enter();
  }
}

function signOut() {
  leave("account.signedOut");
}

function endSession() {
  leave("account.ended");
}

/** @param {"account.signedOut" | "account.ended"} why */
function leave(why) {
  session.close();
  if (why === "account.signedOut") checkout.clear();
  tracking.clear();
  deeds.clear();
  page.announce(words.t(why));
  draw();
}

/** @param {string} orderId */
async function cancel(orderId) {
  if (!(await page.confirmCancel())) return;
  tellDeed(orderId, { kind: "cancel", status: "queued", code: null });
  const code = await tracking.cancel(orderId);
  tellDeed(orderId, { kind: "cancel", status: code === null ? "accepted" : "refused", code });
  if (code === "unauthenticated") endSession();
}

/**
 * @param {string} orderId
 * @param {"succeeded" | "failed"} result
 */
async function pay(orderId, result) {
  const failing = result === "failed";
  const path = session.demo?.pay_path;
  if (path === undefined) return;
  tellDeed(orderId, { kind: "pay", status: "queued", failing, code: null });
  const { ok, problem } = await api.post(path, { body: { order_id: orderId, result } });
  // A payment that was taken shows in the order itself.
  if (ok) return;
  const code = problem?.code ?? "unexpected";
  tellDeed(orderId, { kind: "pay", status: "refused", failing, code });
}

/**
 * @param {string} orderId
 * @param {import("./views/order-card.js").Deed} deed
 */
function tellDeed(orderId, deed) {
  deeds.set(orderId, deed);
  draw();
}

/** Draws once a second, just after the server's clock has turned. */
function tick() {
  if (!document.hidden) draw();
  const intoSecond = (clock.now() - DRAW_AFTER_SECOND_MS) % 1000;
  setTimeout(tick, 1000 - ((intoSecond + 1000) % 1000));
}

function bind() {
  account.bind(signIn);
  for (const code of Object.keys(LANGUAGES)) {
    byId(`language-${code}`).addEventListener("click", () => {
      storeLanguage(localStorage, code);
      words = speak(code);
      draw();
    });
  }
  byId("deals-more").addEventListener("click", () => catalogue.loadMore());
  byId("orders-more").addEventListener("click", async () => {
    await tracking.loadPage(tracking.nextCursor);
    draw();
  });
  addEventListener("pagehide", () => sessionStorage.setItem(STORED_SEEN, seen.header()));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      sessionStorage.setItem(STORED_SEEN, seen.header());
      catalogue.pause();
    } else {
      clock.reset();
      catalogue.resume();
    }
  });
}

async function start() {
  bind();
  tick();
  if (!document.hidden) catalogue.resume();
  await session.findDemo(api);
  enter();
  draw();
}

start();
