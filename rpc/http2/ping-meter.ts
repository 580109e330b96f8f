// Holds a client to the pace of its pings, as grpc-go's servers do (--grpc-keepalive-min-time): two that come too
// early are let pass, the third ends the connection. A ping behind an answer is none of them: clients measure the
// link with those.
import type { MonotonicMs } from "../../base/index.ts";

const STRIKES_MAX = 2;
/** While nothing is called there is nothing to keep alive. */
const IDLE_MS_MIN = 2 * 60 * 60 * 1_000;

export class PingMeter {
  readonly #paceMsMin: number;
  #lastAtMs: number = -Infinity;
  #strikes = 0;

  /** 0: any pace. */
  constructor(paceMsMin: number) {
    this.#paceMsMin = paceMsMin;
  }

  /** `answered`: something was sent since the ping before. @returns whether it is one too many. */
  onPing(
    nowMs: MonotonicMs,
    { answered, calls }: { readonly answered: boolean; readonly calls: number },
  ): boolean {
    const sinceMs = nowMs - this.#lastAtMs;
    this.#lastAtMs = nowMs;
    if (answered || this.#paceMsMin === 0) {
      this.#strikes = 0;
      return false;
    }
    if (sinceMs < (calls === 0 ? IDLE_MS_MIN : this.#paceMsMin)) this.#strikes += 1;
    return this.#strikes > STRIKES_MAX;
  }
}
