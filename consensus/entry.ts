// What a log holds: epochs, entries, configurations, and the storage operations that write them.
import type { LogIndex, MemberId, NodeId, WriteId } from "../base/index.ts";

/** Totally ordered by (config, round, node). Raft: {0, term, 0}. Paxos: the ballot (P1). */
export interface Epoch {
  readonly config: number;
  readonly round: number;
  readonly node: NodeId | 0;
}

export const EPOCH_ZERO: Epoch = { config: 0, round: 0, node: 0 };

/** Negative, zero or positive as `left` is before, equal to or after `right`. */
export function compareEpochs(left: Epoch, right: Epoch): number {
  return left.config - right.config || left.round - right.round || left.node - right.node;
}

export function sameEpoch(left: Epoch, right: Epoch): boolean {
  return compareEpochs(left, right) === 0;
}

/** What the cluster knows of one of its members; the cores read `node` alone. */
export interface MemberRow {
  readonly node: NodeId;
  readonly id: MemberId;
  /** Issued by the cluster with the ordinal; checked in every peer message (R10). */
  readonly incarnation: bigint;
  /** Empty until the member has started. */
  readonly name: string;
  /** Sorted. */
  readonly peerUrls: readonly string[];
  /** Empty until the member has started. */
  readonly clientUrls: readonly string[];
  /** A learner that is to vote as soon as it has caught up (Thesis 4.2.1). */
  readonly votesNext: boolean;
}

/** The member table, which travels with the configuration: one entry changes both or neither. */
export interface Roster {
  /** The highest ordinal ever allotted: none is used twice (R10). */
  readonly nodeLast: NodeId;
  /** By ascending node: of everybody in the configuration. */
  readonly members: readonly MemberRow[];
}

/**
 * A configuration, in force from the moment its entry is appended (Raft) or from the slot after it
 * (Paxos). Joint while `outgoing` is present. A voter of either set is no learner; `learnersNext`
 * become learners on leaving joint.
 */
export interface Membership {
  /** Of its entry; 0 for the bootstrap configuration. What compare-and-set compares. */
  readonly index: LogIndex;
  readonly incoming: readonly NodeId[];
  readonly outgoing?: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly learnersNext?: readonly NodeId[];
  /** The group's lease constant in ms; every local election timeout is at least this (R7). */
  readonly leaseMs: number;
  /** Absent where the owner of the cores keeps no member table: in tests and in the simulator. */
  readonly roster?: Roster;
}

export type Entry =
  | { readonly index: LogIndex; readonly epoch: Epoch; readonly kind: "noop" }
  | {
      readonly index: LogIndex;
      readonly epoch: Epoch;
      readonly kind: "command";
      readonly data: Uint8Array;
    }
  | {
      readonly index: LogIndex;
      readonly epoch: Epoch;
      readonly kind: "config";
      readonly config: Membership;
    };

/** The state up to and including `index`, and the configuration in force there. */
export interface SnapshotMeta {
  readonly index: LogIndex;
  readonly epoch: Epoch;
  readonly config: Membership;
}

/** Ordered, all or nothing within a batch. Raft appends and truncates; Paxos puts slots out of order. */
export type StorageOp =
  | { readonly op: "append"; readonly entries: readonly Entry[] }
  | { readonly op: "put"; readonly entry: Entry }
  | { readonly op: "truncate-from"; readonly index: LogIndex }
  | { readonly op: "promise"; readonly promised: Epoch; readonly votedFor: NodeId | 0 }
  /** Never needs a sync of its own. */
  | { readonly op: "commit-hint"; readonly index: LogIndex }
  /** `generation`: of the state that is in force once this is durable; the log remembers it (R15). */
  | {
      readonly op: "install-snapshot";
      readonly meta: SnapshotMeta;
      readonly generation: number;
    }
  | { readonly op: "compact-to"; readonly meta: SnapshotMeta };

/** Ids are consecutive from 1 at each boot; completions are reported in id order (S3). */
export interface LogWrite {
  readonly id: WriteId;
  readonly ops: readonly StorageOp[];
  /** False only for batches that hold nothing but commit hints. */
  readonly mustSync: boolean;
}

/**
 * The log as the core sees it: synchronous, showing every operation drained by `ready()`, durable or
 * not. `epochAt` never misses from `first() - 1` to `last()`. For Paxos `last()` is the highest
 * accepted slot, and gaps are undefined.
 */
export interface LogReader {
  epochAt(index: LogIndex): Epoch | undefined;
  /**
   * Entries in [from, until), at least one if the range is not empty, else up to `bytesMax` bytes of
   * data. `loading`: not in memory; the owner loads them and calls `loaded(from, until)`.
   */
  slice(
    from: LogIndex,
    until: LogIndex,
    bytesMax: number,
  ): readonly Entry[] | "compacted" | "loading";
  first(): LogIndex;
  last(): LogIndex;
  snapshot(): SnapshotMeta | "preparing";
}
