/**
 * What this client has seen of the log (`Timedeal-Seen`). Owns the merge rule: the highest
 * position per log and partition, sent back on reads so that no gateway answers with an older
 * state. Knows nothing of HTTP.
 */

const PART = /^(\d{1,3}\.\d{1,5}):(\d{1,15})$/;

/** Bounds the header: positions of a log that was replaced would otherwise stay for ever. */
export const POSITIONS_MAX = 256;

export class SeenPositions {
  /** @param {string} [header] positions from an earlier page, in the header's own form */
  constructor(header = "") {
    /** @type {Map<string, number>} `log_id.partition` to decided_next, last raised at the end */
    this.positions = new Map();
    this.merge(header);
  }

  /**
   * Merges one header value. Parts of another form are ignored.
   * @param {string | null | undefined} header
   * @returns {boolean} whether anything rose
   */
  merge(header) {
    let raised = false;
    for (const part of (header ?? "").split(",")) {
      const match = PART.exec(part.trim());
      if (!match) continue;
      const [, partition, next] = match;
      if (Number(next) <= (this.positions.get(partition) ?? -1)) continue;
      this.positions.delete(partition);
      this.positions.set(partition, Number(next));
      raised = true;
    }
    for (const partition of this.positions.keys()) {
      if (this.positions.size <= POSITIONS_MAX) break;
      this.positions.delete(partition);
    }
    return raised;
  }

  /** @returns {string} the header's value, empty if nothing has been seen */
  header() {
    return [...this.positions].map(([partition, next]) => `${partition}:${next}`).join(",");
  }
}
