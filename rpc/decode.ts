// Bytes from outside become types here, or one typed error: nothing else escapes a decoder.
import { KvError } from "../base/index.ts";
import { Reader } from "../proto/index.ts";

/** Of messages inside messages: transactions nest, and so could hostile bytes. */
export const NESTING_MAX = 128;

/**
 * Reads one message of `bytes`.
 *
 * @throws {KvError} `invalid-argument` if the bytes are no such message, or as `read` throws.
 */
export function decoded<T>(bytes: Uint8Array, read: (reader: Reader) => T): T {
  const reader = new Reader(bytes);
  try {
    const message = read(reader);
    if (reader.pos === reader.len) return message;
  } catch (cause) {
    throw cause instanceof KvError ? cause : malformed(cause);
  }
  throw malformed(`it ends at byte ${reader.pos} of ${reader.len}`);
}

/** Nothing was done: the call ended at the edge. */
export function invalid(message: string): KvError {
  return new KvError("invalid-argument", "not-applied", `hansa: ${message}`);
}

function malformed(cause: unknown): KvError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KvError("invalid-argument", "not-applied", `hansa: the message is malformed: ${why}`, {
    cause,
  });
}
