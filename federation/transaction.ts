// What is shipped: the effects of one local transaction on federated keys, under one dot (federation 3). Compares
// and permissions were judged at its origin; here are keys and what they became.
import type { Hlc, Key, LeaseId } from "../base/index.ts";
import type { Dot, OriginId, Sequence } from "./dot.ts";
import type { KindOperation } from "./kind.ts";
import type { Vector } from "./vector.ts";

/** Which write began a lineage: it is carried on by whatever overwrites it (policy `first-writer`). */
export interface Stamp {
  readonly hlc: Hlc;
  readonly dot: Dot;
}

/**
 * What a write has seen of its key (federation 5). `all-seen`: all that its region had applied, which is the
 * transaction's `deps` and its origin's earlier dots. A list: those dots, and every tombstone within `all-seen`.
 */
export type Context = "all-seen" | readonly Dot[];

/**
 * A loser as its conflict's record shows it, the same everywhere: it travels with what dominated it, because a
 * region may have dropped the write itself for another reason (federation 5).
 */
export interface Lost {
  readonly dot: Dot;
  readonly hlc: Hlc;
  /** Absent: a tombstone. The first LOST_VALUE_BYTES_MAX bytes of it. */
  readonly value?: Uint8Array;
  /** Of the whole value; 0 for a tombstone. */
  readonly valueBytes: number;
}

export const LOST_VALUE_BYTES_MAX = 4096;

/** Of a put with a lease (federation 15): it ends with it, and who owns the dot alone says when that is. */
export interface Lifetime {
  /** Among those of the region that minted it. */
  readonly lease: LeaseId;
  readonly ttlMs: number;
}

export type Operation = { readonly key: Key } & (
  | {
      readonly action: "put";
      readonly value: Uint8Array;
      readonly context: Context;
      /** The least of what it overwrites; absent: the write itself. */
      readonly birth?: Stamp;
      /** By ascending dot, where its origin saw it dominate two siblings or more, or one that came late. */
      readonly lost?: readonly Lost[];
      readonly lifetime?: Lifetime;
    }
  | { readonly action: "delete"; readonly context: Context; readonly lost?: readonly Lost[] }
  /** Dominates the dots of `lost` and is itself no sibling; `kept` won over them at its origin. */
  | { readonly action: "settle"; readonly lost: readonly Lost[]; readonly kept: Dot }
  /**
   * The lease of these dots has ended: dominates them and every tombstone that its region had applied, and is itself no
   * sibling, so it loses to all that it has not seen (federation 15).
   */
  | { readonly action: "expire"; readonly dots: readonly Dot[] }
  | { readonly action: "kind"; readonly operation: KindOperation }
);

/** One operation a key. */
export interface Transaction {
  readonly origin: OriginId;
  readonly sequence: Sequence;
  /** What its region had applied just before it committed; its own origin is left out: all before `sequence`. */
  readonly deps: Vector;
  readonly hlc: Hlc;
  /** Of the federation's configuration under which it was minted. */
  readonly epoch: number;
  readonly operations: readonly Operation[];
}

/** Whether the write of `transaction` had that dot in its region's past. */
export function hasSeen({ origin, sequence, deps }: Transaction, dot: Dot): boolean {
  if (dot.origin === origin) return dot.sequence < sequence;
  return dot.sequence <= (deps.get(dot.origin) ?? 0);
}
