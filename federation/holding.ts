// Transactions that came before they may be applied, held by the region's leader until they are (federation 4). Bounded
// by origin: one origin that waits does not take the room of another. Soft state: what is let go is pulled again.
import { assert, compareBytes } from "../base/index.ts";
import { chainNext } from "./chain.ts";
import type { Hash } from "./chain.ts";
import type { ClosedOrigin } from "./config.ts";
import { judge } from "./delivery.ts";
import type { DeliveryState, Verdict } from "./delivery.ts";
import type { OriginId } from "./dot.ts";
import type { FederationBug } from "./planted.ts";
import type { Shipped } from "./transaction-codec.ts";
import type { Transaction } from "./transaction.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** Of each origin. */
export interface HoldingLimits {
  readonly countMax: number;
  /** One transaction may be larger, alone. */
  readonly bytesMax: number;
}

const HOLDING_LIMITS_DEFAULT: HoldingLimits = {
  countMax: 65_536,
  bytesMax: 32 * 1024 * 1024,
};

export interface HoldingOptions {
  readonly limits?: HoldingLimits;
  /** Whether a transaction that is ready is taken now: its stamp may be too far ahead (clock-guard.ts). */
  readonly admits?: (transaction: Transaction) => boolean;
}

/** Of one entry of the log. */
export interface BatchLimits {
  /** One transaction may have more, alone. */
  readonly operationsMax: number;
  /** One transaction may be larger, alone. */
  readonly bytesMax: number;
}

/**
 * - `kept`. - `known`: applied, or held already.
 * - `full`: there is no room, and nothing held is further ahead: to be pulled again later.
 * - `contradicted`: another transaction of that dot is held. One of the two histories is a fork (federation 1); the
 *   link tells which, when it is judged.
 */
export type Offered = "kept" | "known" | "full" | "contradicted";

/** What of one origin is held, and why its first is not applied. */
export interface Waiting {
  readonly origin: OriginId;
  readonly count: number;
  readonly bytes: number;
  readonly verdict: Verdict;
  /** It is not admitted, whatever the verdict. */
  readonly withheld: boolean;
}

interface Queue {
  /** By ascending sequence. */
  readonly held: Shipped[];
  bytes: number;
}

export class Holding {
  readonly #limits: HoldingLimits;
  readonly #admits: (transaction: Transaction) => boolean;
  readonly #hash: Hash;
  readonly #queues = new Map<OriginId, Queue>();

  constructor(hash: Hash, options: HoldingOptions = {}) {
    this.#hash = hash;
    this.#limits = options.limits ?? HOLDING_LIMITS_DEFAULT;
    this.#admits = options.admits ?? (() => true);
  }

  /** The next of an origin always finds room: what is furthest ahead makes it. */
  offer(shipped: Shipped, applied: Vector): Offered {
    const { origin, sequence } = shipped.transaction;
    if (sequence <= countOf(applied, origin)) return "known";
    const queue = this.#queues.get(origin) ?? { held: [], bytes: 0 };
    const at = placeOf(queue.held, sequence);
    const there = queue.held[at];
    if (there?.transaction.sequence === sequence) {
      return compareBytes(there.bytes, shipped.bytes) === 0 ? "known" : "contradicted";
    }
    const { countMax, bytesMax } = this.#limits;
    const fits = (): boolean =>
      queue.held.length < countMax && queue.bytes + shipped.bytes.length <= bytesMax;
    while (!fits() && queue.held.length > at) {
      queue.bytes -= queue.held.pop()?.bytes.length ?? 0;
    }
    if (!fits() && queue.held.length > 0) return "full";
    queue.held.splice(at, 0, shipped);
    queue.bytes += shipped.bytes.length;
    this.#queues.set(origin, queue);
    return "kept";
  }

