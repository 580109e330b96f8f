// Keys of several siblings, in the order in which they came to have those that they have: for who lists them, and for
// who follows what comes. The order is this process's own, and part of no state.
import type { Key } from "../base/index.ts";
import { sameWrites } from "./event-rule.ts";
import type { Siblings } from "./sibling.ts";

export class ContestedKeys {
  /** By ascending number. */
  readonly #numbers = new Map<Key, number>();
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
    if (after.length > 1 && this.#numbers.has(key) && sameWrites(before, after)) return;
    this.#numbers.delete(key);
    if (after.length < 2) return;
    this.#last += 1;
    this.#numbers.set(key, this.#last);
  }

  ascending(): readonly Key[] {
    return [...this.#numbers.keys()].sort();
  }

  /** Those of a number above `number`, by their numbers. */
  since(number: number): readonly (readonly [key: Key, number: number])[] {
    return [...this.#numbers].filter(([, at]) => at > number);
  }
}
