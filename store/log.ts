// Port: the consensus log of one group. segment-log.ts keeps it in checksummed segment files (S1).
import type { LogIndex, NodeId, PlantedBug } from "../base/index.ts";
import type {
  Entry,
  Epoch,
  LogReader,
  LogWrite,
  Membership,
  SnapshotMeta,
} from "../consensus/index.ts";
import type { DiskDone, DiskFailure } from "./disk.ts";

/** Bounds of one log. Sizes in bytes. */
export interface LogOptions {
  /** Of one preallocated segment file; a larger batch gets a segment of its own size. */
  readonly segmentBytes: number;
  /** Batches that wait are merged into one disk write up to this. */
  readonly frameBytesMax: number;
  /** Of batches accepted and not yet durable; beyond it the log fails as `full`. */
  readonly pendingBytesMax: number;
  /** Of recent entries kept in memory; entries that are not yet durable are kept in any case. */
  readonly cacheBytesMax: number;
  /** Of older entries brought back by one `load`; at least one entry comes. */
  readonly loadBytesMax: number;
  /**
   * Present when an empty disk is to become a new log; absent: an empty disk is refused, because a
   * member that lost its log must not vote under its old identity (R10, scenario 54). `salt`: 32 bits
   * drawn at random; mixed into each checksum, so that no client's bytes pass for the log's own.
   */
  readonly create?: { readonly bootstrap: Membership; readonly salt: number };
  /** Only the simulator sets it. */
  readonly planted?: PlantedBug;
}

export const LOG_OPTIONS_DEFAULT: LogOptions = {
  segmentBytes: 64 * 1024 * 1024,
  frameBytesMax: 8 * 1024 * 1024,
  pendingBytesMax: 256 * 1024 * 1024,
  cacheBytesMax: 16 * 1024 * 1024,
  loadBytesMax: 1024 * 1024,
};

/**
 * Why a log did not open. With `file`, `offsetBytes` and `afterIndex` for `corrupt`: the damage is there,
 * behind the last readable entry `afterIndex`; nothing was changed on the disk (scenarios 75, 77).
 */
export interface LogFailure extends DiskFailure {
  readonly file?: string;
  readonly offsetBytes?: number;
  readonly afterIndex?: LogIndex;
}

export type LogOpening =
  | { readonly ok: true; readonly log: Log; readonly recovery: LogRecovery }
  | {
      readonly ok: false;
      readonly failure: LogFailure;
      /** Of a damaged log whose promise is known: what peers may bring back. */
      readonly damaged?: DamagedLog;
    };

/** An entry whose name is known and whose bytes are damaged. */
export interface LostEntry {
  readonly index: LogIndex;
  readonly epoch: Epoch;
}

/** What a log is founded on, beside its entries. */
export interface LogFoundation {
  readonly meta: SnapshotMeta;
  readonly promised: Epoch;
  readonly votedFor: NodeId | 0;
  readonly commitHint: LogIndex;
}

/**
 * A log with damage before its acknowledged end, as far as it is whole. Its owner may have acknowledged
 * what is damaged: it neither votes nor acknowledges until the log is mended (scenarios 75, 76).
 */
export interface DamagedLog {
  readonly foundation: LogFoundation;
  /** Highest index of any entry that is named; at least `foundation.meta.index`. */
  readonly last: LogIndex;
  /**
   * Ascending. Undefined: damage swallowed names too, so that nobody can tell what was acknowledged here
   * from the log itself.
   */
  readonly lost: readonly LostEntry[] | undefined;
  /**
   * Whole entries from `from` on, up to the next lost one, `until` or about `bytesMax`, at least one; none
   * if the first is lost or there is none.
   */
  read(from: LogIndex, until: LogIndex, bytesMax: number, done: DiskDone<readonly Entry[]>): void;
  epochAt(index: LogIndex): Epoch | undefined;
  /** Whether this is the lost entry of its name, byte by byte. */
  isLost(entry: Entry): boolean;
  /** Begins the log that takes this one's place, beside it. One at a time. */
  mend(foundation: LogFoundation, done: DiskDone<LogMending>): void;
  close(done: (failure: DiskFailure | undefined) => void): void;
}

/** A log that is being written anew. Until `finish` is done the damaged one stands; then only this one. */
export interface LogMending {
  /** In ascending order of index over all calls. Done when durable. */
  add(entries: readonly Entry[], done: (failure: DiskFailure | undefined) => void): void;
  finish(done: (failure: DiskFailure | undefined) => void): void;
}

/** What a log held when it was opened. */
export interface LogRecovery {
  readonly promised: Epoch;
  readonly votedFor: NodeId | 0;
  readonly commitHint: LogIndex;
  /** Every configuration from the snapshot (or bootstrap) on, oldest first. */
  readonly configs: readonly Membership[];
  /** Of the applied state in force; 0 until the first snapshot is installed (R15). */
  readonly generation: number;
  /** Bytes of a torn, provably unacknowledged tail that were cut, for the operator's log. */
  readonly tornTailBytes: number;
}

export interface Log {
  /** Shows every write accepted so far, durable or not. */
  readonly reader: LogReader;
  /** Of the frames in all segments that are still there. */
  readonly sizeBytes: number;
  /** The lowest index such that the frames from there on take at most about `bytes`. */
  newestWithin(bytes: number): LogIndex;
  /**
   * Takes the batch into the reader at once; at most one disk write is in flight, what comes meanwhile
   * is merged into the next (S3). `done` comes once for each batch, in id order, when it and all before
   * it survive power loss. After the first failure every batch fails.
   */
  write(batch: LogWrite, done: (failure: DiskFailure | undefined) => void): void;
  /** Brings [from, until) into the reader's memory; the answer to a slice that said `loading`. */
  load(from: LogIndex, until: LogIndex, done: (failure: DiskFailure | undefined) => void): void;
  /** Writes what waits, then closes the disk too. */
  close(done: (failure: DiskFailure | undefined) => void): void;
}
