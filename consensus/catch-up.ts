// Whether a learner could vote without holding up commits (Thesis 4.2.1): replication to it is seen as
// rounds, each up to what is committed when it begins, and the last of them must be shorter than an election.
import type { LogIndex, MonotonicMs } from "../base/index.ts";
import type { Copier } from "./fork.ts";

/**
 * Rounds follow each other for as long as the peer learns, so the Thesis's bound of ten is on the operator:
 * a promotion asked for while the last round was too long is refused, with the reason.
 */
export class CatchUp {
  #goal: number;
  #beganAtMs: MonotonicMs;
  #lastMs = Infinity;

  constructor(goal: LogIndex, now: MonotonicMs) {
    this.#goal = goal;
    this.#beganAtMs = now;
  }

  /** The peer holds everything up to `match`; `committed`: where the next round ends. */
  onMatch(match: LogIndex, committed: LogIndex, now: MonotonicMs): void {
    if (match < this.#goal) return;
    // With nothing left to send, the next round is over as it begins.
    this.#lastMs = committed <= match ? 0 : now - this.#beganAtMs;
    this.#goal = committed;
    this.#beganAtMs = now;
  }

  copied(by: Copier): CatchUp {
    const twin = new CatchUp(by.of(this.#goal) as LogIndex, by.instant(this.#beganAtMs));
    twin.#lastMs = by.of(this.#lastMs);
    return twin;
  }

  /** Of the last round, or of the one under way if that is longer. */
  roundMs(match: LogIndex, now: MonotonicMs): number {
    return match < this.#goal ? Math.max(this.#lastMs, now - this.#beganAtMs) : this.#lastMs;
  }
}
