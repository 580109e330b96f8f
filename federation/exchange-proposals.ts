// What a region's leader proposes of what it holds, in entries of bounded size: a few of them are on their way at once
// while there is much to apply, so that a group's round is waited for once and not for each (federation 4).
import type { Hash } from "./chain.ts";
import { Course } from "./course.ts";
import type { DeliveryState } from "./delivery.ts";
import type { ExchangeLimits } from "./exchange-limits.ts";
import { StagedProposals } from "./exchange-staging.ts";
import type { StagingEffect } from "./exchange-staging.ts";
import type { Holding } from "./holding.ts";
import type { FederationBug } from "./planted.ts";
import type { Staging } from "./staging.ts";
import type { Shipped } from "./transaction-codec.ts";

export type ProposalEffect =
  /** To be proposed; ends in `onProposed`. */
  { readonly kind: "apply"; readonly transactions: readonly Shipped[] } | StagingEffect;

export interface ProposalsInit {
  /** The applied state, as of the moment it is asked. */
  readonly state: () => DeliveryState & Pick<Staging, "staged">;
  readonly holding: Holding;
  readonly limits: ExchangeLimits;
  readonly hash: Hash;
  readonly planted?: FederationBug | undefined;
}

export class ExchangeProposals {
  readonly #init: ProposalsInit;
  readonly #course: Course;
  readonly #staging: StagedProposals;
  /** What of a large transaction is on its way. */
  #staged: StagingEffect | undefined;
  /** Entries that have not ended: how many transactions of each are to be applied. */
  readonly #underWay: number[] = [];
  /** All of them have to end first: a large transaction goes alone, and behind one that failed nothing is applied. */
  #drains = false;
  /** No entry before: the last one applied nothing. */
  #notBeforeMs = -Infinity;

  constructor(init: ProposalsInit) {
    this.#init = init;
    this.#course = new Course(init);
    this.#staging = new StagedProposals(init.hash, init.limits.chunkBytesMax);
  }

  /** While entries are on their way another one has to be full: what comes one by one goes in few of them. */
  isOpen(nowMs: number): boolean {
    if (this.#underWay.length === 0) return nowMs >= this.#notBeforeMs;
    const { applyEntriesMax, applyOperationsMax } = this.#init.limits;
    if (this.#drains || this.#underWay.length >= applyEntriesMax) return false;
    return this.#init.holding.countBeyond(this.#course.reached) >= applyOperationsMax;
  }

  /** The next entry, where it is open and something is ready. */
  next(nowMs: number): ProposalEffect | undefined {
    if (!this.isOpen(nowMs)) return undefined;
    if (this.#underWay.length === 0) {
      this.#course.restart();
      this.#drains = false;
    }
    const { limits, state, holding } = this.#init;
    const { applyOperationsMax: operationsMax, applyBytesMax: bytesMax } = limits;
    const ready = holding.next(this.#course, { operationsMax, bytesMax });
    const [first] = ready;
    if (first === undefined) return undefined;
    if (first.bytes.length <= bytesMax) {
      this.#underWay.push(ready.length);
      return { kind: "apply", transactions: ready };
    }
    this.#drains = true;
    if (this.#underWay.length > 0) return undefined;
    this.#underWay.push(1);
    this.#staged = this.#staging.next(first, state().staged);
    return this.#staged;
  }

  /** One of them has ended, in whatever order. */
  onEnded(appliedCount: number, nowMs: number): void {
    if (appliedCount !== this.#underWay.shift()) this.#drains = true;
    if (appliedCount > 0) this.#staging.onTaken();
    else if (this.#staged?.kind === "stage") this.#staging.onRefused(this.#staged.chunk.dot);
    this.#staged = undefined;
    if (appliedCount === 0) this.#notBeforeMs = nowMs + this.#init.limits.retryMs;
  }
}
