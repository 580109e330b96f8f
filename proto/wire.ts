// The protobuf reader and writer that the generated codec runs on: protobufjs's own, with 64-bit integers
// as `Int64` instead of Long objects, and unknown fields dropped. Bytes that are read are views, not copies.
import protobuf from "protobufjs/minimal";

/** A 64-bit integer of the wire, exact: a number while that is a safe integer, else a bigint. */
export type Int64 = number | bigint;

/** What the program uses of protobufjs's reader. */
interface PlainReader {
  readonly buf: Uint8Array;
  pos: number;
  len: number;
  discardUnknown: boolean;
  tag(): number;
  size(): number;
  bool(): boolean;
  int32(): number;
  uint32(): number;
  double(): number;
  /** UTF-8; bytes that are not become U+FFFD. */
  string(): string;
  skipType(wireType: number, depth?: number, fieldNumber?: number): unknown;
}

/** What the program uses of protobufjs's writer. */
interface PlainWriter {
  pos: number;
  readonly buf: Uint8Array;
  bool(value: boolean): this;
  int32(value: number): this;
  uint32(value: number): this;
  double(value: number): this;
  string(value: string): this;
  bytes(value: Uint8Array): this;
  /** Without a tag or length. */
  raw(value: Uint8Array): this;
  /** Begins a nested message; `ldelim` ends it and puts its length before it. */
  fork(): this;
  ldelim(): this;
  /** `shared`: a view of the buffer instead of a copy; the writer is then done with. */
  finish(shared?: boolean): Uint8Array;
  _reserve(bytes: number): void;
}

const PlainReader = protobuf.BufferReader as unknown as new (buffer: Uint8Array) => PlainReader;
const PlainWriter = protobuf.BufferWriter as unknown as new () => PlainWriter;

const TWO_32 = 2 ** 32;
/** Seven bytes of seven bits: the most that is added up exactly, whatever follows. */
const SCALE_MAX = 2 ** 42;

/** Reads one message. Every method throws on bytes that are no protobuf. */
export class Reader extends PlainReader {
  /** The name that generated code calls. */
  static create(buffer: Uint8Array): Reader {
    return new Reader(buffer);
  }

  constructor(buffer: Uint8Array) {
    super(
      Buffer.isBuffer(buffer)
        ? buffer
        : Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength),
    );
    this.discardUnknown = true;
  }

  int64(): Int64 {
    return this.#varint(true);
  }

  uint64(): Int64 {
    return this.#varint(false);
  }

  fixed64(): Int64 {
    if (this.pos + 8 > this.len) throw new RangeError(`index out of range: ${this.pos} + 8`);
    const value = (this.buf as Buffer).readBigUInt64LE(this.pos);
    this.pos += 8;
    return value;
  }

  /** The next length-delimited bytes, a view. */
  bytes(): Uint8Array {
    const length = this.size();
    const start = this.pos;
    this.pos = this.#endOf(start, length);
    return new Uint8Array(this.buf.buffer, this.buf.byteOffset + start, length);
  }

  /** The next length-delimited bytes as a string of one unit (0-255) a byte. */
  latin1(): string {
    const length = this.size();
    const start = this.pos;
    const end = this.#endOf(start, length);
    this.pos = end;
    return (this.buf as Buffer).toString("latin1", start, end);
  }

  /** The next length-delimited bytes in base64. */
  base64(): string {
    const length = this.size();
    const start = this.pos;
    const end = this.#endOf(start, length);
    this.pos = end;
    return (this.buf as Buffer).toString("base64", start, end);
  }

  /** The nested message that begins here, by a function that reads until `pos` is `len`. */
  nested<T>(read: (reader: Reader) => T): T {
    const length = this.size();
    const end = this.#endOf(this.pos, length);
    const outer = this.len;
    this.len = end;
    const message = read(this);
    if (this.pos !== end) throw new RangeError(`nested message ends at ${end}, not ${this.pos}`);
    this.len = outer;
    return message;
  }

  /** Past the value of a field that the reader does not know. */
  pass(tag: number): void {
    this.skipType(tag & 7, 0, tag >>> 3);
  }

  #endOf(start: number, length: number): number {
    const end = start + length;
    if (end > this.len) {
      throw new RangeError(`index out of range: ${start} + ${length} > ${this.len}`);
    }
    return end;
  }

  #varint(signed: boolean): Int64 {
    const { buf, len } = this;
    let { pos } = this;
    let value = 0;
    for (let scale = 1; scale <= SCALE_MAX; scale *= 128) {
      const byte = pos < len ? buf[pos] : undefined;
      if (byte === undefined) throw new RangeError(`index out of range: ${pos} + 1 > ${len}`);
      pos += 1;
      value += (byte & 127) * scale;
      if (byte < 128) {
        this.pos = pos;
        return value;
      }
    }
    this.pos = pos;
    return this.#wide(value, signed);
  }

  /** Goes on after 49 bits; bits beyond the 64th are dropped, as protobuf asks. */
  #wide(low: number, signed: boolean): Int64 {
    let high = 0;
    for (let scale = 1; scale <= 16384; scale *= 128) {
      const byte = this.pos < this.len ? this.buf[this.pos] : undefined;
      if (byte === undefined)
        throw new RangeError(`index out of range: ${this.pos} + 1 > ${this.len}`);
      this.pos += 1;
      high += (byte & 127) * scale;
      if (byte < 128) {
        const bits = (BigInt(high & 0x7fff) << 49n) | BigInt(low);
        const exact = signed ? BigInt.asIntN(64, bits) : bits;
        const number = Number(exact);
        return Number.isSafeInteger(number) ? number : exact;
      }
    }
    throw new RangeError("invalid varint encoding");
  }
}

