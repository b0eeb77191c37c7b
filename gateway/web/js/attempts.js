/**
 * Purchases whose answer is not known yet. Owns the Idempotency-Key of each: kept in the tab's
 * session storage until an answer is known, so that a reload or a lost answer repeats the same
 * purchase and never makes a second one. Knows nothing of HTTP.
 *
 * @typedef {object} Attempt
 * @property {string} deal_id
 * @property {string} owner whose session sent it; nobody else may repeat it
 * @property {string} key Idempotency-Key and client_reference
 * @property {number} quantity
 * @property {boolean} uncertain an earlier try may have got in without an answer
 * @property {number} refusals refusals since it became uncertain
 */

const PREFIX = "timedeal.attempt.";

export class Attempts {
  /**
   * @param {Storage} storage
   * @param {() => string} newKey
   */
  constructor(storage, newKey = () => crypto.randomUUID()) {
    this.storage = storage;
    this.newKey = newKey;
  }

  /**
   * The attempt to send for a deal: an unanswered one of the same owner as it was, else a new one.
   * Only one that surely was not admitted gives way to another quantity, with another key.
   * @param {string} dealId
   * @param {string} owner
   * @param {number} quantity
   * @returns {Attempt}
   */
  begin(dealId, owner, quantity) {
    const open = this.find(dealId, owner);
    if (open !== null && (open.uncertain || open.quantity === quantity)) return open;
    const key = this.newKey();
    const attempt = { deal_id: dealId, owner, key, quantity, uncertain: false, refusals: 0 };
    this.save(attempt);
    return attempt;
  }

  /**
   * @param {string} dealId
   * @param {string} owner
   * @returns {Attempt | null}
   */
  find(dealId, owner) {
    const attempt = parse(this.storage.getItem(PREFIX + dealId));
    return attempt?.owner === owner ? attempt : null;
  }

  /** @param {Attempt} attempt */
  save(attempt) {
    this.storage.setItem(PREFIX + attempt.deal_id, JSON.stringify(attempt));
  }

  /** An answer is known: the key has done its work. @param {string} dealId */
  settle(dealId) {
    this.storage.removeItem(PREFIX + dealId);
  }

  /**
   * Attempts to go on with after a reload.
   * @param {string} owner
   * @returns {Attempt[]}
   */
  unanswered(owner) {
    const keys = Array.from({ length: this.storage.length }, (_, i) => this.storage.key(i) ?? "");
    return keys
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => this.find(key.slice(PREFIX.length), owner))
      .filter((attempt) => attempt !== null);
  }
}

/**
 * @param {string | null} text
 * @returns {Attempt | null}
 */
function parse(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
