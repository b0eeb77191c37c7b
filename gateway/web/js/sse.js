/**
 * The parser of `text/event-stream`. Owns the wire format only (WHATWG HTML, section 9.2.6):
 * decoded text goes in, in chunks cut anywhere, complete events come out.
 *
 * @typedef {{ event: string, data: string, id: string }} StreamEvent
 */

export class SseParser {
  constructor() {
    /** Sent back as `Last-Event-ID` on a reconnect. */
    this.lastEventId = "";
    /** @type {number | null} the server's wish for the reconnect delay */
    this.retryMs = null;
    this.restart();
  }

  /** Drops an unfinished event; for a new connection. Keeps `lastEventId` and `retryMs`. */
  restart() {
    this.line = "";
    this.afterCarriageReturn = false;
    this.atStart = true;
    this.data = [];
    this.eventName = "";
    this.id = this.lastEventId;
  }

  /**
   * @param {string} text
   * @returns {StreamEvent[]}
   */
  push(text) {
    if (this.atStart && text.length > 0) {
      this.atStart = false;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    // A CRLF may be cut between its two halves; the second half then ends no line of its own.
    if (this.afterCarriageReturn && text.startsWith("\n")) text = text.slice(1);
    if (text.length > 0) this.afterCarriageReturn = text.endsWith("\r");
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = this.line + lines[0];
    this.line = lines.pop() ?? "";
    return lines.map((line) => this.takeLine(line)).filter((event) => event !== null);
  }

  /**
   * @param {string} line
   * @returns {StreamEvent | null}
   */
  takeLine(line) {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    else if (field === "event") this.eventName = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  /** @returns {StreamEvent | null} */
  dispatch() {
    this.lastEventId = this.id;
    const { data, eventName } = this;
    this.data = [];
    this.eventName = "";
    if (data.length === 0) return null;
    return { event: eventName || "message", data: data.join("\n"), id: this.lastEventId };
  }
}
