// How often somebody may be wrong about a password: budgets that wrong answers use up and time gives back, of
// each address, of each user, and of each user from one address. A right password costs nothing, so whoever guesses
// locks nobody else out but at the user's own, far larger budget. All tables are bounded.
import type { MonotonicMs } from "../base/index.ts";

interface Budget {
  /** Wrong answers at once, and what time gives back. */
  readonly burst: number;
  readonly perSecond: number;
}

const OF_ADDRESS: Budget = { burst: 60, perSecond: 2 };
const OF_USER: Budget = { burst: 200, perSecond: 10 };
const OF_BOTH: Budget = { burst: 10, perSecond: 0.2 };
/** Of each table: who was wrong longest ago makes room. */
const ENTRIES_MAX = 10_000;

class Budgets {
  readonly #budget: Budget;
  /** What is left, and when that was so; whoever is not listed has all of it. */
  readonly #left = new Map<string, { readonly left: number; readonly atMs: MonotonicMs }>();

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  left(key: string, nowMs: MonotonicMs): number {
    const entry = this.#left.get(key);
    if (entry === undefined) return this.#budget.burst;
    const gained = ((nowMs - entry.atMs) / 1000) * this.#budget.perSecond;
    return Math.min(this.#budget.burst, entry.left + gained);
  }

  take(key: string, nowMs: MonotonicMs): void {
    const left = this.left(key, nowMs) - 1;
    this.#left.delete(key);
    this.#left.set(key, { left, atMs: nowMs });
    if (this.#left.size <= ENTRIES_MAX) return;
    for (const oldest of this.#left.keys()) {
      this.#left.delete(oldest);
      break;
    }
  }
}

export class AttemptLimits {
  readonly #ofAddress = new Budgets(OF_ADDRESS);
  readonly #ofUser = new Budgets(OF_USER);
  readonly #ofBoth = new Budgets(OF_BOTH);

  /** Whether another password may be tried. */
  admits(user: string, address: string, nowMs: MonotonicMs): boolean {
    return this.#keys(user, address).every(([budgets, key]) => budgets.left(key, nowMs) >= 1);
  }

  /** It was wrong. */
  onWrong(user: string, address: string, nowMs: MonotonicMs): void {
    for (const [budgets, key] of this.#keys(user, address)) budgets.take(key, nowMs);
  }

  #keys(user: string, address: string): readonly (readonly [Budgets, string])[] {
    return [
      [this.#ofAddress, address],
      [this.#ofUser, user],
      [this.#ofBoth, `${address} ${user}`],
    ];
  }
}
