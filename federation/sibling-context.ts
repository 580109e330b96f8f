// Which siblings of a key a client has read, as it hands them back with the write that resolves them (federation 5): opaque
// to it, dots to the region. Part of no row and no transaction.
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { readDots, writeDots } from "./dot-codec.ts";
import type { Dot } from "./dot.ts";

const VERSION = 1;

export class SiblingContextError extends Error {
  override readonly name = "SiblingContextError";
}

export function encodeSiblingContext(dots: readonly Dot[]): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(VERSION);
  writeDots(writer, dots);
  return writer.written().slice();
}

/** @throws {SiblingContextError} naming what is wrong, whatever the bytes. */
export function decodeSiblingContext(bytes: Uint8Array): readonly Dot[] {
  const reader = new ByteReader(bytes, (message) => new SiblingContextError(message));
  const version = reader.u8("the version");
  if (version !== VERSION) throw reader.failure(`version ${version}, expected ${VERSION}`);
  const dots = readDots(reader);
  reader.end();
  return dots;
}
