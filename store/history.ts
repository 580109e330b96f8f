// Every write in the order of its revision, from the compaction floor on: what watches read. It is also the
// order in which compaction takes things back. Keys and versions lie in two arrays, sixteen bytes a write.
import { assert, present } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import type { Version } from "./version.ts";

/** Below so many dead entries the arrays are not worth cutting. */
const DEAD_MIN = 1024;

export class History {
  #keys: Key[] = [];
  #versions: Version[] = [];
  /** Entries before it are forgotten. */
  #head = 0;

  get size(): number {
    return this.#versions.length - this.#head;
  }

  /** Writes come in the order of (main, sub). */
  push(key: Key, version: Version): void {
    this.#keys.push(key);
    this.#versions.push(version);
  }

  /** Takes back the last push. */
  pop(): Version | undefined {
    if (this.size === 0) return undefined;
    this.#keys.pop();
    return this.#versions.pop();
  }

  /** The oldest, which stays. */
  peek(): Version | undefined {
    return this.#versions[this.#head];
  }

  /** Forgets the oldest; `onGone` gets it. */
  shift(onGone: (key: Key, version: Version) => void): void {
    assert(this.size > 0, "only what is there is forgotten");
    const key = present(this.#keys[this.#head], "the oldest key");
    const version = present(this.#versions[this.#head], "the oldest version");
    this.#head += 1;
    if (this.#head >= DEAD_MIN && this.#head * 2 >= this.#versions.length) {
      this.#keys = this.#keys.slice(this.#head);
      this.#versions = this.#versions.slice(this.#head);
      this.#head = 0;
    }
    onGone(key, version);
  }

  /**
   * Calls `onWrite` for the writes of revision `from` and later, until it has said between two revisions
   * that it wants no more: revisions are not cut. Returns the revision to go on from, or undefined at the
   * end. Nothing is written within the call.
   */
  visit(
    from: number,
    onWrite: (key: Key, version: Version) => void,
    wantsMore: () => boolean,
  ): number | undefined {
    let last = -1;
    for (let at = this.#positionOf(from); at < this.#versions.length; at += 1) {
      const version = present(this.#versions[at], "a version of the history");
      if (version.mod !== last && last !== -1 && !wantsMore()) return version.mod;
      last = version.mod;
      onWrite(present(this.#keys[at], "a key of the history"), version);
    }
    return undefined;
  }

  /** Of the first write at or after `revision`. */
  #positionOf(revision: number): number {
    let from = this.#head;
    let until = this.#versions.length;
    while (from < until) {
      const middle = (from + until) >>> 1;
      const { mod } = present(this.#versions[middle], "a version of the history");
      if (mod < revision) from = middle + 1;
      else until = middle;
    }
    return from;
  }
}
