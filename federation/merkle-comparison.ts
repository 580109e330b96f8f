// How two regions find the keys in which they differ (federation 17): down from the root, only into nodes that differ,
// then key by key in the leaves. Both go on applying meanwhile, so what differs because one of them has applied more
// is set aside, and the rest is looked at again once both have applied what either had. Equal trees cost one
// question of one node.
import type { Key } from "../base/index.ts";
import type { Dot } from "./dot.ts";
import { sameHash128 } from "./hash128.ts";
import type { Hash128 } from "./hash128.ts";
import { MERKLE_FANOUT } from "./merkle-tree.ts";
import type { MerkleTree } from "./merkle-tree.ts";
import { covers, hasDots, joined } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** Nodes in one question; 16 bytes each in its answer. */
export const MERKLE_NODES_MAX = 1024;

/** Keys under suspicion in one comparison; more are found by the next. */
export const MERKLE_SUSPECTS_MAX = 1024;

/** Of one tree: these nodes of one level. */
export interface MerkleQuestion {
  readonly level: number;
  readonly indexes: readonly number[];
}

/** What one side has of a key, as far as a comparison needs it. */
export interface ComparedKey {
  readonly key: Key;
  /** Undefined: left out of the tree. */
  readonly hash: Hash128 | undefined;
  /** All of them, those of tombstones too. */
  readonly dots: readonly Dot[];
}

/** The descent of one comparison, on the side that asks. */
export class MerkleDescent {
  readonly #mine: MerkleTree;
  /** Of the two trees, the narrower one's leaves. */
  readonly #leafLevel: number;
  /** Nodes to ask for, deepest last, so that little is pending at any time. */
  readonly #pending: { readonly level: number; readonly index: number }[] = [
    { level: 0, index: 0 },
  ];
  readonly #leaves: number[] = [];

  constructor(mine: MerkleTree, theirLevels: number) {
    this.#mine = mine;
    this.#leafLevel = Math.min(mine.levels, theirLevels);
  }

  get leafLevel(): number {
    return this.#leafLevel;
  }

  /** Undefined: the descent is over. The same until it is answered. */
  question(): MerkleQuestion | undefined {
    const next = this.#pending.at(-1);
    if (next === undefined) return undefined;
    const { level } = next;
    const indexes: number[] = [];
    for (let at = this.#pending.length - 1; at >= 0; at -= 1) {
      const one = this.#pending[at];
      if (one?.level !== level || indexes.length === MERKLE_NODES_MAX) break;
      indexes.push(one.index);
    }
    return { level, indexes };
  }

  /** `theirs`: of the question's nodes, in their order. False: not an answer to it, and nothing was taken. */
  answer(theirs: readonly Hash128[]): boolean {
    const question = this.question();
    if (question?.indexes.length !== theirs.length) return false;
    const { level, indexes } = question;
    this.#pending.splice(this.#pending.length - indexes.length);
    indexes.forEach((index, at) => {
      const hash = theirs[at];
      if (hash !== undefined && sameHash128(hash, this.#mine.node(level, index))) return;
      if (level === this.#leafLevel) this.#leaves.push(index);
      else this.#descend(level + 1, index * MERKLE_FANOUT);
    });
    return true;
  }

  #descend(level: number, from: number): void {
    for (let child = 0; child < MERKLE_FANOUT; child += 1) {
      this.#pending.push({ level, index: from + child });
    }
  }

  /** Of the level `leafLevel`, ascending, once the descent is over. */
  get differingLeaves(): readonly number[] {
    return [...this.#leaves].sort((left, right) => left - right);
  }
}

/** One side of a listing: what it has of the keys of a leaf, and what it had applied by then. */
export interface Listing {
  readonly applied: Vector;
  readonly keys: readonly ComparedKey[];
}

/** Keys that differ, and from when on they are worth a second look. */
export interface Suspicion {
  /** Ascending. */
  readonly keys: readonly Key[];
  /** Once both sides have applied it, what still differs is damage. */
  readonly settledAt: Vector;
}

/**
 * What differs although neither side has a write that the other has not applied. The first look and the second are
 * the same: the second is over `keys` of the first, and reports.
 */
export function suspicionOf(mine: Listing, theirs: Listing): Suspicion {
  const ours = new Map(mine.keys.map((one) => [one.key, one]));
  const others = new Map(theirs.keys.map((one) => [one.key, one]));
  const keys = [...new Set([...ours.keys(), ...others.keys()])]
    .filter((key) => {
      const our = ours.get(key);
      const their = others.get(key);
      if (sameCompared(our?.hash, their?.hash)) return false;
      return appliedAll(theirs.applied, our) && appliedAll(mine.applied, their);
    })
    .sort()
    .slice(0, MERKLE_SUSPECTS_MAX);
  return { keys, settledAt: joined(mine.applied, theirs.applied) };
}

/** Whether both sides may take the second look. */
export function mayConfirm({ settledAt }: Suspicion, mine: Vector, theirs: Vector): boolean {
  return covers(mine, settledAt) && covers(theirs, settledAt);
}

function sameCompared(left: Hash128 | undefined, right: Hash128 | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return sameHash128(left, right);
}

function appliedAll(applied: Vector, one: ComparedKey | undefined): boolean {
  return one === undefined || hasDots(applied, one.dots);
}
