// What raft/ and paxos/ each bring to the replica that both are (core.ts): their messages, their way to
// order proposals, and their storage operations. Everything else is the same code.
import type { LogIndex, MonotonicMs, NodeId, WriteId } from "../base/index.ts";
import type {
  Envelope,
  MembershipWish,
  ProposeReject,
  ProposeResult,
  QuorumSystem,
  WriteBatch,
} from "./contract.ts";
import type { Entry, Epoch, SnapshotMeta } from "./entry.ts";
import type { Outbox } from "./outbox.ts";
import type { ReplicaState } from "./replica-state.ts";
import type { WaitingRead } from "./waiting-read.ts";

export interface ProtocolState<M> extends ReplicaState {
  readonly outbox: Outbox<M>;
}

/** Each is called within an input, `state.now` being its time, and never on a halted replica. */
export interface Protocol<M, S extends ProtocolState<M>> {
  /** At a leader: the entry's index, or why it is refused. */
  propose(state: S, data: Uint8Array): LogIndex | ProposeReject;
  proposeConfig(state: S, next: MembershipWish, expect: LogIndex): ProposeResult;
  transferTo(state: S, node: NodeId): ProposeResult;
  dispatch(state: S, message: Envelope<M>): void;
  onTick(state: S, now: MonotonicMs): void;
  onPersisted(state: S, id: WriteId): void;
  /** A linearizable read that needs neither lease nor round. */
  onQuorumRead(state: S, read: WaitingRead): void;
  /** Some reads have ended by their deadline. */
  onReadsExpired(state: S): void;
  onSnapshotSent(state: S, to: NodeId, ok: boolean): void;
  /** The state up to `index`, which is applied, is durable: what no peer needs may go. */
  onCheckpoint(state: S, index: LogIndex): void;
  /** `meta.index` is above the commit index, or the state up to it was lost; nobody leads here. */
  onInstall(state: S, meta: SnapshotMeta, generation: number): void;
  onUnreachable(state: S, to: NodeId): void;
  becomeHalted(state: S): void;
  /** At the end of a turn: reads, rounds, and what peers are to be sent. */
  flush(state: S): void;
  drainWrite(state: S): WriteBatch<M> | undefined;
  quorumsAt(state: S, index: LogIndex): QuorumSystem;
  isDispensable(state: S): boolean;
  canCommitBehind(state: S, committed: Entry, epoch: Epoch): boolean;
  checkInvariants(state: S): void;
}
