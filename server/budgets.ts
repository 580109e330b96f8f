// Token buckets by key: each key may do something so often at once, and time gives back. The table is bounded: who took
// longest ago makes room, and has all of it again.
import type { MonotonicMs } from "../base/index.ts";

export interface Budget {
  /** At once, and the most that a key ever has. */
  readonly burst: number;
  /** What time gives back. */
  readonly perSecond: number;
}

export class Budgets {
  readonly #budget: Budget;
  readonly #entriesMax: number;
  /** What is left, and when that was so; whoever is not listed has all of it. Who took last stands last. */
  readonly #left = new Map<string, { readonly left: number; readonly atMs: MonotonicMs }>();

  constructor(budget: Budget, entriesMax: number) {
    this.#budget = budget;
    this.#entriesMax = entriesMax;
  }

  left(key: string, nowMs: MonotonicMs): number {
    const entry = this.#left.get(key);
    if (entry === undefined) return this.#budget.burst;
    const gained = ((nowMs - entry.atMs) / 1000) * this.#budget.perSecond;
    return Math.min(this.#budget.burst, entry.left + gained);
  }

  /** May leave less than nothing: whether enough is left is asked by `left`. */
  take(key: string, nowMs: MonotonicMs): void {
    const left = this.left(key, nowMs) - 1;
    this.#left.delete(key);
    this.#left.set(key, { left, atMs: nowMs });
    if (this.#left.size <= this.#entriesMax) return;
    for (const oldest of this.#left.keys()) {
      this.#left.delete(oldest);
      break;
    }
  }
}
