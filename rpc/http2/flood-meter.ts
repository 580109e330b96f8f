// A bucket of tokens for things that cost the sender less than the receiver: a peer may do some at once and
// some a second, and is told to calm down when it does more.
import type { MonotonicMs } from "../../base/index.ts";
import { ConnectionFault, ErrorCode } from "./fault.ts";

export interface FloodLimit {
  /** At once. */
  readonly burstCount: number;
  /** In the long run. */
  readonly perSecond: number;
}

export class FloodMeter {
  readonly #what: string;
  readonly #limit: FloodLimit;
  readonly #monotonicMs: () => MonotonicMs;
  #left: number;
  #filledAtMs: MonotonicMs;

  constructor(what: string, limit: FloodLimit, monotonicMs: () => MonotonicMs) {
    this.#what = what;
    this.#limit = limit;
    this.#monotonicMs = monotonicMs;
    this.#left = limit.burstCount;
    this.#filledAtMs = monotonicMs();
  }

  /** @throws {ConnectionFault} ENHANCE_YOUR_CALM when none is left. */
  count(): void {
    this.#left -= 1;
    if (this.#left >= 0) return;
    const nowMs = this.#monotonicMs();
    const earned = ((nowMs - this.#filledAtMs) / 1_000) * this.#limit.perSecond;
    this.#filledAtMs = nowMs;
    this.#left = Math.min(this.#limit.burstCount, this.#left + earned);
    if (this.#left < 0) {
      throw new ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, `too many ${this.#what}`);
    }
  }
}
