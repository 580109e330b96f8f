// Keys that are more than bytes: counters, sets, maps, registers, flags (federation 9). The prefix fixes the kind; an
// operation of another kind is refused where it is made. What a key of a kind holds is a pure function of the
// transactions applied, as siblings are; such a key has no siblings and no tombstones.
import type { Hlc, Key } from "../base/index.ts";
import type { Dot, OriginId } from "./dot.ts";

export type KindName = "counter" | "bounded-counter" | "set" | "map" | "register" | "flag";

/** What one origin has counted, as the origin of a `clear` saw it. */
export interface CounterSeen {
  readonly origin: OriginId;
  readonly plus: bigint;
  readonly minus: bigint;
}

/** The effects of an operation on a key of a kind; each has seen all that its region had applied. */
export type KindOperation =
  /** 64 bits with a sign, not 0. */
  | { readonly kind: "counter"; readonly action: "add"; readonly amount: bigint }
  /** Back to 0; `delete`: and gone until somebody adds. `seen`: ascending by origin. */
  | {
      readonly kind: "counter";
      readonly action: "reset" | "delete";
      readonly seen: readonly CounterSeen[];
    }
  /** Amounts >= 1 of 63 bits. `take` and `transfer` spend rights of the origin. */
  | { readonly kind: "bounded-counter"; readonly action: "add" | "take"; readonly amount: bigint }
  | {
      readonly kind: "bounded-counter";
      readonly action: "transfer";
      readonly to: OriginId;
      readonly amount: bigint;
    }
  /** What is in both lists is added. Elements are UTF-8, ascending, without repetition. */
  | {
      readonly kind: "set";
      readonly action: "change";
      readonly add: readonly Key[];
      readonly remove: readonly Key[];
    }
  /** Fields are UTF-8, ascending, each once in either list; values are UTF-8. */
  | {
      readonly kind: "map";
      readonly action: "change";
      readonly put: readonly { readonly field: Key; readonly value: Key }[];
      readonly remove: readonly Key[];
    }
  | { readonly kind: "register"; readonly action: "write"; readonly value: Uint8Array }
  | { readonly kind: "flag"; readonly action: "write"; readonly enabled: boolean }
  /** Everything its origin had seen goes; what was written meanwhile elsewhere stays. */
  | { readonly kind: "set"; readonly action: "delete" }
  | { readonly kind: "map"; readonly action: "delete" }
  | { readonly kind: "register"; readonly action: "delete" }
  | { readonly kind: "flag"; readonly action: "delete" };

/** Of one origin, all that it ever counted; kept for ever, deletes included. */
export interface CounterRecord {
  readonly origin: OriginId;
  /** Of its last operation that counted; 0: none. What is not later was applied, and is not counted again. */
  readonly last: number;
  /** Totals of what was added and of what was taken away: they only grow, to 2^64 - 1. */
  readonly plus: bigint;
  readonly minus: bigint;
  /** Of these, what resets and deletes had seen. */
  readonly basePlus: bigint;
  readonly baseMinus: bigint;
  /** Up to where deletes had seen its operations; 0: none had. Where no record has a later one, there is no key. */
  readonly deletedTo: number;
}

export interface CounterState {
  readonly kind: "counter";
  /** Ascending by origin. */
  readonly records: readonly CounterRecord[];
}

/** The rights of one origin (Balegas et al. 2015): what it added, what it took, what it gave to whom. */
export interface RightsRecord {
  readonly origin: OriginId;
  /** Of its last operation. */
  readonly last: number;
  /** Totals: they only grow, to 2^64 - 1. */
  readonly added: bigint;
  readonly taken: bigint;
  /** Ascending by receiver. */
  readonly given: readonly { readonly to: OriginId; readonly amount: bigint }[];
}

export interface BoundedCounterState {
  readonly kind: "bounded-counter";
  /** Ascending by origin. */
  readonly records: readonly RightsRecord[];
}

/** An element is there while some addition of it is undominated (add wins). */
export interface SetState {
  readonly kind: "set";
  /** Ascending by element; never without dots, at most one an origin. */
  readonly elements: readonly { readonly element: Key; readonly dots: readonly Dot[] }[];
}

/** A write that no other of the same place dominates. */
export interface KindWrite<Value> {
  readonly dot: Dot;
  readonly hlc: Hlc;
  readonly value: Value;
}

/** Each field shows the last of its undominated writes; a removal takes what it had seen. */
export interface MapState {
  readonly kind: "map";
  /** Ascending by field; never without writes. */
  readonly fields: readonly { readonly field: Key; readonly writes: readonly KindWrite<Key>[] }[];
}

export interface RegisterState {
  readonly kind: "register";
  /** Ascending by dot. */
  readonly writes: readonly KindWrite<Uint8Array>[];
}

/** Enabled while an undominated write says so (enable wins). */
export interface FlagState {
  readonly kind: "flag";
  readonly writes: readonly KindWrite<boolean>[];
}

export type KindState =
  CounterState | BoundedCounterState | SetState | MapState | RegisterState | FlagState;
