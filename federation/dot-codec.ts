// Lists of dots in changes, rows and contexts, bounded and in the order given.
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { CHANGE_LIMITS } from "./change-limits.ts";
import { originId, sequence } from "./dot.ts";
import type { Dot, OriginId } from "./dot.ts";

export const ORIGIN_MAX = 2 ** 32 - 1;
const DOT_BYTES_MIN = 2;

export function writeDots(writer: ByteWriter, dots: readonly Dot[]): void {
  writer.count(dots.length);
  for (const { origin, sequence: at } of dots) {
    writer.count(origin);
    writer.count(at);
  }
}

export function readDots(reader: ByteReader): readonly Dot[] {
  const count = reader.length("the count of dots", CHANGE_LIMITS.dotsMax, DOT_BYTES_MIN);
  return Array.from({ length: count }, () => {
    const origin = readOrigin(reader);
    return { origin, sequence: sequence(reader.count("a dot's sequence", 1)) };
  });
}

export function readOrigin(reader: ByteReader): OriginId {
  return originId(reader.count("an origin", 1, ORIGIN_MAX));
}
