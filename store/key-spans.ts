// A set of keys as disjoint spans in order, those that touch made one: whether it holds a whole range, also one
// that several grants make up together, is one binary search.
import type { Key } from "../base/index.ts";
import { spanOf } from "./key-range.ts";
import type { KeyRange } from "./request.ts";

/** Half-open. */
interface Stretch {
  readonly from: Key;
  readonly until: Key;
}

export class KeySpans {
  readonly #stretches: readonly Stretch[];

  constructor(ranges: Iterable<KeyRange>) {
    this.#stretches = merged([...ranges].map(stretchOf));
  }

  /** Every key that `range` could ever hold is in the set. */
  covers(range: KeyRange): boolean {
    const { from, until } = stretchOf(range);
    const stretch = this.#lastFrom(from);
    return stretch !== undefined && from < stretch.until && until <= stretch.until;
  }

  /** The last stretch that begins at or before `key`. */
  #lastFrom(key: Key): Stretch | undefined {
    let low = 0;
    let high = this.#stretches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const stretch = this.#stretches[middle];
      if (stretch !== undefined && stretch.from <= key) low = middle + 1;
      else high = middle;
    }
    return this.#stretches[low - 1];
  }
}

/** One key is the span from it to the next that could be. */
function stretchOf(range: KeyRange): Stretch {
  const { from, until, single } = spanOf(range);
  return single ? { from, until: `${from}\0` as Key } : { from, until };
}

function merged(stretches: readonly Stretch[]): readonly Stretch[] {
  const ordered = stretches
    .filter(({ from, until }) => from < until)
    .sort((left, right) => (left.from < right.from ? -1 : left.from > right.from ? 1 : 0));
  const disjoint: Stretch[] = [];
  for (const { from, until } of ordered) {
    const last = disjoint.at(-1);
    if (last === undefined || last.until < from) disjoint.push({ from, until });
    else if (last.until < until) disjoint[disjoint.length - 1] = { from: last.from, until };
  }
  return disjoint;
}
