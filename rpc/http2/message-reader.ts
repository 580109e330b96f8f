// Cuts a stream's DATA into gRPC messages: one byte of flag, four of length, the message. A message is handed
// on as bytes of its own: it outlives the socket's chunk, and would keep all of it in memory.

const PREFIX_BYTES = 5;
/** A partial message's first buffer; it doubles as bytes come, so that a length alone costs nothing. */
const PART_BYTES_MIN = 4_096;

export type ReadFault = "message-too-large" | "too-much-held";

export interface MessageReaderOptions {
  readonly messageBytesMax: number;
  /** False: hand on no more, the rest comes again later. */
  readonly onMessage: (message: Buffer, isCompressed: boolean) => boolean;
  readonly onFault: (fault: ReadFault, messageBytes: number) => void;
  /** Of partial messages, in all streams of the connection. */
  readonly hold: (bytes: number) => boolean;
  readonly release: (bytes: number) => void;
}

export class MessageReader {
  readonly #options: MessageReaderOptions;
  #prefix: Buffer | undefined;
  #prefixHeld = 0;
  #part: Buffer | undefined;
  #partHeld = 0;
  #length = 0;
  #isCompressed = false;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
  }

  /** Within a message: an end here is not the client's own. */
  get midway(): boolean {
    return this.#prefixHeld > 0 || this.#part !== undefined;
  }

  /** Reads `bytes[from, until)`; returns until where, which is less after `onMessage` said to stop. */
  read(bytes: Buffer, from: number, until: number): number {
    let at = from;
    while (at < until) {
      if (this.#part !== undefined) {
        const taken = this.#fill(this.#part, bytes, at, until);
        if (taken < 0) return until;
        at += taken;
        if (this.#partHeld === this.#length && !this.#emitPart()) return at;
        continue;
      }
      if (this.#prefixHeld > 0 || until - at < PREFIX_BYTES) {
        at += this.#holdPrefix(bytes, at, until);
        if (this.#prefixHeld < PREFIX_BYTES) return at;
        this.#prefixHeld = 0;
        this.#readPrefix(this.#prefix ?? bytes, 0);
      } else {
        this.#readPrefix(bytes, at);
        at += PREFIX_BYTES;
      }
      const { messageBytesMax, onMessage, onFault } = this.#options;
      if (this.#length > messageBytesMax) {
        onFault("message-too-large", this.#length);
        return until;
      }
      if (until - at < this.#length) {
        if (!this.#beginPart()) return until;
        continue;
      }
      const message = Buffer.allocUnsafe(this.#length);
      bytes.copy(message, 0, at, at + this.#length);
      at += this.#length;
      if (!onMessage(message, this.#isCompressed)) return at;
    }
    return at;
  }

  close(): void {
    if (this.#part !== undefined) this.#options.release(this.#part.length);
    this.#part = undefined;
    this.#prefixHeld = 0;
  }

  #holdPrefix(bytes: Buffer, at: number, until: number): number {
    this.#prefix ??= Buffer.alloc(PREFIX_BYTES);
    const end = Math.min(until, at + PREFIX_BYTES - this.#prefixHeld);
    const taken = bytes.copy(this.#prefix, this.#prefixHeld, at, end);
    this.#prefixHeld += taken;
    return taken;
  }

  #readPrefix(bytes: Buffer, at: number): void {
    this.#isCompressed = bytes[at] !== 0;
    this.#length = bytes.readUInt32BE(at + 1);
  }

  #beginPart(): boolean {
    const bytes = Math.min(this.#length, PART_BYTES_MIN);
    if (!this.#hold(bytes)) return false;
    this.#part = Buffer.allocUnsafe(bytes);
    this.#partHeld = 0;
    return true;
  }

  /** Returns how many bytes it took, or -1: there is no room for them. */
  #fill(part: Buffer, bytes: Buffer, at: number, until: number): number {
    const taken = Math.min(until - at, this.#length - this.#partHeld);
    let into = part;
    if (this.#partHeld + taken > part.length) {
      const length = Math.min(this.#length, Math.max(part.length * 2, this.#partHeld + taken));
      if (!this.#hold(length - part.length)) return -1;
      into = Buffer.allocUnsafe(length);
      part.copy(into, 0, 0, this.#partHeld);
      this.#part = into;
    }
    bytes.copy(into, this.#partHeld, at, at + taken);
    this.#partHeld += taken;
    return taken;
  }

  #emitPart(): boolean {
    const message = this.#part;
    this.#part = undefined;
    if (message === undefined) return true;
    this.#options.release(message.length);
    return this.#options.onMessage(message, this.#isCompressed);
  }

  #hold(bytes: number): boolean {
    if (this.#options.hold(bytes)) return true;
    this.#options.onFault("too-much-held", this.#length);
    return false;
  }
}
