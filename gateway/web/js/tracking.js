/**
 * The customer's orders. Owns what is known of each and its freshness: one waiting order is
 * streamed (see catalogue.js for why one), the others are polled as the server asks, without
 * `wait`, so that no connection is held. The ids of waiting orders outlive a reload, because the
 * history lists an order only once it is decided.
 */
import { byNewest, isWaiting, mergeOrder, pollDelayMs } from "./order.js";
import { retryDelay, sleep, stretch } from "./retry.js";
import { followStream } from "./stream.js";

const STORED = "timedeal.waiting";
const PAGE_SIZE = 20;
const COMMAND_POLLS_MAX = 20;

/** @typedef {import("./order.js").Order} Order */

export class Tracking {
  /**
   * @param {import("./api.js").Api} api
   * @param {Storage} storage
   * @param {(before: Order | undefined, now: Order, listed: boolean) => void} onOrder
   */
  constructor(api, storage, onOrder) {
    this.api = api;
    this.storage = storage;
    this.onOrder = onOrder;
    /** @type {Map<string, Order>} */
    this.orders = new Map();
    /** @type {string | null} */
    this.nextCursor = null;
    this.listed = false;
    this.streaming = { orderId: "", live: false };
    /** @type {Set<string>} */
    this.followed = new Set();
    this.customer = new AbortController();
  }

  /** Forgets everything: another customer, or none. */
  clear() {
    this.customer.abort();
    this.customer = new AbortController();
    this.orders.clear();
    this.followed.clear();
    this.nextCursor = null;
    this.listed = false;
    this.storage.removeItem(STORED);
  }

  /** Goes on where this tab stood: waiting orders first, then the history. */
  async resume() {
    const { signal } = this.customer;
    for (const id of JSON.parse(this.storage.getItem(STORED) ?? "[]")) {
      const { ok, body } = await this.api.get(`/v1/orders/${id}`, { signal });
      if (ok && !signal.aborted) this.take(body, true);
    }
    await this.loadPage(null);
  }

  /** @param {string | null} cursor null: the newest orders */
  async loadPage(cursor) {
    const { signal } = this.customer;
    const from = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await this.api.get(`/v1/orders?limit=${PAGE_SIZE}${from}`, { signal });
    if (signal.aborted || !answer.ok) return answer;
    this.listed = true;
    this.nextCursor = answer.body.next_cursor ?? null;
    for (const order of answer.body.items) this.take(order, true);
    return answer;
  }

  /** @returns {Order[]} newest first */
  list() {
    return [...this.orders.values()].sort(byNewest);
  }

  /** @param {string} dealId @returns {Order | undefined} */
  newestOf(dealId) {
    return this.list().find((order) => order.deal_id === dealId);
  }

  /**
   * @param {Order} said
   * @param {boolean} [listed] from the history, not from something that happens now
   */
  take(said, listed = false) {
    const before = this.orders.get(said.order_id);
    const order = mergeOrder(before, said);
    this.orders.set(order.order_id, order);
    const waiting = [...this.orders.values()].filter(isWaiting).map((each) => each.order_id);
    this.storage.setItem(STORED, JSON.stringify(waiting));
    if (isWaiting(order)) this.follow(order.order_id);
    this.onOrder(before, order, listed);
  }

  /** @param {string} orderId */
  async follow(orderId) {
    if (this.followed.has(orderId)) return;
    this.followed.add(orderId);
    const { signal } = this.customer;
    let failures = 0;
    let retryAfterMs = null;
    while (!signal.aborted && isWaiting(this.known(orderId))) {
      this.maybeStream(orderId, signal);
      const delayMs = failures
        ? retryDelay({ askedMs: retryAfterMs, failures })
        : stretch(pollDelayMs(this.known(orderId), retryAfterMs));
      await sleep(delayMs, signal);
      if (this.streaming.orderId === orderId && this.streaming.live) continue;
      if (signal.aborted || !isWaiting(this.known(orderId))) break;
      const answer = await this.api.get(`/v1/orders/${orderId}`, { signal });
      if (signal.aborted || answer.status === 401 || answer.status === 404) break;
      if (answer.ok) this.take(answer.body);
      failures = answer.ok ? 0 : failures + 1;
      retryAfterMs = answer.retryAfterMs;
    }
    if (!signal.aborted) this.followed.delete(orderId);
  }

  /** @param {string} orderId */
  known(orderId) {
    return /** @type {Order} */ (this.orders.get(orderId));
  }

  /**
   * Streams this order unless another is streamed.
   * @param {string} orderId
   * @param {AbortSignal} signal
   */
  async maybeStream(orderId, signal) {
    if (this.streaming.orderId !== "") return;
    const mine = { orderId, live: false };
    this.streaming = mine;
    await followStream({
      api: this.api,
      path: `/v1/orders/${orderId}/stream`,
      signal,
      onLive: (live) => (mine.live = live),
      onEvent: ({ data }) => {
        if (!signal.aborted) this.takeEvent(data);
      },
    });
    if (this.streaming === mine) this.streaming = { orderId: "", live: false };
  }

  /** @param {string} data */
  takeEvent(data) {
    try {
      const order = JSON.parse(data);
      if (typeof order?.order_id === "string") this.take(order);
    } catch {
      // An event of another form, from a newer server: polling still tells.
    }
  }

  /**
   * Gives an order up.
   * @param {string} orderId
   * @returns {Promise<string | null>} the code of the refusal, null if it was done
   */
  async cancel(orderId) {
    const { signal } = this.customer;
    const first = await this.api.post(`/v1/orders/${orderId}/cancellation?wait=5`, { signal });
    if (!first.ok) return first.problem?.code ?? "unexpected";
    if (first.body.order_id === orderId) {
      this.take(first.body);
      return null;
    }
    let answer = first;
    for (let polls = 0; answer.body?.status === "queued" && polls < COMMAND_POLLS_MAX; polls += 1) {
      await sleep(retryDelay({ askedMs: answer.retryAfterMs, failures: polls }), signal);
      const next = await this.api.get(`/v1/commands/${first.body.command_id}`, { signal });
      if (next.ok) answer = next;
    }
    if (answer.body.status === "refused") return answer.body.rejection?.code ?? "unexpected";
    const order = await this.api.get(`/v1/orders/${orderId}`, { signal });
    if (order.ok) this.take(order.body);
    return answer.body.status === "accepted" ? null : "unexpected";
  }
}
