// What is shipped: the effects of one local transaction on federated keys, under one dot (federation 3). Compares
// and permissions were judged at its origin; here are keys and what they became.
import type { Hlc, Key } from "../base/index.ts";
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

export type Operation = { readonly key: Key } & (
  | {
      readonly action: "put";
      readonly value: Uint8Array;
      readonly context: Context;
      /** The least of what it overwrites; absent: the write itself. */
      readonly birth?: Stamp;
    }
  | { readonly action: "delete"; readonly context: Context }
  /** Dominates the listed dots and is itself no sibling. */
  | { readonly action: "settle"; readonly drop: readonly Dot[] }
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
