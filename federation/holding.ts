// Transactions that came before they may be applied, held by the region's leader until they are (federation 4). Bounded
// by origin: one origin that waits does not take the room of another. Soft state: what is let go is pulled again.
import { assert, compareBytes } from "../base/index.ts";
import type { ClosedOrigin } from "./config.ts";
import type { Course } from "./course.ts";
import { judge } from "./delivery.ts";
import type { DeliveryState, Verdict } from "./delivery.ts";
import type { OriginId } from "./dot.ts";
import { heldAt, placeOf } from "./held-place.ts";
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
  readonly #queues = new Map<OriginId, Queue>();

  constructor(options: HoldingOptions = {}) {
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
   * What may be applied in one entry behind those that `course` has handed out, in an order in which it may: origins
   * take turns. Nothing is let go before `settle` says that it is applied. A transaction of another history ends its
   * origin's part and is handed on too, so that the fork is logged.
   */
  next(course: Course, limits: BatchLimits): readonly Shipped[] {
    course.catchUp();
    const batch: Shipped[] = [];
    let [bytes, operations] = [0, 0];
    /** The next of one origin. */
    const take = ({ held }: Queue): "taken" | "waits" | "full" => {
      const shipped = course.head(held);
      if (shipped === undefined) return "waits";
      // A mark has no operation, and costs a step nonetheless.
      const count = Math.max(1, shipped.transaction.operations.length);
      const size = shipped.bytes.length;
      const fits = bytes + size <= limits.bytesMax && operations + count <= limits.operationsMax;
      if (!fits && batch.length > 0) return "full";
      if (!this.#admits(shipped.transaction) || !course.take(shipped)) return "waits";
      batch.push(shipped);
      bytes += size;
      operations += count;
      return "taken";
    };
    // Who waits is asked again once all others do: it may be for one of them that it waits.
    let waiting = [...this.#queues.values()];
    for (let progress = true; progress;) {
      progress = false;
      let turn = waiting;
      waiting = [];
      while (turn.length > 0) {
        const again: Queue[] = [];
        for (const queue of turn) {
          const outcome = take(queue);
          if (outcome === "full") return batch;
          (outcome === "taken" ? again : waiting).push(queue);
        }
        progress ||= again.length > 0;
        turn = again;
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

  get isEmpty(): boolean {
    return this.#queues.size === 0;
  }

  /** How many are held beyond `reached`, ready or not. */
  countBeyond(reached: Vector): number {
    let count = 0;
    for (const [origin, { held }] of this.#queues) {
      count += held.length - placeOf(held, countOf(reached, origin) + 1);
    }
    return count;
  }

  /** The next of each origin, where it is held. */
  heads(applied: Vector): readonly Transaction[] {
    const next: Transaction[] = [];
    for (const [origin, { held }] of this.#queues) {
      const head = heldAt(held, countOf(applied, origin) + 1);
      if (head !== undefined) next.push(head.transaction);
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
