// Vectors and origins in messages between regions, bounded by what a configuration can name.
import { VECTOR_ORIGINS_MAX, entriesOf, originId, sequence } from "../federation/index.ts";
import type { OriginId, Sequence, Vector } from "../federation/index.ts";
import { exactNumberOf } from "../proto/index.ts";
import type { hansa } from "../proto/index.ts";
import { invalid } from "./decode.ts";

/** By ascending origin. */
export function vectorShape(vector: Vector): hansa.region.v1.VectorEntry.$Properties[] {
  return entriesOf(vector).map(([origin, count]) => ({ origin, sequence: count }));
}

/** @throws {KvError} `invalid-argument`, naming what is wrong; so do the others. */
export function vectorOf(entries: readonly hansa.region.v1.VectorEntry.$Properties[]): Vector {
  if (entries.length > VECTOR_ORIGINS_MAX) {
    throw invalid(`a vector of ${entries.length} origins; expected at most ${VECTOR_ORIGINS_MAX}`);
  }
  const vector = new Map<OriginId, Sequence>();
  for (const entry of entries) {
    const count = exactNumberOf(entry.sequence ?? 0, "sequence");
    if (count < 1) throw invalid("a vector counts 0 of an origin; expected at least 1");
    vector.set(originOf(entry.origin), sequence(count));
  }
  return vector;
}

export function originOf(value: number | null | undefined): OriginId {
  if (!value) throw invalid("an origin is missing");
  return originId(value);
}
