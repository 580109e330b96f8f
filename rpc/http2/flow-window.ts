// Flow control (RFC 9113 section 5.2): what may be sent, and what was promised to be taken.

/** The largest window: RFC 9113 section 6.9.1. */
export const WINDOW_BYTES_MAX = 0x7fff_ffff;
/** Of a connection and of each stream until told otherwise. */
export const WINDOW_BYTES_DEFAULT = 65_535;

/** What the peer lets this side send; may be negative after the peer has made its windows smaller. */
export class SendWindow {
  #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  take(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** False: above the largest window. */
  grow(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#bytes <= WINDOW_BYTES_MAX;
  }
}

/** What this side has promised to take; given back in halves, so that updates are few. */
export class ReceiveWindow {
  readonly #size: number;
  #open: number;
  #used = 0;

  constructor(bytes: number) {
    this.#size = bytes;
    this.#open = bytes;
  }

  /** False: the peer sent more than it was promised. */
  receive(bytes: number): boolean {
    this.#open -= bytes;
    return this.#open >= 0;
  }

  /** Bytes that are held no more; returns by how much to open the window, mostly 0. */
  use(bytes: number): number {
    this.#used += bytes;
    if (this.#used < this.#size / 2) return 0;
    const increment = this.#used;
    this.#used = 0;
    this.#open += increment;
    return increment;
  }
}
