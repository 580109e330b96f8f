// What one connection wants to say, gathered until the end of the turn: small frames are written side by
// side into one slab, large payloads are taken as they are.
import { FRAME_HEAD_BYTES, writeFrameHead } from "./frame.ts";

/** A connection keeps one slab; what is left of it serves the next turn. */
const SLAB_BYTES = 16 * 1024;
/** From here on a payload is passed on instead of copied. */
const COPY_BYTES_MAX = 4 * 1024;

export class OutputBuffer {
  #slab = Buffer.alloc(0);
  /** `[#from, #at)` of the slab is written and not yet taken. */
  #from = 0;
  #at = 0;
  #parts: Uint8Array[] = [];
  #partBytes = 0;

  /** Not yet taken. */
  get bytes(): number {
    return this.#partBytes + this.#at - this.#from;
  }

  frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    this.head(payload.length, type, flags, streamId);
    this.payload(payload);
  }

  /** The payload of `length` bytes must follow. */
  head(length: number, type: number, flags: number, streamId: number): void {
    this.#reserve(FRAME_HEAD_BYTES);
    this.#at = writeFrameHead(this.#slab, this.#at, length, type, flags, streamId);
  }

  /** The caller does not change `bytes` afterwards. */
  payload(bytes: Uint8Array): void {
    if (bytes.length <= COPY_BYTES_MAX) {
      this.#reserve(bytes.length);
      this.#slab.set(bytes, this.#at);
      this.#at += bytes.length;
      return;
    }
    this.#cut();
    this.#parts.push(bytes);
    this.#partBytes += bytes.length;
  }

  uint8(value: number): void {
    this.#reserve(1);
    this.#slab[this.#at] = value;
    this.#at += 1;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#at = this.#slab.writeUInt32BE(value, this.#at);
  }

  /** All of it, in order; the buffers are the caller's. */
  take(): readonly Uint8Array[] {
    this.#cut();
    const parts = this.#parts;
    this.#parts = [];
    this.#partBytes = 0;
    return parts;
  }

  #reserve(bytes: number): void {
    if (this.#slab.length - this.#at >= bytes) return;
    this.#cut();
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#from = 0;
    this.#at = 0;
  }

  #cut(): void {
    if (this.#at === this.#from) return;
    this.#parts.push(this.#slab.subarray(this.#from, this.#at));
    this.#partBytes += this.#at - this.#from;
    this.#from = this.#at;
  }
}
