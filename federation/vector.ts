// Version vectors: for each origin, how many of its transactions, from the first without a gap. What a region has
// applied, what a transaction depends on, what is stable everywhere: all are vectors (federation 2, 4, 10).
import type { Dot, OriginId, Sequence } from "./dot.ts";

/** An origin that is absent has 0. Entries are >= 1. */
export type Vector = ReadonlyMap<OriginId, Sequence>;

export const VECTOR_ZERO: Vector = new Map();

/** 0: none of it. */
export function countOf(vector: Vector, origin: OriginId): number {
  return vector.get(origin) ?? 0;
}

export function hasDots(vector: Vector, dots: readonly Dot[]): boolean {
  return dots.every((dot) => hasDot(vector, dot));
}

export function hasDot(vector: Vector, { origin, sequence }: Dot): boolean {
  return sequence <= countOf(vector, origin);
}

/** Whether `vector` has everything that `other` has. */
export function covers(vector: Vector, other: Vector): boolean {
  for (const [origin, count] of other) if (countOf(vector, origin) < count) return false;
  return true;
}

export function sameVector(left: Vector, right: Vector): boolean {
  return covers(left, right) && covers(right, left);
}

/** What either has. */
export function joined(left: Vector, right: Vector): Vector {
  const result = new Map(left);
  for (const [origin, count] of right) if (count > countOf(left, origin)) result.set(origin, count);
  return result;
}

/** What both have. */
export function shared(left: Vector, right: Vector): Vector {
  const result = new Map<OriginId, Sequence>();
  for (const [origin, count] of left) {
    const least = Math.min(count, countOf(right, origin));
    if (least > 0) result.set(origin, least as Sequence);
  }
  return result;
}

/** By ascending origin. */
export function entriesOf(vector: Vector): readonly (readonly [OriginId, Sequence])[] {
  return [...vector].sort(([left], [right]) => left - right);
}

/** As people read it: "1:40 2:7". */
export function vectorText(vector: Vector): string {
  return entriesOf(vector)
    .map(([origin, count]) => `${origin}:${count}`)
    .join(" ");
}
