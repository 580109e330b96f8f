// One chunk of a large transaction as bytes, for the entry of the log that stages it (federation 3). staging.ts judges it.
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { CHAIN_HASH_BYTES } from "./chain.ts";
import { originId, sequence } from "./dot.ts";
import { CHUNK_BYTES_MAX } from "./staging.ts";
import type { Chunk } from "./staging.ts";
import { TRANSACTION_LIMITS } from "./transaction-rules.ts";

const ORIGIN_MAX = 2 ** 32 - 1;

export function writeChunk(writer: ByteWriter, chunk: Chunk): void {
  writer.count(chunk.dot.origin);
  writer.count(chunk.dot.sequence);
  writer.raw(chunk.digest);
  writer.count(chunk.totalBytes);
  writer.count(chunk.offset);
  writer.bytes(chunk.bytes);
}

/** Views, as the reader gives them; fails as it does. */
export function readChunk(reader: ByteReader): Chunk {
  const origin = originId(reader.count("a chunk's origin", 1, ORIGIN_MAX));
  const dot = { origin, sequence: sequence(reader.count("a chunk's sequence", 1)) };
  const digest = reader.raw("a chunk's digest", CHAIN_HASH_BYTES);
  const totalBytes = reader.count("a chunk's whole", 1, TRANSACTION_LIMITS.bytesMax);
  const offset = reader.count("a chunk's offset", 0, totalBytes);
  return { dot, digest, totalBytes, offset, bytes: reader.bytes("a chunk", CHUNK_BYTES_MAX) };
}
