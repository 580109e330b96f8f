// The sending half of a connection: frames leave together once a turn, DATA only as far as the peer's window
// and the socket's backlog let it; outputs that must wait take turns.
import type { Duplex } from "node:stream";
import { ErrorCode, ConnectionFault } from "./fault.ts";
import { SendWindow, WINDOW_BYTES_DEFAULT } from "./flow-window.ts";
import { Flag, FRAME_BYTES_MAX, FRAME_HEAD_BYTES, FrameType } from "./frame.ts";
import type { Http2Limits } from "./limits.ts";
import { OutputBuffer } from "./output-buffer.ts";

/** What waits for the connection: it is asked again when there is room. */
export interface Waiting {
  /** Sends at most about `bytesMax`; waits again when something is left. */
  pump(bytesMax: number): void;
}

export interface TransmissionOptions {
  readonly socket: Duplex;
  readonly limits: Http2Limits;
  /** Runs once at the end of the turn. */
  readonly atEndOfTurn: (run: () => void) => void;
}

/** What one waiting output sends before the next has its turn. */
const TURN_BYTES = 64 * 1024;
/** Less than a frame's payload: heads are counted too often rather than too seldom. */
const FRAME_ROOM_BYTES = FRAME_BYTES_MAX / 4;
const SETTING_BYTES = 6;
const PREFIX_BYTES = 5;
const NO_BYTES = new Uint8Array(0);

export class Transmission {
  /** The peer's window for the connection. */
  readonly window = new SendWindow(WINDOW_BYTES_DEFAULT);
  readonly #options: TransmissionOptions;
  readonly #output = new OutputBuffer();
  readonly #waiting = new Set<Waiting>();
  #scheduled = false;
  #acks = 0;
  #answered = false;
  #heldBytes = 0;
  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  constructor(options: TransmissionOptions) {
    this.#options = options;
  }

  /** Produced and not taken by the socket's other end. */
  get backlogBytes(): number {
    return this.#output.bytes + this.#options.socket.writableLength;
  }

  /** Nothing more should be produced, and nothing read that would produce more. */
  get full(): boolean {
    return this.backlogBytes >= this.#options.limits.outputBytesMax;
  }

  /** Whether a message of so many bytes can be produced, with its frames' heads, before it is full. */
  hasRoomFor(bytes: number): boolean {
    const framed =
      bytes + FRAME_ROOM_BYTES + Math.ceil(bytes / FRAME_ROOM_BYTES) * FRAME_HEAD_BYTES;
    return this.backlogBytes + framed < this.#options.limits.outputBytesMax;
  }

  /** Answers that wait for windows. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Counts an answer in that has to wait; false: too much waits already. */
  hold(bytes: number): boolean {
    const fits =
      this.#heldBytes === 0 || this.#heldBytes + bytes <= this.#options.limits.heldBytesMax;
    if (fits) this.#heldBytes += bytes;
    return fits;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /** Whether an answer, or a part of one, left since this was last asked. */
  takeAnswered(): boolean {
    const answered = this.#answered;
    this.#answered = false;
    return answered;
  }

  headers(streamId: number, block: Uint8Array, options: { readonly endStream: boolean }): void {
    this.#answered = true;
    const flags = Flag.END_HEADERS | (options.endStream ? Flag.END_STREAM : 0);
    this.#output.frame(FrameType.HEADERS, flags, streamId, block);
    this.#schedule();
  }

  /** Bytes `[from, from + length)` of a message behind its five bytes of prefix, as one frame. */
  data(streamId: number, message: Uint8Array, from: number, length: number): void {
    this.window.take(length);
    this.#answered = true;
    this.#output.head(length, FrameType.DATA, 0, streamId);
    const until = from + length;
    for (let at = from; at < Math.min(until, PREFIX_BYTES); at += 1) {
      this.#output.uint8(at === 0 ? 0 : (message.length >>> (8 * (PREFIX_BYTES - 1 - at))) & 0xff);
    }
    const first = Math.max(0, from - PREFIX_BYTES);
    const last = Math.max(0, until - PREFIX_BYTES);
    if (last > first) {
      const whole = first === 0 && last === message.length;
      this.#output.payload(whole ? message : message.subarray(first, last));
    }
    this.#schedule();
  }

  settings(pairs: readonly (readonly [id: number, value: number])[]): void {
    this.#output.head(pairs.length * SETTING_BYTES, FrameType.SETTINGS, 0, 0);
    for (const [id, value] of pairs) {
      this.#output.uint8(id >>> 8);
      this.#output.uint8(id & 0xff);
      this.#output.uint32(value);
    }
    this.#schedule();
  }

  /** @throws {ConnectionFault} ENHANCE_YOUR_CALM for a peer that asks and does not read. */
  settingsAck(): void {
    this.#countAck();
    this.#output.frame(FrameType.SETTINGS, Flag.ACK, 0, NO_BYTES);
    this.#schedule();
  }

  ping(payload: Uint8Array): void {
    this.#output.frame(FrameType.PING, 0, 0, payload);
    this.#schedule();
  }

  /** @throws {ConnectionFault} as settingsAck. */
  pingAck(payload: Uint8Array): void {
    this.#countAck();
    this.#output.frame(FrameType.PING, Flag.ACK, 0, payload);
    this.#schedule();
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#output.head(4, FrameType.WINDOW_UPDATE, 0, streamId);
    this.#output.uint32(increment);
    this.#schedule();
  }

  reset(streamId: number, code: ErrorCode): void {
    this.#output.head(4, FrameType.RST_STREAM, 0, streamId);
    this.#output.uint32(code);
    this.#schedule();
  }

  goAway(lastStreamId: number, code: ErrorCode, reason: string): void {
    const text = Buffer.from(reason).subarray(0, FRAME_BYTES_MAX / 64);
    this.#output.head(8 + text.length, FrameType.GOAWAY, 0, 0);
    this.#output.uint32(lastStreamId);
    this.#output.uint32(code);
    this.#output.payload(text);
    this.#schedule();
  }

  wait(output: Waiting): void {
    this.#waiting.add(output);
  }

  forget(output: Waiting): void {
    this.#waiting.delete(output);
  }

  /** There is room again: in the connection's window or in the socket. */
  resume(): void {
    for (const output of this.#waiting) {
      if (this.window.bytes <= 0 || this.full) return;
      // Whoever waits again goes to the end of the line, and is met again in this very loop.
      this.#waiting.delete(output);
      output.pump(TURN_BYTES);
    }
  }

  /** One write for all that was gathered. */
  flush(): void {
    const { socket } = this.#options;
    if (this.#output.bytes === 0) return;
    const parts = this.#output.take();
    if (!socket.writable) return;
    if (parts.length > 1) socket.cork();
    let taken = true;
    for (const part of parts) taken = socket.write(part);
    if (parts.length > 1) socket.uncork();
    if (taken) this.onDrain();
  }

  /** The socket's other end has taken what there was. */
  onDrain(): void {
    this.#acks = 0;
    this.resume();
  }

  #countAck(): void {
    this.#acks += 1;
    if (this.#acks > this.#options.limits.acksMax) {
      throw new ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "too many unread acknowledgements");
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.atEndOfTurn(this.#flush);
  }
}
