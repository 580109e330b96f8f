// Which values stay in memory: those that the engine does not hold yet (pinned, never evicted), and of the
// rest as many as fit a bound in bytes, by the clock algorithm. The rows hang on the versions themselves,
// so a hit costs no lookup.
import { assert } from "../base/index.ts";
import { Fifo } from "./fifo.ts";
import { Slab } from "./slab.ts";
import { ABSENT, CACHED, CACHED_AND_READ, PINNED } from "./version.ts";
import type { Version } from "./version.ts";

/** A typed array, its share of a packed buffer's end and its place in the queue, beside the row's own bytes. */
const ROW_OVERHEAD_BYTES = 160;
/** So many places of dropped versions cost less than passing them. */
const DROPPED_PLACES = 1_024;
/** Passed at each drop: more than a drop adds, so that dropped versions never are much more than those that stay. */
const PASSED_AT_ONCE = 2;

export class ValueCache {
  readonly #bytesMax: number;
  /** Every cached version once; a dropped one leaves when its turn comes, which drops bring on where they are many. */
  readonly #clock = new Fifo<Version>();
  readonly #slab = new Slab();
  #bytes = 0;
  #count = 0;

  constructor(bytesMax: number) {
    assert(bytesMax >= 0, `a cache of ${bytesMax} bytes cannot be`);
    this.#bytesMax = bytesMax;
  }

  /** Bytes cached and evictable, overhead included; pinned rows are the writer's account. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of its queue: dropped versions included. */
  get places(): number {
    return this.#clock.size;
  }

  /** The row of a version just written: it stays until `unpin`. */
  pin(version: Version, row: Uint8Array): void {
    version.row = row;
    version.residence = PINNED;
  }

  /** The engine holds its row. */
  unpin(version: Version): void {
    if (version.residence === PINNED) this.#enter(version);
  }

  /** A row loaded from the engine. */
  keep(version: Version, row: Uint8Array): void {
    if (version.residence !== ABSENT) return;
    version.row = row;
    this.#enter(version);
  }

  /** The row, if it is in memory. */
  read(version: Version): Uint8Array | undefined {
    if (version.residence === CACHED) version.residence = CACHED_AND_READ;
    return version.row;
  }

  /** The version is gone from the store, or was never committed. */
  drop(version: Version): void {
    this.#forget(version);
    for (let passed = 0; passed < PASSED_AT_ONCE && this.#isMostlyDropped; passed += 1) {
      const next = this.#clock.shift();
      if (next !== undefined && next.residence !== ABSENT) this.#stay(next);
    }
  }

  get #isMostlyDropped(): boolean {
    return this.#clock.size > 2 * this.#count + DROPPED_PLACES;
  }

  #forget(version: Version): void {
    const { row, residence } = version;
    if (row !== undefined && residence !== PINNED) {
      this.#bytes -= row.length + ROW_OVERHEAD_BYTES;
      this.#count -= 1;
    }
    version.row = undefined;
    version.residence = ABSENT;
  }

  #enter(version: Version): void {
    const { row } = version;
    assert(row !== undefined, "only a version with a row enters the cache");
    version.residence = CACHED;
    version.row = this.#slab.pack(row);
    this.#bytes += row.length + ROW_OVERHEAD_BYTES;
    this.#count += 1;
    this.#clock.push(version);
    while (this.#bytes > this.#bytesMax) this.#evictOne();
  }

  #evictOne(): void {
    const version = this.#clock.shift();
    assert(version !== undefined, `${this.#bytes} bytes are cached, but nothing is queued`);
    if (version.residence === CACHED_AND_READ) {
      version.residence = CACHED;
      this.#stay(version);
    } else if (version.residence === CACHED) {
      this.#forget(version);
    }
  }

  /** Beside others that stay, so that it does not hold the memory of neighbours that have left. */
  #stay(version: Version): void {
    if (version.row !== undefined) version.row = this.#slab.pack(version.row);
    this.#clock.push(version);
  }
}
