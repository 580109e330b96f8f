// Reads under way, which still need what a compaction would remove: while one of them reads below the
// floor, nothing is swept, up to a bound; after it those reads are refused instead.

export class ReadPin {
  /** The main revision that the read sees. */
  readonly at: number;
  /** A compaction went on without it: what it read since may be gone. */
  expired = false;

  constructor(at: number) {
    this.at = at;
  }
}

export class ReadPins {
  readonly #pins = new Set<ReadPin>();

  get count(): number {
    return this.#pins.size;
  }

  take(at: number): ReadPin {
    const pin = new ReadPin(at);
    this.#pins.add(pin);
    return pin;
  }

  release(pin: ReadPin): void {
    this.#pins.delete(pin);
  }

  /** Whether some read sees revisions that a compaction to `floor` removes. */
  blocks(floor: number): boolean {
    for (const pin of this.#pins) {
      if (pin.at < floor) return true;
    }
    return false;
  }

  /** Gives up on the reads below `floor`. */
  expire(floor: number): void {
    for (const pin of this.#pins) {
      if (pin.at >= floor) continue;
      pin.expired = true;
      this.#pins.delete(pin);
    }
  }
}
