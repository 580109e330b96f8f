// A histogram of plain numbers, for what is counted where every call passes and read when somebody asks.
import { assert } from "./assert.ts";

export class Buckets {
  /** Upper, inclusive, ascending; above the last is a bucket of its own. */
  readonly bounds: readonly number[];
  /** One more than bounds; not cumulative. */
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    assert(
      bounds.every((bound, at) => bound > (bounds[at - 1] ?? -Infinity)),
      "bounds ascend",
    );
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  /** Bounds are few and small values are most: the first that fits is found by looking. */
  add(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? Infinity)) at += 1;
    counts[at] = (counts[at] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }
}

/** `count` bounds from `first` on, each `factor` times the one before. */
export function exponentialBounds(first: number, factor: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => first * factor ** at);
}