/** Writes one message; `finish()` gives its bytes. */
export class Writer extends PlainWriter {
  /** The name that generated code calls. */
  static create(): Writer {
    return new Writer();
  }

  /** Makes room, so that an answer of about this size grows no buffer twice. */
  reserve(bytes: number): this {
    this._reserve(bytes);
    return this;
  }

  int64(value: Int64): this {
    return this.uint64(value);
  }

  /** Negative values take their two's complement. */
  uint64(value: Int64): this {
    if (typeof value === "number" && value >= 0) {
      if (value < 128) return this.#byte(value);
      return this.#varint((value % TWO_32) >>> 0, Math.floor(value / TWO_32));
    }
    const bits = BigInt.asUintN(64, BigInt(value));
    return this.#varint(Number(bits & 0xffffffffn), Number(bits >> 32n));
  }

  int64s(values: readonly Int64[]): this {
    return this.uint64s(values);
  }

  /** Packed. protobufjs's own writer of many takes no bigint: it writes 0 for one. */
  uint64s(values: readonly Int64[]): this {
    this.fork();
    for (const value of values) this.uint64(value);
    return this.ldelim();
  }

  fixed64(value: Int64): this {
    this._reserve(8);
    (this.buf as Buffer).writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), this.pos);
    this.pos += 8;
    return this;
  }

  /** A length-delimited string of one unit (0-255) a byte, as bytes. */
  latin1(value: string): this {
    const length = value.length;
    this.uint32(length);
    this._reserve(length);
    (this.buf as Buffer).write(value, this.pos, length, "latin1");
    this.pos += length;
    return this;
  }

  #byte(value: number): this {
    this._reserve(1);
    this.buf[this.pos] = value;
    this.pos += 1;
    return this;
  }

  #varint(lowBits: number, highBits: number): this {
    this._reserve(10);
    const { buf } = this;
    let { pos } = this;
    let low = lowBits;
    let high = highBits;
    while (high !== 0) {
      buf[pos] = (low & 127) | 128;
      pos += 1;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    while (low > 127) {
      buf[pos] = (low & 127) | 128;
      pos += 1;
      low >>>= 7;
    }
    buf[pos] = low;
    this.pos = pos + 1;
    return this;
  }
}

/** The rest of protobufjs's runtime that generated code refers to, without its Long support. */
export const util: typeof protobuf.util = Object.create(protobuf.util, {
  Long: { value: undefined },
}) as typeof protobuf.util;

/** Where generated code keeps its packages. */
export const roots: Record<string, unknown> = {};
