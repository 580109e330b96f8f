// Writes the federation's own bytes: numbers as base-128 varints, 64-bit ones whole in little-endian, byte strings
// behind their lengths. byte-reader.ts reads them back; there is one way to write each value.
import { AssertionError } from "../base/index.ts";
import type { Key } from "../base/index.ts";

const SEVEN_BITS = 0x80;

/** Appends; grows by doubling. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** `bytesExpected`: what is set aside at once. */
  constructor(bytesExpected = 256) {
    this.#bytes = new Uint8Array(Math.max(bytesExpected, 16));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Begins again in the same space: what was written is gone. */
  restart(): void {
    this.#length = 0;
  }

  /** @throws {AssertionError} unless `value` is an integer in [0, 256). */
  u8(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xff) outOfRange(value, "[0, 256)");
    const at = this.#grow(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
  }

  /** @throws {AssertionError} unless `value` is in [0, 2^64). */
  u64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) outOfRange(value, "[0, 2^64)");
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value, true);
  }

  /** @throws {AssertionError} unless `value` is in [-2^63, 2^63). */
  i64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) outOfRange(value, "[-2^63, 2^63)");
    const at = this.#grow(8);
    this.#view.setBigInt64(at, value, true);
  }

  /** @throws {AssertionError} unless `value` is a safe integer >= 0. */
  count(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) outOfRange(value, "[0, 2^53)");
    let rest = value;
    while (rest >= SEVEN_BITS) {
      const at = this.#grow(1);
      this.#bytes[at] = (rest % SEVEN_BITS) + SEVEN_BITS;
      rest = Math.floor(rest / SEVEN_BITS);
    }
    const at = this.#grow(1);
    this.#bytes[at] = rest;
  }

  /** As they are: the reader knows how many. */
  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Behind their length. */
  bytes(bytes: Uint8Array): void {
    this.count(bytes.length);
    this.raw(bytes);
  }

  key(key: Key): void {
    this.count(key.length);
    const at = this.#grow(key.length);
    for (let index = 0; index < key.length; index += 1) {
      this.#bytes[at + index] = key.charCodeAt(index);
    }
  }

  /** What was written; good until the next write. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const longer = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      longer.set(this.#bytes.subarray(0, at));
      this.#bytes = longer;
      this.#view = new DataView(longer.buffer);
    }
    return at;
  }
}

/** Apart, so that no text is made for a value that is well. */
function outOfRange(value: number | bigint, range: string): never {
  throw new AssertionError(`${value} is not in ${range}`);
}
