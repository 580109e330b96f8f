// A vector as bytes: how many origins, then each by ascending origin, its distance from the one before and how many
// of its transactions. Five bytes an origin that wrote a million (federation 3).
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CONFIG_LIMITS } from "./config.ts";
import { originId, sequence } from "./dot.ts";
import type { OriginId, Sequence } from "./dot.ts";
import { entriesOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** As many as a configuration has members and closed origins: an origin beyond them is none. */
export const VECTOR_ORIGINS_MAX = CONFIG_LIMITS.membersMax + CONFIG_LIMITS.closedMax;

const ORIGIN_MAX = 2 ** 32 - 1;
const ENTRY_BYTES_MIN = 2;

/** What stood where a vector was expected. */
export class VectorError extends Error {
  override readonly name = "VectorError";
}

export function writeVector(writer: ByteWriter, vector: Vector): void {
  writer.count(vector.size);
  let last = 0;
  for (const [origin, count] of entriesOf(vector)) {
    writer.count(origin - last);
    writer.count(count);
    last = origin;
  }
}

export function readVector(reader: ByteReader, what: string): Vector {
  const size = reader.length(`the origins of ${what}`, VECTOR_ORIGINS_MAX, ENTRY_BYTES_MIN);
  const vector = new Map<OriginId, Sequence>();
  let last = 0;
  for (let at = 0; at < size; at += 1) {
    last += reader.count(`an origin's distance in ${what}`, 1, ORIGIN_MAX - last);
    const origin = originId(last);
    vector.set(origin, sequence(reader.count(`the count of origin ${origin} in ${what}`, 1)));
  }
  return vector;
}

export function encodeVector(vector: Vector): Uint8Array {
  const writer = new ByteWriter(1 + vector.size * 8);
  writeVector(writer, vector);
  return writer.written();
}

/** @throws {VectorError} naming what is wrong. */
export function decodeVector(bytes: Uint8Array): Vector {
  const reader = new ByteReader(bytes, (message) => new VectorError(message));
  const vector = readVector(reader, "a vector");
  reader.end();
  return vector;
}
