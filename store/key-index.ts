// All keys in memory, each with its versions, newest first: by hash for one key, in a tree for ranges.
// Versions are never changed, only added in front and cut off behind, so a reader at an old revision needs
// no copy of anything: it resumes by key, and what was written since is newer than what it looks for.
import BTree from "sorted-btree";
import { assert, compareKeys, present } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { History } from "./history.ts";
import type { Span } from "./key-range.ts";
import { isTombstone, versionAt } from "./version.ts";
import type { Version } from "./version.ts";

/** Writes that a sweep looks at for each version that it may forget: most forget nothing. */
const LOOKS_PER_VERSION = 16;

export class KeyIndex {
  readonly #newest = new Map<Key, Version>();
  /** The same keys in order, without values: overwriting a key then costs no descent. */
  readonly #order = new BTree<Key, undefined>(undefined, compareKeys);
  /** A sweep follows it, so that compaction costs what was written since the last and not what it keeps. */
  readonly history = new History();

  /** Keys, deleted ones that have a history included. */
  get size(): number {
    return this.#newest.size;
  }

  newest(key: Key): Version | undefined {
    return this.#newest.get(key);
  }

  /** The version of `key` that a read at main revision `at` sees; undefined if it sees none. */
  visible(key: Key, at: number): Version | undefined {
    return liveAt(this.#newest.get(key), at);
  }

  /**
   * Calls `onVersion` for each key of the span that is visible at `at`, in key order, looking at up to
   * `keysMax` keys. Returns the key to go on from, or undefined at the end. The tree must not change
   * within the call.
   */
  visit(
    span: Span,
    at: number,
    keysMax: number,
    onVersion: (key: Key, version: Version) => void,
  ): Key | undefined {
    if (span.single) {
      const version = this.visible(span.from, at);
      if (version !== undefined) onVersion(span.from, version);
      return undefined;
    }
    if (span.from >= span.until) return undefined;
    let left = keysMax;
    let next: Key | undefined;
    this.#order.forRange(span.from, span.until, false, (key) => {
      if (left === 0) {
        next = key;
        return STOP;
      }
      left -= 1;
      const version = liveAt(this.#newest.get(key), at);
      if (version !== undefined) onVersion(key, version);
      return undefined;
    });
    return next;
  }

  /** Every key in order with its newest version, tombstones included. */
  each(onKey: (key: Key, newest: Version) => void): void {
    for (const key of this.#order.keys())
      onKey(key, present(this.#newest.get(key), "an indexed key"));
  }

  /** Puts `version` in front of the key's others; its `older` is what was newest. */
  push(key: Key, version: Version): void {
    this.#newest.set(key, version);
    if (version.older === undefined) this.#order.set(key, undefined);
    this.history.push(key, version);
  }

  /** Takes back the last push. */
  undo(key: Key, version: Version): void {
    assert(this.#newest.get(key) === version, "only the newest version can be taken back");
    if (version.older === undefined) this.#remove(key);
    else this.#newest.set(key, version.older);
    assert(this.history.pop() === version, "pushes are taken back in reverse order");
  }

  /** Whether a compaction to `floor` leaves something to sweep. */
  sweepable(floor: number): boolean {
    const next = this.history.peek();
    return next !== undefined && next.mod < floor;
  }

  /**
   * Forgets up to about `versionsMax` versions that neither a read at or above `floor` nor a watch from it
   * sees; `onGone` for each. What was written at the floor itself stays whole: a watch may begin there, and
   * its deletes are events (etcd#19179). Returns whether more are left.
   */
  sweep(floor: number, versionsMax: number, onGone: (version: Version) => void): boolean {
    let left = versionsMax;
    const forget = (version: Version): void => {
      left -= 1;
      onGone(version);
    };
    for (let looks = versionsMax * LOOKS_PER_VERSION; looks > 0 && left > 0; looks -= 1) {
      if (!this.sweepable(floor)) break;
      this.history.shift((key, version) => {
        this.#sweepOne(key, version, forget);
      });
    }
    return this.sweepable(floor);
  }

  /** After a restore: of writes below the floor, those that leave nothing to forget. */
  skipSettled(floor: number): void {
    for (let next = this.history.peek(); next !== undefined; next = this.history.peek()) {
      if (next.mod >= floor || next.older !== undefined || isTombstone(next)) return;
      this.history.shift(() => undefined);
    }
  }

  /** `version` is older than the floor: what it replaced goes, and it goes itself if it is a delete. */
  #sweepOne(key: Key, version: Version, onGone: (version: Version) => void): void {
    const { older } = version;
    // A tombstone's own turn came earlier, and took its row.
    if (older !== undefined && !isTombstone(older)) onGone(older);
    version.older = undefined;
    if (!isTombstone(version)) return;
    onGone(version);
    if (this.#newest.get(key) === version) this.#remove(key);
  }

  #remove(key: Key): void {
    this.#newest.delete(key);
    this.#order.delete(key);
  }
}

const STOP = { break: 0 };

function liveAt(newest: Version | undefined, at: number): Version | undefined {
  const version = versionAt(newest, at);
  return version === undefined || isTombstone(version) ? undefined : version;
}
