// Latencies of any number of calls in a bounded room: counted in steps of two percent, so a percentile is at most so
// much too high.

const STEP = 1.02;
const LOG_STEP = Math.log(STEP);
/** Below it is 0. */
const US_MIN = 1;
/** About 25 minutes. */
const BUCKETS = 1_070;

export class LatencyRecord {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  add(ms: number): void {
    const us = Math.max(ms * 1_000, US_MIN);
    const bucket = Math.min(Math.ceil(Math.log(us) / LOG_STEP), BUCKETS - 1);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  /** The least latency that `share` of all calls do not exceed; 0 of none. */
  quantileMs(share: number): number {
    const rank = Math.ceil(share * this.#count);
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (count > 0 && seen >= rank) return Math.min(STEP ** bucket / 1_000, this.#maxMs);
    }
    return 0;
  }
}
