/**
 * The server's clock as seen from this page. Owns the estimate of its offset; knows nothing of
 * HTTP, deals or the DOM. All times are milliseconds.
 *
 * An answer that states the server's time bounds it from both sides: the statement was made after
 * the request left and before the answer came. The middle of that interval is the estimate, the
 * shortest round trip is the best one. A statement without a known send time (a stream's event, an
 * answer out of a cache) only says that the server's clock is at least that far.
 */

/** A best sample is replaced by any newer one after this long, because clocks drift. */
const SAMPLE_AGE_MAX_MS = 300_000;

export class ServerClock {
  /**
   * @param {() => number} monotonic local clock that never jumps (`performance.now`)
   * @param {() => number} wall local wall clock, used until the first sample (`Date.now`)
   */
  constructor(monotonic = () => performance.now(), wall = () => Date.now()) {
    this.monotonic = monotonic;
    this.wall = wall;
    this.reset();
  }

  /** Forgets every sample: after a sleep of the machine the local clock may have stood still. */
  reset() {
    this.offset = this.wall() - this.monotonic();
    this.roundTrip = Infinity;
    this.sampledAt = -Infinity;
    this.offsetMin = -Infinity;
  }

  /**
   * Takes one answer's statement.
   * @param {number} serverTime what the server said
   * @param {number} sentAt local monotonic time at which the request left
   * @param {number} receivedAt local monotonic time at which the answer's head came
   */
  observe(serverTime, sentAt, receivedAt) {
    const roundTrip = receivedAt - sentAt;
    if (!Number.isFinite(serverTime) || !(roundTrip >= 0)) return;
    const stale = receivedAt - this.sampledAt > SAMPLE_AGE_MAX_MS;
    if (stale) this.offsetMin = -Infinity;
    if (stale || roundTrip <= this.roundTrip) {
      this.offset = serverTime + roundTrip / 2 - receivedAt;
      this.roundTrip = roundTrip;
      this.sampledAt = receivedAt;
    }
    this.observeAtLeast(serverTime, receivedAt);
  }

  /**
   * Takes a statement whose age is unknown: the server's clock has passed it.
   * @param {number} serverTime
   * @param {number} receivedAt
   */
  observeAtLeast(serverTime, receivedAt = this.monotonic()) {
    if (!Number.isFinite(serverTime)) return;
    this.offsetMin = Math.max(this.offsetMin, serverTime - receivedAt);
  }

  /** The server's time now, as a Unix time in milliseconds. */
  now() {
    return this.monotonic() + Math.max(this.offset, this.offsetMin);
  }
}
