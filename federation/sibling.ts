// What a region keeps of a federated key: the writes to it that no other write dominates (federation 2, 5). A pure
// function of the set of transactions applied, so it is the same in every region that has applied the same.
import type { Hlc } from "../base/index.ts";
import type { Dot } from "./dot.ts";
import type { Stamp } from "./transaction.ts";

/** `value` absent: a tombstone, a sibling like any other. */
export interface Sibling {
  readonly dot: Dot;
  readonly hlc: Hlc;
  readonly birth: Stamp;
  readonly value?: Uint8Array;
}

/** By ascending dot; never empty for a key that was ever written, until its tombstone is purged. */
export type Siblings = readonly Sibling[];
