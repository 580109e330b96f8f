// What is said of prefixes, found by the longest one that a key begins with (federation 7). A lookup costs one map
// probe a distinct length, so that a write to a key that is not federated costs next to nothing.
import type { Key } from "../base/index.ts";

export class PrefixTable<Entry extends { readonly prefix: Key }> {
  /** By prefix length, the longest first. */
  private readonly byLength: readonly (readonly [number, ReadonlyMap<string, Entry>])[];

  constructor(entries: Iterable<Entry>) {
    const byLength = new Map<number, Map<string, Entry>>();
    for (const entry of entries) {
      const { length } = entry.prefix;
      const sameLength = byLength.get(length) ?? new Map<string, Entry>();
      byLength.set(length, sameLength.set(entry.prefix, entry));
    }
    this.byLength = [...byLength].sort(([left], [right]) => right - left);
  }

  /** Undefined: no prefix of `key` has an entry. */
  of(key: Key): Entry | undefined {
    for (const [length, entries] of this.byLength) {
      if (length > key.length) continue;
      const entry = entries.get(key.slice(0, length));
      if (entry !== undefined) return entry;
    }
    return undefined;
  }
}
