/**
 * Buying. Owns the loop that sends one purchase until its answer is known, and what the page shows
 * of it; the rules of the loop stand in purchase.js.
 *
 * @typedef {{ phase: "sending" }
 *   | { phase: "waiting", code: string, untilMs: number, uncertain: boolean }
 *   | { phase: "refused", code: string, retryable: boolean, unsure: boolean }} Progress
 */
import { nextStep } from "./purchase.js";
import { sleep } from "./retry.js";

/** Why a loop was stopped: its customer has left, so its outcome is no longer shown. */
const LEFT = "left";

export class Checkout {
  /**
   * @param {object} parts
   * @param {import("./api.js").Api} parts.api
   * @param {import("./attempts.js").Attempts} parts.attempts
   * @param {() => Promise<string | null>} parts.identify asks for a session if there is none;
   *   its owner, or null if the buyer would not
   * @param {(order: import("./order.js").Order) => void} parts.onOrder
   * @param {() => void} parts.onSessionEnd
   * @param {(dealId: string) => void} parts.onChange
   */
  constructor({ api, attempts, identify, onOrder, onSessionEnd, onChange }) {
    this.api = api;
    this.attempts = attempts;
    this.identify = identify;
    this.onOrder = onOrder;
    this.onSessionEnd = onSessionEnd;
    this.onChange = onChange;
    /** @type {Map<string, Progress>} */
    this.progress = new Map();
    /** @type {Map<string, AbortController>} */
    this.running = new Map();
  }

  /**
   * @param {string} dealId
   * @param {number} quantity
   */
  async buy(dealId, quantity) {
    if (this.running.has(dealId)) return;
    const stop = new AbortController();
    this.running.set(dealId, stop);
    this.show(dealId, { phase: "sending" });
    const owner = await this.identify();
    if (owner === null) {
      this.running.delete(dealId);
      this.show(dealId, null);
      return;
    }
    await this.pursue(this.attempts.begin(dealId, owner, quantity), stop);
  }

  /** Goes on with what a reload interrupted. @param {string} owner */
  resume(owner) {
    for (const attempt of this.attempts.unanswered(owner)) {
      if (this.running.has(attempt.deal_id)) continue;
      // The page went away while the answer was on its way: nobody knows it.
      attempt.uncertain = true;
      this.attempts.save(attempt);
      const stop = new AbortController();
      this.running.set(attempt.deal_id, stop);
      this.pursue(attempt, stop);
    }
  }

  /** Stops trying; the key stays, so that the next click repeats the same purchase. */
  stop(dealId) {
    this.running.get(dealId)?.abort();
  }

  /** Forgets what is shown: another customer, or none. */
  clear() {
    for (const stop of this.running.values()) stop.abort(LEFT);
    this.running.clear();
    this.progress.clear();
  }

  /**
   * @param {import("./attempts.js").Attempt} attempt
   * @param {AbortController} stop
   */
  async pursue(attempt, stop) {
    const dealId = attempt.deal_id;
    let step = null;
    for (let tries = 0; !stop.signal.aborted; tries += 1) {
      if (!this.progress.has(dealId)) this.show(dealId, { phase: "sending" });
      step = nextStep(await this.send(attempt), attempt, tries);
      if (step.kind !== "retry") break;
      const { code, delayMs, uncertain, refusals } = step;
      Object.assign(attempt, { uncertain, refusals });
      this.attempts.save(attempt);
      const untilMs = this.api.clock.now() + delayMs;
      this.show(dealId, { phase: "waiting", code, untilMs, uncertain });
      await sleep(delayMs, stop.signal);
    }
    if (stop.signal.reason === LEFT) return;
    this.running.delete(dealId);
    this.finish(attempt, step, stop.signal.aborted);
  }

  /** @param {import("./attempts.js").Attempt} attempt */
  send({ deal_id, quantity, key }) {
    // A lost connection during the opening rush is worth a longer wait than other calls.
    const body = { deal_id, quantity, client_reference: key };
    return this.api.post("/v1/purchases", { body, key, withinMs: 20_000 });
  }

  /**
   * @param {import("./attempts.js").Attempt} attempt
   * @param {import("./purchase.js").Step | null} step the last one
   * @param {boolean} stopped by the buyer
   */
  finish(attempt, step, stopped) {
    const dealId = attempt.deal_id;
    if (step?.kind === "order") {
      this.attempts.settle(dealId);
      this.show(dealId, null);
      this.onOrder({ deal_id: dealId, quantity: attempt.quantity, ...step.order });
    } else if (step?.kind === "refused") {
      if (!step.unsure) this.attempts.settle(dealId);
      const { code, retryable, unsure } = step;
      this.show(dealId, { phase: "refused", code, retryable, unsure });
    } else if (step?.kind === "sign-in") {
      const code = "unauthenticated";
      this.show(dealId, { phase: "refused", code, retryable: true, unsure: false });
      this.onSessionEnd();
    } else if (stopped) {
      this.show(dealId, null);
    }
  }

  /**
   * @param {string} dealId
   * @param {Progress | null} progress
   */
  show(dealId, progress) {
    if (progress === null) this.progress.delete(dealId);
    else this.progress.set(dealId, progress);
    this.onChange(dealId);
  }
}
