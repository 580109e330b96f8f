// How often somebody may be wrong about a password: budgets that wrong answers use up and time gives back, of
// each address, of each user, and of each user from one address. A right password costs nothing, so whoever guesses
// locks nobody else out but at the user's own, far larger budget. All tables are bounded.
import type { MonotonicMs } from "../base/index.ts";
import { Budgets } from "./budgets.ts";
import type { Budget } from "./budgets.ts";

const OF_ADDRESS: Budget = { burst: 60, perSecond: 2 };
const OF_USER: Budget = { burst: 200, perSecond: 10 };
const OF_BOTH: Budget = { burst: 10, perSecond: 0.2 };
/** Of each table: who was wrong longest ago makes room. */
const ENTRIES_MAX = 10_000;

export class AttemptLimits {
  readonly #ofAddress = new Budgets(OF_ADDRESS, ENTRIES_MAX);
  readonly #ofUser = new Budgets(OF_USER, ENTRIES_MAX);
  readonly #ofBoth = new Budgets(OF_BOTH, ENTRIES_MAX);

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
