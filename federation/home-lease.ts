// A leased home as its region's leader holds it (federation 12). The lease counts from when its renewal was asked for,
// by the leader's own clock; a write is taken while it stands, and acknowledged only if it stands still.
import type { MonotonicMs } from "../base/index.ts";
import type { FederationBug } from "./planted.ts";

export interface HeldHomeInit {
  /** Each clock's rate is within this fraction of true time. */
  readonly clockDriftMax: number;
  readonly planted?: FederationBug;
}

/** Of one prefix, by one leader: another one begins without, and renews before its first write. */
export class HeldHome {
  readonly #init: HeldHomeInit;
  #untilMs = -Infinity;

  constructor(init: HeldHomeInit) {
    this.#init = init;
  }

  /** Answered: it stands for `ttlMs` by the directory's clock, which may be fast, from `askedAtMs` by this one's. */
  renewed(askedAtMs: MonotonicMs, ttlMs: number): void {
    const { clockDriftMax } = this.#init;
    const standsMs = (ttlMs * (1 - clockDriftMax)) / (1 + clockDriftMax);
    this.#untilMs = Math.max(this.#untilMs, askedAtMs + standsMs);
  }

  lost(): void {
    this.#untilMs = -Infinity;
  }

  /** Whether a write may be proposed. */
  takes(nowMs: MonotonicMs): boolean {
    return nowMs < this.#untilMs;
  }

  /**
   * Whether a write that is committed may be acknowledged. A log that stood still may have committed it long after it
   * was proposed, when another region was the home.
   */
  acknowledges(nowMs: MonotonicMs): boolean {
    return this.#init.planted === "lease-checked-before-commit" || this.takes(nowMs);
  }
}
