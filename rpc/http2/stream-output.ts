// The answering side of one stream: messages in order, as DATA within the windows, then the trailers.
import type { MonotonicMs } from "../../base/index.ts";
import { SendWindow } from "./flow-window.ts";
import { FRAME_BYTES_MAX } from "./frame.ts";
import { ANSWER_HEAD } from "./hpack-encoder.ts";
import type { Transmission } from "./transmission.ts";

const PREFIX_BYTES = 5;
/** Waiting messages at which a writer should stop. */
const QUEUE_BYTES_MAX = 64 * 1024;

export interface StreamOutputOptions {
  readonly streamId: number;
  readonly windowBytes: number;
  readonly transmission: Transmission;
  readonly monotonicMs: () => MonotonicMs;
  /** All that was written has left, after a `send` that said otherwise. */
  readonly onDrain: () => void;
  /** The trailers have left. */
  readonly onEnd: () => void;
}

export class StreamOutput {
  /** The peer's window for this stream. */
  readonly window: SendWindow;
  readonly #options: StreamOutputOptions;
  #headSent = false;
  /** The message under way, of which `#sent` bytes with its prefix have left. */
  #message: Uint8Array | undefined;
  #sent = 0;
  #more: Uint8Array[] = [];
  #heldBytes = 0;
  #asked = false;
  #trailers: Uint8Array | undefined;
  #ended = false;
  #waitingSinceMs: MonotonicMs | undefined;

  constructor(options: StreamOutputOptions) {
    this.#options = options;
    this.window = new SendWindow(options.windowBytes);
  }

  /** An answer without messages is its trailers only. */
  get begun(): boolean {
    return this.#headSent || this.#message !== undefined;
  }

  /** Since when a whole answer has been waiting without any of it leaving. */
  get stalledSinceMs(): MonotonicMs | undefined {
    return this.#trailers === undefined ? undefined : this.#waitingSinceMs;
  }

  /** `refused`: the connection holds too much already, and the message is not taken. */
  send(message: Uint8Array): "sent" | "held" | "refused" {
    const waits = this.#message !== undefined || !this.#fits(message.length + PREFIX_BYTES);
    if (waits) {
      if (!this.#options.transmission.hold(message.length)) return "refused";
      this.#heldBytes += message.length;
    }
    if (this.#message !== undefined) {
      this.#more.push(message);
    } else {
      this.#message = message;
      this.#sent = 0;
      this.pump(Infinity);
    }
    if (this.#heldBytes < QUEUE_BYTES_MAX) return "sent";
    this.#asked = true;
    return "held";
  }

  /** `trailers` end the stream after what was sent. */
  end(trailers: Uint8Array): void {
    this.#trailers = trailers;
    if (this.#message === undefined) this.#finish();
  }

  /** Nothing more leaves. */
  close(): void {
    const { transmission } = this.#options;
    this.#ended = true;
    this.#message = undefined;
    this.#more = [];
    this.#trailers = undefined;
    transmission.forget(this);
    transmission.release(this.#heldBytes);
    this.#heldBytes = 0;
  }

  pump(bytesMax: number): void {
    let left = bytesMax;
    while (this.#message !== undefined) {
      const bytes = this.#pumpMessage(this.#message, left);
      if (bytes === undefined) return;
      left -= bytes;
    }
    if (this.#trailers !== undefined) this.#finish();
    else this.#drained();
  }

  /** Sends what it can of one message; undefined: something of it has to wait. */
  #pumpMessage(message: Uint8Array, bytesMax: number): number | undefined {
    const { streamId, transmission, monotonicMs } = this.#options;
    this.#begin();
    const total = message.length + PREFIX_BYTES;
    let bytes = 0;
    while (this.#sent < total) {
      const room = Math.min(
        total - this.#sent,
        FRAME_BYTES_MAX,
        this.window.bytes,
        transmission.window.bytes,
        bytesMax - bytes,
      );
      if (room <= 0 || transmission.full) {
        // Its own window's update comes to it directly; for the rest it stands in line.
        if (this.window.bytes > 0) transmission.wait(this);
        if (bytes > 0 || this.#waitingSinceMs === undefined) this.#waitingSinceMs = monotonicMs();
        return undefined;
      }
      this.window.take(room);
      transmission.data(streamId, message, this.#sent, room);
      this.#sent += room;
      bytes += room;
    }
    this.#next(message);
    return bytes;
  }

  #next(sent: Uint8Array): void {
    if (this.#heldBytes > 0) {
      const bytes = Math.min(this.#heldBytes, sent.length);
      this.#heldBytes -= bytes;
      this.#options.transmission.release(bytes);
    }
    this.#message = this.#more.shift();
    this.#sent = 0;
    this.#waitingSinceMs = undefined;
  }

  /** Whether all of it can leave at once. */
  #fits(bytes: number): boolean {
    const { transmission } = this.#options;
    const windows = Math.min(this.window.bytes, transmission.window.bytes);
    return bytes <= windows && transmission.hasRoomFor(bytes);
  }

  #begin(): void {
    if (this.#headSent) return;
    this.#headSent = true;
    const { streamId, transmission } = this.#options;
    transmission.headers(streamId, ANSWER_HEAD, { endStream: false });
  }

  #drained(): void {
    if (!this.#asked) return;
    this.#asked = false;
    this.#options.onDrain();
  }

  #finish(): void {
    const trailers = this.#trailers;
    if (trailers === undefined || this.#ended) return;
    this.#ended = true;
    const { streamId, transmission, onEnd } = this.#options;
    transmission.headers(streamId, trailers, { endStream: true });
    onEnd();
  }
}
