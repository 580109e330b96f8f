// What a region keeps of a federated key: the writes to it that no other write dominates (federation 2, 5). A pure
// function of the set of transactions applied, so it is the same in every region that has applied the same.
import type { Hlc } from "../base/index.ts";
import type { Dot } from "./dot.ts";
import type { Lifetime, Stamp } from "./transaction.ts";

/** `value` absent: a tombstone, a sibling like any other. */
export interface Sibling {
  readonly dot: Dot;
  readonly hlc: Hlc;
  /** Of the configuration under which it was minted: a home that moved meanwhile flags it (federation 12). */
  readonly epoch: number;
  /** Of a tombstone: its own stamp. */
  readonly birth: Stamp;
  readonly value?: Uint8Array;
  /** Of what was put with a lease. */
  readonly lifetime?: Lifetime;
}

/** By ascending dot; never empty for a key that was ever written, until its tombstone is purged. */
export type Siblings = readonly Sibling[];

/** Of one key. Reached, the winner's origin drops losers at once, each of them logged (federation 5). */
export const SIBLINGS_MAX = 32;

export function isTombstone(sibling: Sibling): boolean {
  return sibling.value === undefined;
}

export function hasLifetime(sibling: Sibling): boolean {
  return sibling.lifetime !== undefined;
}

/** Whether a client can see anything of it under some policy. */
export function isLive(sibling: Sibling): boolean {
  return sibling.value !== undefined;
}
