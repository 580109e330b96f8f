// Reads what byte-writer.ts wrote, of bytes that may be anything: each read is within bounds or fails with a text that
// says where and what was expected. A value has one form, so bytes that read well are written back as they were.
import { keyOf } from "../base/index.ts";
import type { Key } from "../base/index.ts";

const SEVEN_BITS = 0x80;
/** 2^53 - 1 takes eight groups of seven bits. */
const VARINT_BYTES_MAX = 8;

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #until: number;
  readonly #failure: (message: string) => Error;
  #at: number;

  /** Reads `bytes` in [from, until). What is wrong with them is thrown as `failure` makes it. */
  constructor(
    bytes: Uint8Array,
    failure: (message: string) => Error,
    from = 0,
    until: number = bytes.length,
  ) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#failure = failure;
    this.#at = from;
    this.#until = until;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#until - this.#at;
  }

  /** What is wrong, with the place: the caller throws it. */
  failure(message: string): Error {
    return this.#failure(`${message} (byte ${this.#at})`);
  }

  u8(what: string): number {
    return this.#bytes[this.#take(1, what)] ?? 0;
  }

  u32(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true);
  }

  u64(what: string): bigint {
    return this.#view.getBigUint64(this.#take(8, what), true);
  }

  i64(what: string): bigint {
    return this.#view.getBigInt64(this.#take(8, what), true);
  }

  /** A safe integer in [least, most], in the fewest bytes. */
  count(what: string, least = 0, most: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0;
    let unit = 1;
    for (let read = 1; ; read += 1) {
      const byte = this.u8(what);
      value += (byte % SEVEN_BITS) * unit;
      if (byte < SEVEN_BITS) {
        if (byte === 0 && read > 1) throw this.failure(`${what} is not in its shortest form`);
        break;
      }
      if (read === VARINT_BYTES_MAX) throw this.failure(`${what} is longer than ${read} bytes`);
      unit *= SEVEN_BITS;
    }
    if (value < least || value > most) {
      throw this.failure(`${what} is ${value}, expected ${least} to ${most}`);
    }
    return value;
  }

  /** How many follow, of which each takes `bytesEach` at least: more than there are bytes is refused at once. */
  length(what: string, most: number, bytesEach = 1): number {
    const count = this.count(what, 0, most);
    if (count * bytesEach > this.left) {
      throw this.failure(`${what} is ${count}, but ${this.left} bytes are left`);
    }
    return count;
  }

  /** A view, not a copy. */
  raw(what: string, length: number): Uint8Array {
    const at = this.#take(length, what);
    return this.#bytes.subarray(at, at + length);
  }

  /** Behind their length; a view, not a copy. */
  bytes(what: string, most: number): Uint8Array {
    return this.raw(what, this.length(`the length of ${what}`, most));
  }

  /** A key is never empty. */
  key(what: string, most: number): Key {
    const bytes = this.bytes(what, most);
    if (bytes.length === 0) throw this.failure(`${what} is empty`);
    return keyOf(bytes);
  }

  /** Bytes behind their length in a key's form; they may be none. */
  text(what: string): Key {
    return keyOf(this.bytes(what, Number.MAX_SAFE_INTEGER));
  }

  /** Fails if anything is left. */
  end(): void {
    if (this.left > 0) throw this.failure(`${this.left} bytes too many`);
  }

  #take(bytes: number, what: string): number {
    const at = this.#at;
    if (bytes > this.left) {
      throw this.failure(`${what} takes ${bytes} bytes, but ${this.left} are left`);
    }
    this.#at = at + bytes;
    return at;
  }
}
