// How large a set or a map may grow where it is written: a client reads it as one value. What regions add at once may
// come to more, and is applied all the same (federation 3).
import type { Key } from "../../base/index.ts";
import type { KindState } from "../kind.ts";

/** Of elements, or of fields with their values: etcd's clients take answers of 4 MiB, JSON and its escapes included. */
const TEXT_BYTES_MAX = 1024 * 1024;

/** Why these may not be added; undefined: they may. `places`: elements or fields, by which others are replaced. */
export function sizeRefusal(
  state: KindState,
  places: readonly Key[],
  values: readonly Key[] = [],
): string | undefined {
  const added = [...places, ...values].reduce((bytes, text) => bytes + text.length, 0);
  const total = added + keptBytes(state, new Set(places));
  if (total <= TEXT_BYTES_MAX) return undefined;
  return `the ${state.kind} would hold ${total} bytes, expected ${TEXT_BYTES_MAX} at most`;
}

function keptBytes(state: KindState, replaced: ReadonlySet<Key>): number {
  if (state.kind === "set") {
    const kept = state.elements.filter(({ element }) => !replaced.has(element));
    return kept.reduce((bytes, { element }) => bytes + element.length, 0);
  }
  if (state.kind !== "map") return 0;
  return state.fields
    .filter(({ field }) => !replaced.has(field))
    .flatMap(({ field, writes }) => [field, ...writes.map(({ value }) => value)])
    .reduce((bytes, text) => bytes + text.length, 0);
}
