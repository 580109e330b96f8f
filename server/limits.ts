// The bounds on what one replica holds at once. Each queue that can grow names its own.

export interface ReplicaLimits {
  /** Entries applied before the event loop gets another turn. */
  readonly applyEntriesPerTurnMax: number;
  /** Committed entries not yet applied; beyond it commands are refused, as etcd does at 5,000. */
  readonly applyBacklogEntriesMax: number;
  /** Bytes of applied state not yet in the engine; beyond it applying waits for the engine. */
  readonly unflushedBytesMax: number;
  /** Applied state is written to the engine at the next tick, or at once from so many bytes on. */
  readonly engineWriteBytesMin: number;
  /** Entries applied between two synced writes of the state: what a restart may have to replay. */
  readonly checkpointEntriesMax: number;
  /** Entries behind the last compaction of the log at which it is compacted again (--snapshot-count). */
  readonly snapshotEntries: number;
  /** Entries kept behind a compaction for followers that lag (--snapshot-catchup-entries). */
  readonly catchUpEntries: number;
  /** Of the log; beyond it, it is compacted to half of it whatever the counts say (--log-bytes). */
  readonly logBytesMax: number;
  /** Snapshots sent at once; more wait (--snapshots-max). */
  readonly snapshotsMax: number;
  /** Of rows in a block of a snapshot, about; and blocks on their way to one peer. */
  readonly snapshotBlockBytes: number;
  readonly snapshotWindowBlocks: number;
  /** Unacknowledged blocks are sent again after the first; a peer without progress is given up after the second. */
  readonly snapshotResendMs: number;
  readonly snapshotStallMs: number;
  /** Entries, and bytes of them about, in one answer to a member that mends its log; one is always given. */
  readonly repairEntriesMax: number;
  readonly repairBytesMax: number;
  /** A question of repair without an answer goes to the next member after this. */
  readonly repairResendMs: number;
  /** Commands of this node's clients that have no answer yet. */
  readonly commandsWaitingMax: number;
  /** Reads that wait for a revision or for fresher state. */
  readonly readsRetryingMax: number;
  /** Reads that wait for values from the engine. */
  readonly readsLoadingMax: number;
  /** Changes of the history that watches look at in a step, and deliveries to them in one turn. */
  readonly watchStepChangesMax: number;
  readonly watchDeliveriesPerTurnMax: number;
  /** Wall time ahead of monotonic time by more than this between two looks: a suspended machine (R7). */
  readonly wallAheadMaxMs: number;
}

export const REPLICA_LIMITS_DEFAULT: ReplicaLimits = {
  applyEntriesPerTurnMax: 512,
  applyBacklogEntriesMax: 5_000,
  unflushedBytesMax: 64 * 1024 * 1024,
  engineWriteBytesMin: 1024 * 1024,
  checkpointEntriesMax: 20_000,
  snapshotEntries: 10_000,
  catchUpEntries: 5_000,
  logBytesMax: 1024 * 1024 * 1024,
  snapshotsMax: 2,
  snapshotBlockBytes: 256 * 1024,
  snapshotWindowBlocks: 2,
  snapshotResendMs: 1_000,
  snapshotStallMs: 15_000,
  repairEntriesMax: 256,
  repairBytesMax: 256 * 1024,
  repairResendMs: 500,
  commandsWaitingMax: 20_000,
  readsRetryingMax: 10_000,
  readsLoadingMax: 256,
  watchStepChangesMax: 2_048,
  // About a millisecond, so that who writes waits for little more.
  watchDeliveriesPerTurnMax: 256,
  wallAheadMaxMs: 100,
};
