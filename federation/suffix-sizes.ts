// The sizes of one origin's retained transactions, a few bytes for each: how many bytes go when it is cut at some
// sequence (federation 10).
import { assert } from "../base/index.ts";
import type { Sequence } from "./dot.ts";

/** Transactions are counted in segments of that many. */
const SEGMENT_COUNT = 256;

interface Segment {
  readonly first: number;
  readonly sizes: Uint32Array;
  count: number;
  bytes: number;
}

export class SuffixSizes {
  /** The first that is retained; one above the last: nothing is. */
  #first: number;
  #last: number;
  #bytes = 0;
  #segments: Segment[] = [];

  /** @param first - that is going to be added. */
  constructor(first: Sequence) {
    this.#first = first;
    this.#last = first - 1;
  }

  get first(): number {
    return this.#first;
  }

  get last(): number {
    return this.#last;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @throws {AssertionError} unless it follows the last. */
  add(sequence: Sequence, bytes: number): void {
    assert(sequence === this.#last + 1, `${sequence} is retained behind ${this.#last}`);
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.count === SEGMENT_COUNT) {
      segment = { first: sequence, sizes: new Uint32Array(SEGMENT_COUNT), count: 0, bytes: 0 };
      this.#segments.push(segment);
    }
    segment.sizes[segment.count] = bytes;
    segment.count += 1;
    segment.bytes += bytes;
    this.#last = sequence;
    this.#bytes += bytes;
  }

  /** Of what is retained up to and with `through`. */
  bytesThrough(through: number): number {
    let bytes = 0;
    for (const segment of this.#segments) {
      if (segment.first > through) break;
      const ends = segment.first + segment.count - 1;
      bytes += ends <= through ? segment.bytes : sizesBefore(segment, through + 1);
    }
    return bytes;
  }

  /** Drops up to and with `through`. */
  drop(through: number): void {
    if (through < this.#first) return;
    this.#bytes -= this.bytesThrough(through);
    this.#first = Math.min(through, this.#last) + 1;
    this.#segments = this.#segments.filter(({ first, count }) => first + count > this.#first);
    const [partial] = this.#segments;
    if (partial === undefined || partial.first >= this.#first) return;
    partial.bytes -= sizesBefore(partial, this.#first);
    partial.sizes.fill(0, 0, this.#first - partial.first);
  }

  /** Drops what is behind `last`. */
  truncate(last: number): void {
    const kept = Math.max(last, this.#first - 1);
    if (kept >= this.#last) return;
    this.#bytes = this.bytesThrough(kept);
    this.#last = kept;
    this.#segments = this.#segments.filter(({ first }) => first <= kept);
    const partial = this.#segments.at(-1);
    if (partial === undefined) return;
    partial.bytes = sizesBefore(partial, kept + 1);
    partial.count = Math.min(partial.count, kept + 1 - partial.first);
  }

  /** The end of the segment that `sequence` is in: where a cut under pressure falls. */
  endOf(sequence: number): number {
    const segment = this.#segments.find(({ first, count }) => sequence < first + count);
    return segment === undefined ? this.#last : segment.first + segment.count - 1;
  }
}

function sizesBefore({ first, sizes }: Segment, sequence: number): number {
  return sizes.subarray(0, sequence - first).reduce((sum, size) => sum + size, 0);
}
