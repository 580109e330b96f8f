// Ports: what hansa.v1.Conflicts and hansa.v1.Ids need of the member beneath them. server/ has them of its region's state.
import type { Key, KvError } from "../base/index.ts";
import type { ConflictRecord } from "../federation/index.ts";
import type { KeyRange } from "../store/index.ts";
import type { CallContext, Done, KeySiblings } from "./backend.ts";

export interface OpenConflict {
  readonly key: Key;
  /** Values by their beginnings. */
  readonly siblings: KeySiblings;
}

export interface OpenConflicts {
  readonly conflicts: readonly OpenConflict[];
  /** There are others from there on. */
  readonly next?: Key;
}

export interface SettledConflict {
  /** Of this region's record. */
  readonly number: number;
  readonly record: ConflictRecord;
}

export interface SettledConflicts {
  readonly conflicts: readonly SettledConflict[];
  /** All below it were looked at. */
  readonly next: number;
  readonly oldest: number;
  readonly more: boolean;
}

export interface SettledWish {
  readonly range: KeyRange;
  readonly from: number;
  /** At most so many; a page may have fewer, and yet there are more. */
  readonly countMax: number;
}

/** Keys that came into conflict, or have other siblings, since that number; 0: all that are. */
export interface OpenWish {
  readonly range: KeyRange;
  readonly since: number;
}

export interface OpenNews {
  readonly conflicts: readonly OpenConflict[];
  /** All up to it were looked at: this member's own, of no meaning to another. */
  readonly last: number;
}

export interface Conflicts {
  /** Linearizable. Who may not read the range is refused. */
  open(range: KeyRange, countMax: number, context: CallContext, done: Done<OpenConflicts>): void;
  settled(wish: SettledWish, context: CallContext, done: Done<SettledConflicts>): void;
  /** The same of what this member has, whoever leads. */
  settledHere(wish: SettledWish, context: CallContext, done: Done<SettledConflicts>): void;
  openHere(wish: OpenWish, context: CallContext): OpenNews | KvError;
  /** The number of the next record to come. */
  readonly next: number;
  /** Of the last key that came into conflict here, as `OpenNews` counts them. */
  readonly openLast: number;
  /** Calls `run` when there may be records that were not there before. @returns the way to end it */
  whenMore(run: () => void): () => void;
  /** As people read an origin. */
  regionOf(origin: number): string;
}

export interface IdBlock {
  readonly first: bigint;
  readonly count: number;
  readonly stride: number;
}

export interface Ids {
  allocate(count: number, context: CallContext, done: Done<IdBlock>): void;
}

/** Of a member; absent: no federation is known beneath. */
export interface FederatedDesks {
  readonly conflicts?: Conflicts;
  readonly ids?: Ids;
}
