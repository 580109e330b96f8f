// Byte strings in the two forms the project uses: Uint8Array for values, latin1 strings for keys.
import { assert } from "./assert.ts";

declare const keyBrand: unique symbol;

/**
 * A key's bytes, one UTF-16 unit (0-255) a byte. Compares by `<` in byte order, works as a Map key,
 * and takes a fraction of a Uint8Array's memory in an index of a million keys.
 */
export type Key = string & { readonly [keyBrand]: "Key" };

const CHUNK_BYTES = 4096;

/** The key with these bytes. */
export function keyOf(bytes: Uint8Array): Key {
  if (bytes.length <= CHUNK_BYTES) return textOf(bytes) as Key;
  let text = "";
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    text += textOf(bytes.subarray(from, from + CHUNK_BYTES));
  }
  return text as Key;
}

/** A quarter of what spreading the bytes costs. */
function textOf(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, bytes) as string;
}

/** The bytes of a key. */
export function bytesOf(key: Key): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let at = 0; at < key.length; at += 1) bytes[at] = key.charCodeAt(at);
  return bytes;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

/** Two lowercase hexadecimal digits a byte. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte] ?? "";
  return text;
}

/** -1, 0 or 1 by unsigned byte order. */
export function compareBytes(left: Uint8Array, right: Uint8Array): -1 | 0 | 1 {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference < 0 ? -1 : 1;
  }
  if (left.length === right.length) return 0;
  return left.length < right.length ? -1 : 1;
}

/** As `compareBytes`, of keys. */
export function compareKeys(left: Key, right: Key): -1 | 0 | 1 {
  if (left < right) return -1;
  return left === right ? 0 : 1;
}

/** @throws {AssertionError} if `text` holds a unit above 255: it is then not a key's form. */
export function checkedKey(text: string): Key {
  for (let at = 0; at < text.length; at += 1) {
    assert(text.charCodeAt(at) <= 0xff, `a key holds bytes, but unit ${at} is above 255`);
  }
  return text as Key;
}
