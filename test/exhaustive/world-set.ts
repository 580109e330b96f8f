// The worlds met so far, in the order in which they were met: a world is the tuple of its members' state
// numbers. Flat arrays, for there are tens of millions of them.
import { assert } from "../../base/index.ts";

const SLOTS_AT_FIRST = 1 << 16;
/** Of what a world is made of. */
const NUMBER_MAX = 2 ** 31;
/** Of the slots that may be taken before there are twice as many. */
const LOAD_MAX = 0.6;

export class WorldSet {
  readonly width: number;
  #members: Int32Array;
  #parents: Int32Array;
  #causes: Int32Array;
  /** Place in the order, plus one; 0 is free. */
  #slots = new Int32Array(SLOTS_AT_FIRST);
  #count = 0;

  constructor(width: number) {
    this.width = width;
    this.#members = new Int32Array(SLOTS_AT_FIRST * width);
    this.#parents = new Int32Array(SLOTS_AT_FIRST);
    this.#causes = new Int32Array(SLOTS_AT_FIRST);
  }

  get count(): number {
    return this.#count;
  }

  member(world: number, at: number): number {
    return this.#members[world * this.width + at] ?? 0;
  }

  /** The world that this one was first met from; itself at the beginning. */
  parent(world: number): number {
    return this.#parents[world] ?? 0;
  }

  /** What made it of its parent, as `add` was told. */
  cause(world: number): number {
    return this.#causes[world] ?? 0;
  }

  /** @returns true if `members` is new. */
  add(members: readonly number[], parent: number, cause: number): boolean {
    let slot = this.#hash(members);
    for (;;) {
      const held = this.#slots[slot] ?? 0;
      if (held === 0) break;
      if (this.#equals(held - 1, members)) return false;
      slot = (slot + 1) & (this.#slots.length - 1);
    }
    this.#push(members, parent, cause);
    this.#slots[slot] = this.#count;
    if (this.#count > this.#slots.length * LOAD_MAX) this.#grow();
    return true;
  }

  #push(members: readonly number[], parent: number, cause: number): void {
    if (this.#count === this.#parents.length) {
      this.#members = grown(this.#members);
      this.#parents = grown(this.#parents);
      this.#causes = grown(this.#causes);
    }
    members.forEach((state, at) => {
      assert(state < NUMBER_MAX, "numbers fit into 31 bits");
      this.#members[this.#count * this.width + at] = state;
    });
    this.#parents[this.#count] = parent;
    this.#causes[this.#count] = cause;
    this.#count += 1;
  }

  #equals(world: number, members: readonly number[]): boolean {
    for (let at = 0; at < this.width; at += 1) {
      if (this.#members[world * this.width + at] !== members[at]) return false;
    }
    return true;
  }

  #hash(members: readonly number[]): number {
    let hash = 0x9e3779b9;
    for (const state of members) {
      hash = Math.imul(hash ^ state, 0x85ebca6b);
      hash ^= hash >>> 13;
      hash = Math.imul(hash, 0xc2b2ae35);
      hash ^= hash >>> 16;
    }
    return hash & (this.#slots.length - 1);
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    const members = new Array<number>(this.width);
    for (let world = 0; world < this.#count; world += 1) {
      for (let at = 0; at < this.width; at += 1) members[at] = this.member(world, at);
      let slot = this.#hash(members);
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (this.#slots.length - 1);
      this.#slots[slot] = world + 1;
    }
  }
}

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
