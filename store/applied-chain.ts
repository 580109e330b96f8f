// The chained applied index (S2): the engine may lose a batch in its middle without a word, so each batch
// names the one before it, and at boot the chain since the last synced batch must be whole.
//
// A batch writes the row ('l', its number) -> marker. A checkpoint, which its owner writes synced, writes
// the base row instead and removes the chain rows before it.
import { assert } from "../base/index.ts";
import type { LogIndex, LogTimeMs, Revision } from "../base/index.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { BASE_ROW, numberInRowKey, numberedRowKey, putUint64, readUint64 } from "./rows.ts";

/** What a batch says of the state that it completes. */
export interface Marker {
  readonly applied: LogIndex;
  readonly revision: Revision;
  /** -1: none yet. */
  readonly floor: number;
  readonly logTimeMs: LogTimeMs;
  readonly writeDigest: number;
}

interface Link extends Marker {
  /** Consecutive over all batches, from 1. */
  readonly batch: number;
  readonly previousApplied: LogIndex;
}

const MARKER_BYTES = 56;

const START: Link = {
  batch: 0,
  previousApplied: 0 as LogIndex,
  applied: 0 as LogIndex,
  revision: 1 as Revision,
  floor: -1,
  logTimeMs: 0 as LogTimeMs,
  writeDigest: 0,
};

export class AppliedChain {
  #base = START;
  #last = START;
  /** Read at boot, in key order; empty afterwards. */
  #links: Link[] = [];

  /** The marker of the last batch. */
  get last(): Marker {
    return this.#last;
  }

  /** The applied index of the last checkpoint: the state up to it survives power loss. */
  get base(): Marker {
    return this.#base;
  }

  restoreBase(value: Uint8Array): void {
    this.#base = decodeLink(value);
  }

  restoreLink(key: Uint8Array, value: Uint8Array): void {
    const link = decodeLink(value);
    assert(
      link.batch === numberInRowKey(key, 0),
      `chain row ${link.batch} is under another number`,
    );
    this.#links.push(link);
  }

  /** Ends the restore. Returns what is wrong with the chain, or undefined if it is whole. */
  verify(): string | undefined {
    let gap: string | undefined;
    this.#last = this.#base;
    for (const link of this.#links) {
      const { batch, applied } = this.#last;
      if (link.batch !== batch + 1 || link.previousApplied !== applied) {
        gap ??= `batch ${link.batch} follows applied index ${link.previousApplied}, but the batch before it is ${batch} at ${applied}`;
      }
      this.#last = link;
    }
    this.#links = [];
    return gap;
  }

  /** Adds the row of the next batch to what it writes. */
  extend(marker: Marker, writes: PendingWrites): void {
    this.#last = this.#next(marker);
    writes.put(numberedRowKey("chain", this.#last.batch), encodeLink(this.#last));
  }

  /** Makes the next batch the base of the chain; it must be written synced. */
  rebase(marker: Marker, writes: PendingWrites): void {
    const before = this.#base.batch;
    const until = this.#last.batch;
    this.#last = this.#next(marker);
    this.#base = this.#last;
    writes.put(BASE_ROW, encodeLink(this.#last));
    for (let batch = before + 1; batch <= until; batch += 1) {
      writes.delete(numberedRowKey("chain", batch));
    }
  }

  /** Whether a batch was written since the base. */
  get isExtended(): boolean {
    return this.#last.batch > this.#base.batch;
  }

  #next(marker: Marker): Link {
    return { ...marker, batch: this.#last.batch + 1, previousApplied: this.#last.applied };
  }
}

function encodeLink(link: Link): Uint8Array {
  const value = new Uint8Array(MARKER_BYTES);
  putUint64(value, 0, link.batch);
  putUint64(value, 8, link.previousApplied);
  putUint64(value, 16, link.applied);
  putUint64(value, 24, link.revision);
  putUint64(value, 32, link.floor + 1);
  putUint64(value, 40, link.logTimeMs);
  putUint64(value, 48, link.writeDigest);
  return value;
}

function decodeLink(value: Uint8Array): Link {
  assert(value.length === MARKER_BYTES, `a chain row has ${value.length} bytes`);
  return {
    batch: readUint64(value, 0),
    previousApplied: readUint64(value, 8) as LogIndex,
    applied: readUint64(value, 16) as LogIndex,
    revision: readUint64(value, 24) as Revision,
    floor: readUint64(value, 32) - 1,
    logTimeMs: readUint64(value, 40) as LogTimeMs,
    writeDigest: readUint64(value, 48),
  };
}
