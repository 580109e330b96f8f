// How long commands take to be applied, from when their turn comes until the state holds them, the wait for
// values included: what takes longer than --warning-apply-duration is counted, and told in the log now and then.
import type { LogIndex, MonotonicMs } from "../base/index.ts";
import type { Journal } from "./ports.ts";

/** Between two lines. */
const TELL_MS = 1_000;

export interface ApplyPaceInit {
  readonly warnMs: number;
  readonly now: () => MonotonicMs;
  readonly journal: Pick<Journal, "warn">;
}

export class ApplyPace {
  readonly #init: ApplyPaceInit;
  #index: LogIndex | undefined;
  #sinceMs = 0;
  #slow = 0;
  #untold = 0;
  #toldAtMs = -Infinity;

  constructor(init: ApplyPaceInit) {
    this.#init = init;
  }

  /** etcd_server_slow_apply_total. */
  get slowCount(): number {
    return this.#slow;
  }

  /** It is this entry's turn; said again while it waits. */
  began(index: LogIndex): void {
    if (this.#index === index) return;
    this.#index = index;
    this.#sinceMs = this.#init.now();
  }

  /** The state holds the entry that began last. */
  ended(): void {
    const { warnMs, now, journal } = this.#init;
    const nowMs = now();
    const tookMs = nowMs - this.#sinceMs;
    if (tookMs < warnMs) return;
    this.#slow += 1;
    this.#untold += 1;
    if (nowMs - this.#toldAtMs < TELL_MS) return;
    this.#toldAtMs = nowMs;
    journal.warn("apply request took too long", {
      index: this.#index,
      tookMs: Math.round(tookMs),
      expectedMs: warnMs,
      slowSinceLastLine: this.#untold,
    });
    this.#untold = 0;
  }
}