  /**
   * What may be applied in one entry, in an order in which it may: origins take turns. Nothing is let go before
   * `settle` says that it is applied. A transaction of another history ends its origin's part and is handed on too, so
   * that the fork is logged. `withheld`: origins that wait, whatever they have.
   */
  next(
    state: DeliveryState,
    limits: BatchLimits,
    withheld: ReadonlySet<OriginId>,
    planted?: FederationBug,
  ): readonly Shipped[] {
    const run = new Run(state, this.#hash, planted);
    const batch: Shipped[] = [];
    let [bytes, operations] = [0, 0];
    for (let progress = true; progress;) {
      progress = false;
      for (const [origin, { held }] of this.#queues) {
        if (withheld.has(origin)) continue;
        for (let shipped = run.head(held); shipped !== undefined; shipped = run.head(held)) {
          const size = shipped.bytes.length;
          const count = shipped.transaction.operations.length;
          const fits =
            bytes + size <= limits.bytesMax && operations + count <= limits.operationsMax;
          if (!fits && batch.length > 0) return batch;
          const taken = this.#admits(shipped.transaction) && run.take(shipped);
          if (!taken) break;
          batch.push(shipped);
          bytes += size;
          // A mark has none, and costs a step nonetheless.
          operations += Math.max(1, count);
          progress = true;
        }
      }
    }
    return batch;
  }

  /** Lets go what is applied. */
  settle(applied: Vector): void {
    for (const [origin, queue] of this.#queues) {
      const count = placeOf(queue.held, countOf(applied, origin) + 1);
      for (const { bytes } of queue.held.splice(0, count)) queue.bytes -= bytes.length;
      if (queue.held.length === 0) this.#queues.delete(origin);
    }
  }

  /** Lets go what lies beyond the cuts of closed origins: it is never applied (federation 11). */
  cut(closed: readonly Pick<ClosedOrigin, "origin" | "cut">[]): void {
    for (const { origin, cut } of closed) {
      const queue = this.#queues.get(origin);
      if (queue === undefined) continue;
      for (const { bytes } of queue.held.splice(placeOf(queue.held, cut + 1))) {
        queue.bytes -= bytes.length;
      }
      if (queue.held.length === 0) this.#queues.delete(origin);
    }
  }

  /** Lets go all of an origin: it is closed, or what came of it is another history. */
  drop(origin: OriginId): void {
    this.#queues.delete(origin);
  }

  /** The last of an origin that is applied or held without a gap. */
  reached(origin: OriginId, applied: Vector): number {
    const held = this.#queues.get(origin)?.held ?? [];
    let reached = countOf(applied, origin);
    for (let at = placeOf(held, reached + 1); at < held.length; at += 1) {
      if (held[at]?.transaction.sequence !== reached + 1) break;
      reached += 1;
    }
    return reached;
  }

  /** The next of each origin, where it is held. */
  heads(applied: Vector): readonly Transaction[] {
    const next: Transaction[] = [];
    for (const [origin, { held }] of this.#queues) {
      const wanted = countOf(applied, origin) + 1;
      const head = held[placeOf(held, wanted)]?.transaction;
      if (head?.sequence === wanted) next.push(head);
    }
    return next;
  }

  /** By origin, what is held and why; empty after a heal. */
  waiting(state: DeliveryState): readonly Waiting[] {
    const waiting: Waiting[] = [];
    for (const [origin, { held, bytes }] of this.#queues) {
      const [first] = held;
      assert(first !== undefined, `an empty queue of origin ${origin}`);
      const verdict = judge(state, first);
      const withheld = !this.#admits(first.transaction);
      waiting.push({ origin, count: held.length, bytes, verdict, withheld });
    }
    return waiting.sort((left, right) => left.origin - right.origin);
  }
}

/** The state as it is going to be, while one batch is put together. */
class Run {
  readonly #state: DeliveryState;
  readonly #hash: Hash;
  readonly #planted: FederationBug | undefined;
  readonly #applied: Map<OriginId, Shipped["transaction"]["sequence"]>;
  readonly #chains = new Map<OriginId, Uint8Array>();
  readonly #forked: Set<OriginId>;

  constructor(state: DeliveryState, hash: Hash, planted: FederationBug | undefined) {
    this.#state = state;
    this.#hash = hash;
    this.#planted = planted;
    this.#applied = new Map(state.applied);
    this.#forked = new Set(state.forked);
  }

  /** The next of its origin, if it is held. */
  head(held: readonly Shipped[]): Shipped | undefined {
    const [first] = held;
    if (first === undefined) return undefined;
    const { origin } = first.transaction;
    const wanted = countOf(this.#applied, origin) + 1;
    if (this.#planted === "drop-on-overtake") {
      return held.find(({ transaction: { sequence } }) => sequence >= wanted);
    }
    const next = held[wanted - first.transaction.sequence];
    // Without gaps from the first on, its place follows from its number; else it is looked for.
    if (next?.transaction.sequence === wanted) return next;
    const found = held[placeOf(held, wanted)];
    return found?.transaction.sequence === wanted ? found : undefined;
  }

  /** Whether it goes into the batch. */
  take(shipped: Shipped): boolean {
    const { origin, sequence } = shipped.transaction;
    const chainOf = (of: OriginId): Uint8Array | undefined =>
      this.#chains.get(of) ?? this.#state.chainOf(of);
    const { config, self } = this.#state;
    const state = { applied: this.#applied, config, self, forked: this.#forked, chainOf };
    const { verdict } = judge(state, shipped, this.#planted);
    if (verdict === "forked" && !this.#forked.has(origin)) {
      this.#forked.add(origin);
      return true;
    }
    if (verdict !== "apply") return false;
    const before = chainOf(origin);
    assert(before !== undefined, `what may be applied of origin ${origin} has a chain`);
    this.#chains.set(origin, chainNext(this.#hash, before, shipped.bytes));
    this.#applied.set(origin, sequence);
    return true;
  }
}

/** Of the first that is at `sequence` or after it. */
function placeOf(held: readonly Shipped[], sequence: number): number {
  let from = 0;
  let until = held.length;
  while (from < until) {
    const middle = (from + until) >>> 1;
    const there = held[middle]?.transaction.sequence ?? 0;
    if (there < sequence) from = middle + 1;
    else until = middle;
  }
  return from;
}
