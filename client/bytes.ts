// Text and bytes at the client's edge: what a caller may hand over, and the byte ranges that selectors name.
import { compareBytes, KvError } from "../base/index.ts";

/** A key or a value: bytes as they are, or text to be written as UTF-8. */
export type Bytes = string | Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes of `value`; a `Uint8Array` is returned as it is, not copied. */
export function bytesFrom(value: Bytes): Uint8Array {
  return typeof value === "string" ? encoder.encode(value) : value;
}

/** UTF-8 text of `bytes`; what is not UTF-8 shows as U+FFFD. */
export function textFrom(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/**
 * Which keys an operation is about:
 * - a string or bytes: the one key;
 * - `prefix`: every key that begins so; `""` is every key;
 * - `from` and `until`: keys in `[from, until)`, in byte order; without `until`, every key `>= from`.
 */
export type KeySelector =
  Bytes | { readonly prefix: Bytes } | { readonly from: Bytes; readonly until?: Bytes };

/** etcd's `key` and `range_end`; an empty `rangeEnd` means the one key. */
export interface WireRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);
/** etcd's sign for "until the end of the key space", and the smallest key there is. */
export const ZERO_BYTE = Uint8Array.of(0);

/**
 * @throws {KvError} `key-not-provided` for an empty single key, `invalid-argument` for an empty range
 *   (`until` not above `from`), which etcd would answer with nothing or, for `until: "\0"`, everything.
 */
export function wireRangeOf(selector: KeySelector): WireRange {
  if (typeof selector === "string" || selector instanceof Uint8Array) {
    const key = bytesFrom(selector);
    if (key.length === 0) {
      throw new KvError("key-not-provided", "not-applied", "the key is empty");
    }
    return { key, rangeEnd: NO_BYTES };
  }
  if ("prefix" in selector) {
    const prefix = bytesFrom(selector.prefix);
    if (prefix.length === 0) return { key: ZERO_BYTE, rangeEnd: ZERO_BYTE };
    return { key: prefix, rangeEnd: prefixEnd(prefix) };
  }
  const given = bytesFrom(selector.from);
  const key = given.length === 0 ? ZERO_BYTE : given;
  if (selector.until === undefined) return { key, rangeEnd: ZERO_BYTE };
  const rangeEnd = bytesFrom(selector.until);
  if (compareBytes(key, rangeEnd) >= 0) {
    throw new KvError("invalid-argument", "not-applied", "`until` is not above `from`");
  }
  return { key, rangeEnd };
}

/** The first key after all that begin with `prefix`; `"\0"` (no end) when it is all 0xff. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let last = prefix.length - 1; last >= 0; last -= 1) {
    const byte = prefix[last] ?? 0;
    if (byte < 0xff) {
      const end = prefix.slice(0, last + 1);
      end[last] = byte + 1;
      return end;
    }
  }
  return ZERO_BYTE;
}
