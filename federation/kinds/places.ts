// The elements of a set and the fields of a map: in byte order, and gone with the last of their writes.
import type { Key } from "../../base/index.ts";

export function ascendingEntries<Entry>(
  places: ReadonlyMap<Key, readonly Entry[]>,
): readonly (readonly [Key, readonly Entry[]])[] {
  return [...places]
    .filter(([, entries]) => entries.length > 0)
    .sort(([left], [right]) => (left < right ? -1 : 1));
}
