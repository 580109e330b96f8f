// What the applied state has beyond the engine: operations not drained yet, and batches drained but not yet
// reported as written. Knows how many bytes that is, so that apply can be held back.
import { assert } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { EngineOp } from "./engine.ts";
import { Fifo } from "./fifo.ts";
import type { ValueCache } from "./value-cache.ts";
import type { Version } from "./version.ts";

/** Where a transaction began, to take it back to. */
export interface Mark {
  readonly opCount: number;
  readonly pinnedCount: number;
  readonly bytes: number;
}

interface Drained {
  readonly upTo: LogIndex;
  readonly bytes: number;
  readonly pinned: readonly Version[];
}

export class PendingWrites {
  readonly #cache: ValueCache;
  readonly #drained = new Fifo<Drained>();
  #ops: EngineOp[] = [];
  #pinned: Version[] = [];
  #bytes = 0;
  #drainedBytes = 0;

  constructor(cache: ValueCache) {
    this.#cache = cache;
  }

  /** Keys and values that the engine does not hold yet. */
  get bytes(): number {
    return this.#bytes + this.#drainedBytes;
  }

  /** Keys and values that are not drained. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#ops.length === 0;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#ops.push({ op: "put", key, value });
    this.#bytes += key.length + value.length;
  }

  /** A version's row: it stays in memory until the engine has it. */
  putVersion(key: Uint8Array, row: Uint8Array, version: Version): void {
    this.put(key, row);
    this.#cache.pin(version, row);
    this.#pinned.push(version);
  }

  delete(key: Uint8Array): void {
    this.#ops.push({ op: "delete", key });
    this.#bytes += key.length;
  }

  mark(): Mark {
    return { opCount: this.#ops.length, pinnedCount: this.#pinned.length, bytes: this.#bytes };
  }

  /** Forgets everything since `mark`, of which nothing was drained. */
  rollback(mark: Mark): void {
    assert(mark.opCount <= this.#ops.length, "a transaction is not drained halfway");
    this.#ops.length = mark.opCount;
    for (const version of this.#pinned.splice(mark.pinnedCount)) this.#cache.drop(version);
    this.#bytes = mark.bytes;
  }

  /** Everything pending, in order; accounted as drained up to `upTo`. */
  drain(upTo: LogIndex): readonly EngineOp[] {
    const ops = this.#ops;
    this.#drained.push({ upTo, bytes: this.#bytes, pinned: this.#pinned });
    this.#drainedBytes += this.#bytes;
    this.#ops = [];
    this.#pinned = [];
    this.#bytes = 0;
    return ops;
  }

  /** The engine holds every batch up to `upTo`: their values may leave memory. */
  flushed(upTo: LogIndex): void {
    for (;;) {
      const oldest = this.#drained.peek();
      if (oldest === undefined || oldest.upTo > upTo) return;
      this.#drained.shift();
      this.#drainedBytes -= oldest.bytes;
      for (const version of oldest.pinned) this.#cache.unpin(version);
    }
  }
}
