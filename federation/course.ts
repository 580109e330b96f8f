// What a region is going to have applied once what is on its way in its log is: there the next entry goes on, before the
// earlier ones have ended (federation 4). A guess of who leads; each transaction is judged again where it is applied.
import { assert } from "../base/index.ts";
import { chainNext } from "./chain.ts";
import type { Hash } from "./chain.ts";
import { judge } from "./delivery.ts";
import type { DeliveryState } from "./delivery.ts";
import type { OriginId, Sequence } from "./dot.ts";
import { heldAt } from "./held-place.ts";
import type { FederationBug } from "./planted.ts";
import type { Shipped } from "./transaction-codec.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

export interface CourseInit {
  /** As of the moment it is asked. */
  readonly state: () => DeliveryState;
  readonly hash: Hash;
  /** Only tests and the simulator set it. */
  readonly planted?: FederationBug | undefined;
}

export class Course {
  readonly #init: CourseInit;
  readonly #reached = new Map<OriginId, Sequence>();
  /** Behind what is on its way. */
  readonly #chains = new Map<OriginId, Uint8Array>();
  /** Of which another history is on its way. */
  readonly #forked = new Set<OriginId>();

  constructor(init: CourseInit) {
    this.#init = init;
  }

  /** Applied, or on its way. */
  get reached(): Vector {
    return this.#reached;
  }

  /** Nothing is on its way any more. */
  restart(): void {
    for (const part of [this.#reached, this.#chains, this.#forked]) part.clear();
    this.catchUp();
  }

  /** What is applied meanwhile, on this course or another, is on its way no more. */
  catchUp(): void {
    const { applied } = this.#init.state();
    for (const [origin, count] of applied) {
      if (count < countOf(this.#reached, origin)) continue;
      this.#reached.set(origin, count);
      this.#chains.delete(origin);
    }
  }

  /** The next of its origin, if it is held. */
  head(held: readonly Shipped[]): Shipped | undefined {
    const [first] = held;
    if (first === undefined) return undefined;
    const wanted = countOf(this.#reached, first.transaction.origin) + 1;
    if (this.#init.planted === "drop-on-overtake") {
      return held.find(({ transaction: { sequence } }) => sequence >= wanted);
    }
    return heldAt(held, wanted);
  }

  /** Whether it goes into the next entry. */
  take(shipped: Shipped): boolean {
    const { origin, sequence } = shipped.transaction;
    const { state, hash, planted } = this.#init;
    const { config, self, forked, chainOf } = this.#asOf(state());
    const there = { applied: this.#reached, config, self, forked, chainOf };
    const { verdict } = judge(there, shipped, planted);
    if (verdict === "forked" && !forked.has(origin)) {
      this.#forked.add(origin);
      return true;
    }
    if (verdict !== "apply") return false;
    const before = chainOf(origin);
    assert(before !== undefined, `what may be applied of origin ${origin} has a chain`);
    this.#chains.set(origin, chainNext(hash, before, shipped.bytes));
    this.#reached.set(origin, sequence);
    return true;
  }

  #asOf(state: DeliveryState): Omit<DeliveryState, "applied"> {
    const { config, self } = state;
    const forked =
      this.#forked.size === 0 ? state.forked : new Set([...this.#forked, ...state.forked]);
    const chainOf = (of: OriginId): Uint8Array | undefined =>
      this.#chains.get(of) ?? state.chainOf(of);
    return { config, self, forked, chainOf };
  }
}
