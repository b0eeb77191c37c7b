/**
 * Who is buying. Owns the token, kept in the tab's session storage only and never in a URL, and
 * the ways to get one: account, password, or the demo's fresh customer.
 *
 * @typedef {{ token: string, owner: string, label: string, ends_at: number }} Identity
 * @typedef {{ session_path: string, pay_path: string }} Demo
 */

const STORED = "timedeal.session";

export class Session {
  /**
   * @param {Storage} storage
   * @param {() => number} now
   */
  constructor(storage, now = () => Date.now()) {
    this.storage = storage;
    this.now = now;
    /** @type {Demo | null} */
    this.demo = null;
    /** @type {Identity | null} */
    this.identity = null;
    try {
      this.identity = JSON.parse(storage.getItem(STORED) ?? "null");
    } catch {
      storage.removeItem(STORED);
    }
  }

  /** @returns {Identity | null} */
  current() {
    if (this.identity !== null && this.identity.ends_at <= this.now()) this.close();
    return this.identity;
  }

  /** Asks whether the server plays a demo. @param {import("./api.js").Api} api */
  async findDemo(api) {
    const { ok, body } = await api.get("/demo.json");
    const complete = typeof body?.session_path === "string" && typeof body.pay_path === "string";
    this.demo = ok && body.demo === true && complete ? body : null;
  }

  /**
   * @param {import("./api.js").Api} api
   * @param {{ email: string, password: string }} credentials
   */
  async signIn(api, { email, password }) {
    const answer = await api.post("/v1/sessions", { body: { email, password } });
    if (answer.ok) this.open(`account:${email.toLowerCase()}`, email, answer.body);
    return answer;
  }

  /**
   * @param {import("./api.js").Api} api
   * @param {{ email: string, password: string, name: string }} account
   */
  async signUp(api, { email, password, name }) {
    const answer = await api.post("/v1/accounts", { body: { email, password, name } });
    return answer.ok ? this.signIn(api, { email, password }) : answer;
  }

  /** A fresh customer. @param {import("./api.js").Api} api */
  async enterDemo(api) {
    const answer = await api.post(/** @type {Demo} */ (this.demo).session_path, { body: {} });
    if (answer.ok) this.open(`demo:${crypto.randomUUID()}`, "", answer.body);
    return answer;
  }

  /**
   * @param {string} owner
   * @param {string} label
   * @param {{ access_token: string, expires_in: number }} session
   */
  open(owner, label, { access_token, expires_in }) {
    const ends_at = this.now() + expires_in * 1000;
    this.identity = { token: access_token, owner, label, ends_at };
    this.storage.setItem(STORED, JSON.stringify(this.identity));
  }

  close() {
    this.identity = null;
    this.storage.removeItem(STORED);
  }
}
