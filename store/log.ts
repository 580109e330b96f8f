// Port: the consensus log of one group. segment-log.ts keeps it in checksummed segment files (S1).
import type { LogIndex, NodeId } from "../base/index.ts";
import type { Epoch, LogReader, LogWrite, Membership } from "../consensus/index.ts";
import type { DiskFailure } from "./disk.ts";

/** What a log held when it was opened. */
export interface LogRecovery {
  readonly promised: Epoch;
  readonly votedFor: NodeId | 0;
  readonly commitHint: LogIndex;
  /** Every configuration from the snapshot (or bootstrap) on, oldest first. */
  readonly configs: readonly Membership[];
  /** Bytes of a torn, provably unacknowledged tail that were cut, for the operator's log. */
  readonly tornTailBytes: number;
}

export interface Log {
  /** Shows every write accepted so far, durable or not. */
  readonly reader: LogReader;
  /**
   * Takes the batch into the reader at once; at most one disk write is in flight, what comes meanwhile
   * is merged into the next (S3). `done` comes once for each batch, in id order, when it and all before
   * it survive power loss. After the first failure every batch fails.
   */
  write(batch: LogWrite, done: (failure: DiskFailure | undefined) => void): void;
  /** Brings [from, until) into the reader's memory; the answer to a slice that said `loading`. */
  load(from: LogIndex, until: LogIndex, done: (failure: DiskFailure | undefined) => void): void;
  close(done: (failure: DiskFailure | undefined) => void): void;
}
