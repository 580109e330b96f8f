// The frame layer of RFC 9113 section 4: nine bytes of head, then the payload. Frames are handed on as
// views of the chunk they came in; only a frame that straddles chunks is copied together first.
import { ConnectionFault, ErrorCode } from "./fault.ts";

export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

export const Flag = {
  ACK: 0x1,
  END_STREAM: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

export const FRAME_HEAD_BYTES = 9;
/** Of a payload, both ways: the protocol's own smallest maximum, which is what is advertised. */
export const FRAME_BYTES_MAX = 16_384;

/** One whole frame; `bytes[from, until)` is its payload, valid during the call. */
export type OnFrame = (
  type: number,
  flags: number,
  streamId: number,
  bytes: Buffer,
  from: number,
  until: number,
) => void;

export class FrameReader {
  readonly #onFrame: OnFrame;
  /** A frame of which a chunk held the beginning: at most one, of at most head and largest payload. */
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES);
  #part: Buffer | undefined;
  #held = 0;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** @throws {ConnectionFault} FRAME_SIZE_ERROR, and whatever `onFrame` throws: reading is then over. */
  read(chunk: Buffer): void {
    let at = this.#held > 0 ? this.#complete(chunk) : 0;
    const { length } = chunk;
    while (length - at >= FRAME_HEAD_BYTES) {
      const payload = payloadLength(chunk, at);
      const from = at + FRAME_HEAD_BYTES;
      const until = from + payload;
      if (until > length) break;
      this.#emit(chunk, at, from, until);
      at = until;
    }
    if (at < length) this.#hold(chunk, at);
  }

  #emit(bytes: Buffer, at: number, from: number, until: number): void {
    const type = bytes[at + 3] ?? 0;
    const flags = bytes[at + 4] ?? 0;
    this.#onFrame(type, flags, bytes.readUInt32BE(at + 5) & 0x7fff_ffff, bytes, from, until);
  }

  #hold(chunk: Buffer, at: number): void {
    const left = chunk.length - at;
    if (left < FRAME_HEAD_BYTES) {
      chunk.copy(this.#head, 0, at);
    } else {
      this.#part = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payloadLength(chunk, at));
      chunk.copy(this.#part, 0, at);
    }
    this.#held = left;
  }

  /** Takes from the chunk what the held frame lacks; returns where the next frame begins. */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#part === undefined) {
      at = chunk.copy(this.#head, this.#held, 0, FRAME_HEAD_BYTES - this.#held);
      this.#held += at;
      if (this.#held < FRAME_HEAD_BYTES) return at;
      this.#part = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payloadLength(this.#head, 0));
      this.#head.copy(this.#part);
    }
    const part = this.#part;
    const taken = chunk.copy(part, this.#held, at);
    this.#held += taken;
    at += taken;
    if (this.#held < part.length) return at;
    this.#part = undefined;
    this.#held = 0;
    this.#emit(part, 0, FRAME_HEAD_BYTES, part.length);
    return at;
  }
}

function payloadLength(bytes: Buffer, at: number): number {
  const length = bytes.readUIntBE(at, 3);
  if (length > FRAME_BYTES_MAX) {
    throw new ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, `a frame of ${length} bytes`);
  }
  return length;
}

/** Writes a head; returns where the payload begins. */
export function writeFrameHead(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  bytes[at] = length >>> 16;
  bytes[at + 1] = (length >>> 8) & 0xff;
  bytes[at + 2] = length & 0xff;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes[at + 5] = streamId >>> 24;
  bytes[at + 6] = (streamId >>> 16) & 0xff;
  bytes[at + 7] = (streamId >>> 8) & 0xff;
  bytes[at + 8] = streamId & 0xff;
  return at + FRAME_HEAD_BYTES;
}
