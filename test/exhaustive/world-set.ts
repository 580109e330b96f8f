// The worlds met so far, in the order in which they were met: a world is the tuple of its members' state numbers,
// what lies between them and what is spent. Flat arrays, in pieces, for there are tens of millions of them.
//
// A world that another covers is left out: the same members with at least the same messages between them, and no
// more spent. Whatever can happen in the one can happen in the other, step by step, with the same members: the
// messages that the one lacks need not be delivered.
import { assert } from "../../base/index.ts";

const SLOTS_AT_FIRST = 1 << 16;
/** Of what a world is made of. */
const NUMBER_MAX = 2 ** 31;
/** Of the slots that may be taken before there are twice as many. */
const LOAD_MAX = 0.6;
/** Worlds in a piece: two to the power of this. */
const PIECE_BITS = 20;
const PIECE_MASK = 2 ** PIECE_BITS - 1;
/** What stands behind the members' numbers. */
const BEHIND = ["messages", "spent", "parent", "cause", "next"] as const;
/** The end of a list. */
const NONE = -1;
/** In place of the next in the list: another world covers this one. */
const COVERED = -2;

/** Whether a world of these messages and expenses covers another of the same members. */
export type Covers = (
  messages: number,
  spent: number,
  otherMessages: number,
  otherSpent: number,
) => boolean;

export class WorldSet {
  readonly #nodes: number;
  readonly #covers: Covers;
  /** A world is `#width` numbers in a row. */
  readonly #width: number;
  readonly #pieces: Int32Array[] = [];
  /** The first of those with the same members, plus one; 0 is free. */
  #slots = new Int32Array(SLOTS_AT_FIRST);
  #lists = 0;
  #count = 0;
  #covered = 0;

  constructor(nodes: number, covers: Covers) {
    this.#nodes = nodes;
    this.#covers = covers;
    this.#width = nodes + BEHIND.length;
  }

  get count(): number {
    return this.#count;
  }

  /** Combinations of members. */
  get lists(): number {
    return this.#lists;
  }

  /** Given up for a world that was met later. */
  get covered(): number {
    return this.#covered;
  }

  /** A member's number; behind those of all members the messages, and what is spent. */
  part(world: number, at: number): number {
    return this.#pieceOf(world)[(world & PIECE_MASK) * this.#width + at] ?? 0;
  }

  isCovered(world: number): boolean {
    return this.#next(world) === COVERED;
  }

  /** The world that this one was first met from; itself at the beginning. */
  parent(world: number): number {
    return this.part(world, this.#nodes + 2);
  }

  /** What made it of its parent, as `add` was told. */
  cause(world: number): number {
    return this.part(world, this.#nodes + 3);
  }

  /** @returns whether a known world covers `parts`, and if none does, whether its members are met anew. */
  add(parts: readonly number[], parent: number, cause: number): "covered" | "met" | "new-members" {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(parts) & mask;
    for (;;) {
      const held = this.#slots[slot] ?? 0;
      if (held === 0) break;
      if (this.#hasMembers(held - 1, parts)) return this.#join(slot, parts, parent, cause);
      slot = (slot + 1) & mask;
    }
    this.#push(parts, parent, cause, NONE);
    this.#slots[slot] = this.#count;
    this.#lists += 1;
    if (this.#lists > this.#slots.length * LOAD_MAX) this.#grow();
    return "new-members";
  }

  #join(slot: number, parts: readonly number[], parent: number, cause: number): "covered" | "met" {
    const nodes = this.#nodes;
    const [messages, spent] = [parts[nodes] ?? 0, parts[nodes + 1] ?? 0];
    const first = (this.#slots[slot] ?? 0) - 1;
    for (let world = first; world !== NONE; world = this.#next(world)) {
      const [known, used] = [this.part(world, nodes), this.part(world, nodes + 1)];
      if (this.#covers(known, used, messages, spent)) return "covered";
    }
    let kept = NONE;
    for (let world = first; world !== NONE;) {
      const next = this.#next(world);
      const [known, used] = [this.part(world, nodes), this.part(world, nodes + 1)];
      if (this.#covers(messages, spent, known, used)) {
        this.#setNext(world, COVERED);
        this.#covered += 1;
      } else {
        this.#setNext(world, kept);
        kept = world;
      }
      world = next;
    }
    this.#push(parts, parent, cause, kept);
    this.#slots[slot] = this.#count;
    return "met";
  }

  #push(parts: readonly number[], parent: number, cause: number, next: number): void {
    const world = this.#count;
    if ((world & PIECE_MASK) === 0)
      this.#pieces.push(new Int32Array((PIECE_MASK + 1) * this.#width));
    const piece = this.#pieceOf(world);
    const from = (world & PIECE_MASK) * this.#width;
    for (let at = 0; at < this.#nodes + 2; at += 1) {
      const part = parts[at] ?? 0;
      assert(part < NUMBER_MAX, "numbers fit into 31 bits");
      piece[from + at] = part;
    }
    piece[from + this.#nodes + 2] = parent;
    piece[from + this.#nodes + 3] = cause;
    piece[from + this.#nodes + 4] = next;
    this.#count += 1;
  }

  #pieceOf(world: number): Int32Array {
    const piece = this.#pieces[world >> PIECE_BITS];
    // Not by a function of another file: nothing is asked more often.
    if (piece === undefined) throw new RangeError(`there is no world ${world}`);
    return piece;
  }

  #next(world: number): number {
    return this.part(world, this.#nodes + 4);
  }

  #setNext(world: number, next: number): void {
    this.#pieceOf(world)[(world & PIECE_MASK) * this.#width + this.#nodes + 4] = next;
  }

  #hasMembers(world: number, parts: readonly number[]): boolean {
    const piece = this.#pieceOf(world);
    const from = (world & PIECE_MASK) * this.#width;
    for (let at = 0; at < this.#nodes; at += 1) if (piece[from + at] !== parts[at]) return false;
    return true;
  }

  /** Of the members alone. */
  #hash(parts: readonly number[]): number {
    let hash = 0x9e3779b9;
    for (let at = 0; at < this.#nodes; at += 1) {
      hash = Math.imul(hash ^ (parts[at] ?? 0), 0x85ebca6b);
      hash ^= hash >>> 13;
      hash = Math.imul(hash, 0xc2b2ae35);
      hash ^= hash >>> 16;
    }
    return hash;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(before.length * 2);
    const mask = this.#slots.length - 1;
    const members = new Array<number>(this.#nodes);
    for (const held of before) {
      if (held === 0) continue;
      for (let at = 0; at < this.#nodes; at += 1) members[at] = this.part(held - 1, at);
      let slot = this.#hash(members) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = held;
    }
  }
}
