/**
 * The deals on show. Owns their freshness: the list is asked for every few seconds, and one deal,
 * the one that matters most, is streamed. One and not all, because over HTTP/1.1 a browser opens
 * six connections to a host for all its tabs, and a purchase must never wait for one. A hidden
 * page asks for nothing.
 */
import { byInterest, laterDeal, statusAt } from "./deal.js";
import { retryDelay, sleep, stretch } from "./retry.js";
import { followStream } from "./stream.js";

const LIST_EVERY_MS = 5_000;
const LIST_EVERY_LIVE_MS = 15_000;
const PAGE_SIZE = 50;

export class Catalogue {
  /**
   * @param {import("./api.js").Api} api
   * @param {() => void} onChange
   */
  constructor(api, onChange) {
    this.api = api;
    this.onChange = onChange;
    /** @type {Map<string, import("./deal.js").Deal>} */
    this.deals = new Map();
    /** @type {string | null} */
    this.nextCursor = null;
    /** @type {"loading" | "shown" | "failed"} */
    this.state = "loading";
    this.live = false;
    /** @type {string | null} the deal that the buyer has to do with */
    this.chosen = null;
    this.streaming = { dealId: "", stop: new AbortController() };
    this.visit = new AbortController();
  }

  /** Starts asking; again after `pause`. */
  async resume() {
    this.pause();
    this.visit = new AbortController();
    const { signal } = this.visit;
    for (let failures = 0; !signal.aborted; ) {
      const answer = await this.api.get(`/v1/deals?limit=${PAGE_SIZE}`, { signal });
      if (signal.aborted) return;
      if (answer.ok) this.takePage(answer.body, this.deals.size === 0);
      else if (this.deals.size === 0) this.state = "failed";
      failures = answer.ok ? 0 : failures + 1;
      this.follow();
      this.onChange();
      const regularMs = stretch(this.live ? LIST_EVERY_LIVE_MS : LIST_EVERY_MS);
      const askedMs = answer.retryAfterMs;
      await sleep(failures ? retryDelay({ askedMs, failures }) : regularMs, signal);
    }
  }

  /** Stops asking and streaming. */
  pause() {
    this.visit.abort();
    this.streaming.stop.abort();
    this.streaming.dealId = "";
    this.live = false;
  }

  /** Takes the next page of the list. */
  async loadMore() {
    if (this.nextCursor === null) return;
    const cursor = encodeURIComponent(this.nextCursor);
    const answer = await this.api.get(`/v1/deals?limit=${PAGE_SIZE}&cursor=${cursor}`);
    if (answer.ok) this.takePage(answer.body, true);
    this.onChange();
  }

  /**
   * @param {{ items: import("./deal.js").Deal[], next_cursor?: string }} page
   * @param {boolean} last whether it is the furthest page seen, so that its cursor leads on
   */
  takePage(page, last) {
    for (const deal of page.items) this.takeDeal(deal);
    if (last) this.nextCursor = page.next_cursor ?? null;
    this.state = "shown";
  }

  /** @param {import("./deal.js").Deal} deal */
  takeDeal(deal) {
    this.deals.set(deal.deal_id, laterDeal(this.deals.get(deal.deal_id), deal));
  }

  /** Streams this deal from now on. @param {string} dealId */
  choose(dealId) {
    this.chosen = dealId;
    if (!this.visit.signal.aborted) this.follow();
  }

  /** Follows the deal that matters most, if it is not followed already. */
  follow() {
    const dealId = this.mostInteresting();
    if (dealId === null || dealId === this.streaming.dealId) return;
    this.streaming.stop.abort();
    const stop = new AbortController();
    this.streaming = { dealId, stop };
    this.live = false;
    followStream({
      api: this.api,
      path: `/v1/deals/${dealId}/stream`,
      signal: stop.signal,
      onLive: (live) => {
        if (!stop.signal.aborted) this.live = live;
      },
      onEvent: ({ data }) => this.takeEvent(data),
    });
  }

  /** @param {string} data */
  takeEvent(data) {
    try {
      const deal = JSON.parse(data);
      if (typeof deal?.deal_id !== "string") return;
      this.api.clock.observeAtLeast(Date.parse(deal.server_time));
      this.takeDeal(deal);
      this.onChange();
    } catch {
      // An event of another form, from a newer server: the list still tells.
    }
  }

  /** @returns {string | null} */
  mostInteresting() {
    const now = this.api.clock.now();
    const chosen = this.deals.get(this.chosen ?? "");
    if (chosen !== undefined && statusAt(chosen, now) !== "closed") return chosen.deal_id;
    const first = [...this.deals.values()].sort(byInterest(now))[0];
    return first === undefined || statusAt(first, now) === "closed" ? null : first.deal_id;
  }
}
