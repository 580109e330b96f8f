// HEADERS and the CONTINUATIONs that follow it, as one block. Its bytes and its frames are bounded: a block
// that does not end costs no more than one that does.
import { ConnectionFault, ErrorCode } from "./fault.ts";
import { Flag } from "./frame.ts";
import type { HeaderList, HpackDecoder } from "./hpack-decoder.ts";
import type { Http2Limits } from "./limits.ts";

export interface HeaderBlock extends HeaderList {
  readonly streamId: number;
  readonly endStream: boolean;
}

const PRIORITY_BYTES = 5;

export class HeaderBlockReader {
  readonly #decoder: HpackDecoder;
  readonly #limits: Http2Limits;
  #streamId = 0;
  #endStream = false;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(decoder: HpackDecoder, limits: Http2Limits) {
    this.#decoder = decoder;
    this.#limits = limits;
  }

  /** The stream whose block has not ended, or 0: nothing but its CONTINUATION may come then. */
  get openStreamId(): number {
    return this.#streamId;
  }

  /** Undefined: more is to come. @throws {ConnectionFault} for a block that cannot be read. */
  headers(
    flags: number,
    streamId: number,
    bytes: Buffer,
    from: number,
    until: number,
  ): HeaderBlock | undefined {
    const [padFrom, end] = unpadded(flags, bytes, from, until);
    let start = padFrom;
    if ((flags & Flag.PRIORITY) !== 0) {
      if (end - start < PRIORITY_BYTES) throw tooShort("HEADERS");
      if ((bytes.readUInt32BE(start) & 0x7fff_ffff) === streamId) {
        throw new ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a stream depends on itself");
      }
      start += PRIORITY_BYTES;
    }
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) {
      return { ...this.#decoder.decode(bytes, start, end), streamId, endStream };
    }
    this.#streamId = streamId;
    this.#endStream = endStream;
    this.#add(bytes, start, end);
    return undefined;
  }

  /** As `headers`. */
  continuation(flags: number, bytes: Buffer, from: number, until: number): HeaderBlock | undefined {
    this.#add(bytes, from, until);
    if ((flags & Flag.END_HEADERS) === 0) return undefined;
    const block = Buffer.concat(this.#parts, this.#bytes);
    const streamId = this.#streamId;
    this.#parts = [];
    this.#bytes = 0;
    this.#streamId = 0;
    const list = this.#decoder.decode(block, 0, block.length);
    return { ...list, streamId, endStream: this.#endStream };
  }

  #add(bytes: Buffer, from: number, until: number): void {
    this.#parts.push(Buffer.from(bytes.subarray(from, until)));
    this.#bytes += until - from;
    const { headerBlockBytesMax, headerFramesMax } = this.#limits;
    if (this.#bytes > headerBlockBytesMax || this.#parts.length > headerFramesMax) {
      throw new ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "a header block without end");
    }
  }
}

/** Where the payload lies within its padding. @throws {ConnectionFault} PROTOCOL_ERROR: it does not. */
export function unpadded(
  flags: number,
  bytes: Buffer,
  from: number,
  until: number,
): readonly [from: number, until: number] {
  if ((flags & Flag.PADDED) === 0) return [from, until];
  if (until === from) throw tooShort("a padded frame");
  const end = until - (bytes[from] ?? 0);
  if (end < from + 1) {
    throw new ConnectionFault(ErrorCode.PROTOCOL_ERROR, "padding longer than its frame");
  }
  return [from + 1, end];
}

function tooShort(what: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, `${what} is too short`);
}
