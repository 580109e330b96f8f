// The chained applied index (S2): the engine may lose a batch in its middle without a word, so each batch
// names the one before it, and at boot the chain from its base on must be whole.
//
// A batch writes the row ('l', its number) -> marker. The base is an earlier checkpoint, so far back that
// the engine holds everything up to it in table files: a sync alone does not protect a batch that lies in
// the engine's own log from damage there. A checkpoint moves the base on and removes the rows up to it.
import { assert } from "../base/index.ts";
import type { LogIndex, LogTimeMs, NodeId, Revision } from "../base/index.ts";
import { LOG_STAMP_ZERO } from "./log-time.ts";
import type { LogStamp } from "./log-time.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { BASE_ROW, numberInRowKey, numberedRowKey, putUint64, readUint64 } from "./rows.ts";

/** What a batch says of the state that it completes. */
export interface Marker {
  readonly applied: LogIndex;
  readonly revision: Revision;
  /** -1: none yet. */
  readonly floor: number;
  readonly stamp: LogStamp;
  readonly writeDigest: number;
}

interface Link extends Marker {
  /** Consecutive over all batches, from 1. */
  readonly batch: number;
  readonly previousApplied: LogIndex;
}

/** A checkpoint that may become the base. */
interface Candidate {
  readonly link: Link;
  /** All bytes written up to it; -Infinity for what an earlier boot wrote. */
  readonly writtenBytes: number;
}

const MARKER_BYTES = 80;
/** Candidates are at least this part of `engineLogBytesMax` apart, which bounds their number. */
const CANDIDATE_SHARE = 1 / 64;

const START: Link = {
  batch: 0,
  previousApplied: 0 as LogIndex,
  applied: 0 as LogIndex,
  revision: 1 as Revision,
  floor: -1,
  stamp: LOG_STAMP_ZERO,
  writeDigest: 0,
};

export class AppliedChain {
  #base = START;
  #last = START;
  /** Read at boot, in key order; empty afterwards. */
  #links: Link[] = [];
  /** Number of the last batch known to be synced. */
  #synced = 0;
  #writtenBytes = 0;
  /** Behind the base, oldest first. */
  #candidates: Candidate[] = [];
  readonly #engineLogBytesMax: number;

  /** The most bytes of batches that the engine may hold in its own log alone. */
  constructor(engineLogBytesMax: number) {
    this.#engineLogBytesMax = engineLogBytesMax;
  }

  /** The marker of the last batch. */
  get last(): Marker {
    return this.#last;
  }

  /** The state up to it is in the engine's table files. */
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
    this.#synced = this.#base.batch;
    // Opening the engine wrote what its log held into table files.
    this.#candidates = [{ link: this.#last, writtenBytes: -Infinity }];
    return gap;
  }

  /** Adds the row of the next batch to what it writes. */
  extend(marker: Marker, writes: PendingWrites): void {
    this.#last = this.#next(marker);
    writes.put(numberedRowKey("chain", this.#last.batch), encodeLink(this.#last));
    this.#writtenBytes += writes.pendingBytes;
  }

  /** As `extend`, for a batch that is written synced; moves the base on where it can. */
  checkpoint(marker: Marker, writes: PendingWrites): void {
    this.extend(marker, writes);
    this.#synced = this.#last.batch;
    const newest = this.#candidates.at(-1)?.writtenBytes ?? -Infinity;
    const apartBytes = this.#engineLogBytesMax * CANDIDATE_SHARE;
    if (this.#writtenBytes - newest >= apartBytes) {
      this.#candidates.push({ link: this.#last, writtenBytes: this.#writtenBytes });
    }
    const coveredBytes = this.#writtenBytes - this.#engineLogBytesMax;
    const covered = this.#candidates.filter(({ writtenBytes }) => writtenBytes <= coveredBytes);
    const base = covered.at(-1)?.link;
    if (base === undefined) return;
    this.#candidates = this.#candidates.slice(covered.length);
    if (base.batch > this.#base.batch) this.#moveBase(base, writes);
  }

  #moveBase(base: Link, writes: PendingWrites): void {
    writes.put(BASE_ROW, encodeLink(base));
    for (let batch = this.#base.batch + 1; batch <= base.batch; batch += 1) {
      writes.delete(numberedRowKey("chain", batch));
    }
    this.#base = base;
  }

  /** Whether a batch was written since the last checkpoint. */
  get isExtended(): boolean {
    return this.#last.batch > this.#synced;
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
  putUint64(value, 40, link.stamp.logTimeMs);
  putUint64(value, 48, link.writeDigest);
  putUint64(value, 56, link.stamp.epoch.config);
  putUint64(value, 64, link.stamp.epoch.round);
  putUint64(value, 72, link.stamp.epoch.node);
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
    stamp: {
      epoch: {
        config: readUint64(value, 56),
        round: readUint64(value, 64),
        node: readUint64(value, 72) as NodeId | 0,
      },
      logTimeMs: readUint64(value, 40) as LogTimeMs,
    },
    writeDigest: readUint64(value, 48),
  };
}
