// Keys of several siblings, by key and in the order in which they came to have those that they have: for who lists them,
// and for who follows what comes; both cost what they are given. The order is this process's own, and part of no state.
import BTree from "sorted-btree";
import { compareKeys } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { sameWrites } from "./event-rule.ts";
import type { Siblings } from "./sibling.ts";

export class ContestedKeys {
  readonly #numbers = new BTree<Key, number>(undefined, compareKeys);
  readonly #keys = new BTree<number, Key>();
  #last = 0;

  get size(): number {
    return this.#numbers.size;
  }

  /** The number that was given out last; 0: none. */
  get last(): number {
    return this.#last;
  }

  /** The siblings of the key are others: a revision that is taken back makes news, too. */
  note(key: Key, before: Siblings, after: Siblings): void {
    const number = this.#numbers.get(key);
    if (number !== undefined) {
      if (after.length > 1 && sameWrites(before, after)) return;
      this.#numbers.delete(key);
      this.#keys.delete(number);
    }
    if (after.length < 2) return;
    this.#last += 1;
    this.#numbers.set(key, this.#last);
    this.#keys.set(this.#last, key);
  }

  ascending(): readonly Key[] {
    return this.#numbers.keysArray();
  }

  /** Ascending, `key` the first if it is one of them; to be read at once, before any is noted. */
  from(key: Key): Iterable<Key> {
    return this.#numbers.keys(key);
  }

  /** Those of a number above `number`, by their numbers; to be read at once, too. */
  since(number: number): Iterable<readonly [number: number, key: Key]> {
    return this.#keys.entries(number + 1);
  }
}
