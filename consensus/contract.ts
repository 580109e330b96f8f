// The contract that raft/ and paxos/ satisfy: messages and the time in, effects out. No timers, sockets,
// disks, clocks or chance inside. Rule numbers (R, P, F, S) are those of docs/rules.md.
//
// The caller's duties, without which no promise holds:
// 1. Drain `ready()` after each turn's inputs, and act on all of it.
// 2. Show every drained storage operation in the LogReader at once; report `persisted` in id order, and
//    only when the batch and all before it survive power loss. Send `write.after` only then.
// 3. Apply `committed` in order, and report `applied` once reads can see it.
// 4. Read the monotonic clock afresh for every `now`; it never goes back.
// 5. After one failed write call `storageFailed` and never write to that store again (R18).
import type {
  BootNonce,
  LogIndex,
  MonotonicMs,
  NodeId,
  PlantedBug,
  Random,
} from "../base/index.ts";
import type {
  Entry,
  Epoch,
  LogReader,
  LogWrite,
  Membership,
  Roster,
  SnapshotMeta,
} from "./entry.ts";
import type { WriteId } from "../base/index.ts";

/** Every id that crosses the network: a reply to another boot is dropped (R16). */
export interface WireId {
  readonly boot: BootNonce;
  readonly counter: number;
}

export interface Envelope<M> {
  readonly from: NodeId;
  readonly to: NodeId;
  /** Cluster-issued, of the sender; a node whose disk was lost has none that its peers accept (R10). */
  readonly incarnation: bigint;
  readonly epoch: Epoch;
  readonly body: M;
}

/** `after` leaves only when this batch and all before it are durable (R1). */
export interface WriteBatch<M> extends LogWrite {
  readonly after: readonly Envelope<M>[];
}

export type ReadMode = "quorum" | "index" | "lease" | "follower" | "learner" | "local";

export interface ReadRequest {
  /** Unique among this boot's reads. */
  readonly id: number;
  readonly mode: ReadMode;
  /** The read ends with `deadline` at the first input at or after this time. */
  readonly deadlineAtMs: MonotonicMs;
}

export type Guarantee = "linearizable" | "bounded-stale" | "prefix";

/**
 * Read the state applied here at once: it holds everything up to `index` and answers the guarantee.
 * `freshAtMs`: everything committed anywhere before this instant of the local monotonic clock is in the
 * applied state (F3); absent is unknown. For a `lease` read check `leaseHolds(epoch, now)` again after
 * the answer is built (R7).
 */
export interface ReadGrant {
  readonly id: number;
  readonly ok: true;
  readonly asked: ReadMode;
  readonly used: ReadMode;
  readonly index: LogIndex;
  readonly epoch: Epoch;
  readonly guarantee: Guarantee;
  readonly freshAtMs?: MonotonicMs;
}

export interface ReadRefusal {
  readonly id: number;
  readonly ok: false;
  readonly reason: ReadReject;
  readonly leader?: NodeId;
}

export type ReadResult = ReadGrant | ReadRefusal;

export type ReadReject =
  | "no-leader"
  | "not-leader"
  | "lag-too-large"
  | "superseded"
  | "deadline"
  | "overloaded"
  | "halted";

export type ProposeReject =
  | "not-leader"
  | "no-leader"
  | "transferring"
  | "uncommitted-full"
  | "config-pending"
  | "config-stale"
  | "no-commit-in-epoch"
  | "learner-behind"
  | "bad-transferee"
  | "too-many-voters"
  | "quorums-do-not-meet"
  | "sealed"
  | "halted";

export type ProposeResult =
  | { readonly ok: true; readonly index: LogIndex; readonly epoch: Epoch }
  | { readonly ok: false; readonly reason: ProposeReject; readonly leader?: NodeId };

/**
 * The end of a proposal made here. `lost` only when a different entry is committed at the index (R17);
 * `unknown` when this node can no longer tell (halted, or a snapshot covers the index).
 */
export interface ProposalOutcome {
  readonly index: LogIndex;
  readonly epoch: Epoch;
  readonly fate: "committed" | "lost" | "unknown";
}

export type Role = "leader" | "candidate" | "follower" | "learner" | "halted";

export interface Status {
  readonly role: Role;
  readonly epoch: Epoch;
  readonly leader?: NodeId;
  readonly committed: LogIndex;
  readonly durable: LogIndex;
  readonly applied: LogIndex;
  readonly config: Membership;
  /** At a leader: where its epoch began. All that earlier epochs committed is below. */
  readonly ledFrom?: LogIndex;
  /** At a leader: a tick before that sends no heartbeat. */
  readonly heartbeatDueAtMs?: MonotonicMs;
  /** Not in the committed configuration, whose members hold what it takes: this replica may stop for good. */
  readonly dispensable?: boolean;
  /** At a leader that is handing over: to whom. Proposals are refused meanwhile (R13). */
  readonly transferee?: NodeId;
  /** The state is not whole until a snapshot up to here is installed: it is being written, or was lost. */
  readonly awaiting?: LogIndex;
  /** As in ReadGrant. */
  readonly freshAtMs?: MonotonicMs;
}

/** What a leader knows of one of its peers. */
export interface PeerStatus {
  readonly node: NodeId;
  /** Durable there, and equal to this leader's log. */
  readonly match: LogIndex;
  /** Of its last acknowledgement in this epoch. */
  readonly heardAtMs: MonotonicMs;
  /** It could vote without holding up commits (Thesis 4.2.1, scenario 53). */
  readonly caughtUp: boolean;
}

/** The members that a change asks for, and their table if the owner keeps one. */
export interface MembershipWish {
  /** At least one. One that does not vote now must be a learner that has caught up (R10). */
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Rows of those who leave may still be in it: they go when their configuration does. */
  readonly roster?: Roster;
}

export interface Ready<M> {
  /**
   * May leave now: only messages whose content rests on durable state (R1): AppendEntries, Accept,
   * heartbeats, pre-votes, read replies of a durable epoch.
   */
  readonly send: readonly Envelope<M>[];
  readonly write?: WriteBatch<M>;
  /** Contiguous, chosen, and durable here as well. */
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadResult[];
  readonly outcomes: readonly ProposalOutcome[];
  readonly sendSnapshot: readonly { readonly to: NodeId; readonly meta: SnapshotMeta }[];
  /** Entries to bring into the LogReader's memory, answered by `loaded`. */
  readonly load?: { readonly from: LogIndex; readonly until: LogIndex };
}

/** phase2 acknowledgements block every phase 1; asked by index, because configurations differ along the log. */
export interface QuorumSystem {
  phase1(acks: ReadonlySet<NodeId>): boolean;
  phase2(acks: ReadonlySet<NodeId>): boolean;
}

export interface Consensus<M> {
  propose(data: Uint8Array, now: MonotonicMs): ProposeResult;
  /**
   * Compare-and-set on the index of the configuration in force (R10, scenario 55). The index returned is
   * that of the first configuration of the change; a joint one is left by itself, also after a change of
   * leader, so the change is done when a configuration at or after it is committed and not joint.
   */
  proposeConfig(next: MembershipWish, expect: LogIndex, now: MonotonicMs): ProposeResult;
  step(message: Envelope<M>, now: MonotonicMs): void;
  /** At least every heartbeat interval / 2. Also watches its own oldest unfinished write (R7). */
  tick(now: MonotonicMs): void;
  read(request: ReadRequest, now: MonotonicMs): void;
  /**
   * Begins to hand leadership to `node`: proposals end with `transferring` until it leads, or until an
   * election timeout is over (R13, scenario 85). `status().transferee` shows which.
   */
  transferTo(node: NodeId, now: MonotonicMs): ProposeResult;
  /** In id order; only here does this node count itself toward a quorum. */
  persisted(id: WriteId, now: MonotonicMs): void;
  /** The replica is halted, for good (R18). */
  storageFailed(now: MonotonicMs): void;
  applied(index: LogIndex, now: MonotonicMs): void;
  snapshotSent(to: NodeId, ok: boolean, now: MonotonicMs): void;
  /**
   * The state up to `index` survives power loss (S2): what of the log up to it no peer needs behind a
   * snapshot on its way goes with the next write.
   */
  compactTo(index: LogIndex, now: MonotonicMs): void;
  /** The mark of the state at `index`, which is applied and not compacted away. */
  markAt(index: LogIndex): SnapshotMeta;
  /** Whether a snapshot of the state at `index` would bring this replica anything. */
  lacks(index: LogIndex): boolean;
  /**
   * State `generation` stands beside the present one, whole and durable. If `lacks(meta.index)`, the next
   * write makes it the state in force: once that is durable the owner changes over to it, reports
   * `persisted`, and then `applied(meta.index)` (R15). One at a time: the next is offered after that.
   *
   * @returns false if it is not needed; nothing has changed.
   */
  install(meta: SnapshotMeta, generation: number, now: MonotonicMs): boolean;
  /** The transport lost its way to `to`: probe instead of streaming. */
  unreachable(to: NodeId, now: MonotonicMs): void;
  loaded(from: LogIndex, until: LogIndex, now: MonotonicMs): void;
  /** Wall time ran ahead of monotonic time (a suspended machine): drop the lease and all stamps (R7). */
  clockUncertain(now: MonotonicMs): void;
  /** The second check of a lease read, after its answer is built: same epoch, still leased (R7). */
  leaseHolds(epoch: Epoch, now: MonotonicMs): boolean;
  /**
   * Whether a command proposed in `epoch` can be in an entry behind `committed`, which was handed out. When
   * false, one met nowhere up to there is lost for good: it may be proposed again and cannot run twice (R17).
   */
  canCommitBehind(committed: Entry, epoch: Epoch): boolean;
  hasReady(): boolean;
  /** Drains; progress comes back by persisted() and applied(). */
  ready(): Ready<M>;
  quorumsAt(index: LogIndex): QuorumSystem;
  status(): Status;
  /** At a leader; else empty. */
  peers(): readonly PeerStatus[];
  /** A replica in the same state, on forks of its owner's log and chance: for a search of every input. */
  fork(log: LogReader, rng: Random): Consensus<M>;
  /**
   * Equal for replicas that answer equal inputs alike over equal logs, whatever their clocks show: instants
   * are relative to `now`, and what is longer ago than `horizonMs`, the longest span any option names, is old.
   */
  canonical(now: MonotonicMs, horizonMs: number): string;
}

/** How many voters each phase of Paxos needs; their sum exceeds the number of voters (P7). */
export interface QuorumSizes {
  readonly phase1: number;
  readonly phase2: number;
}

/** Times in ms unless said; the same for both protocols. */
export interface ConsensusOptions {
  /** A follower campaigns after [min, 2 x min) without its leader (Raft 5.2). At least Membership.leaseMs. */
  readonly electionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** rho: each clock's rate is within [1 - rho, 1 + rho] of true time (R7). */
  readonly clockDriftMax: number;
  /** Subtracted from the leader's lease on top of drift. */
  readonly leaseMarginMs: number;
  readonly appendBytesMax: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  /** Of the leader's own uncommitted commands; beyond it proposals are refused (scenario 33). */
  readonly uncommittedBytesMax: number;
  /** Reads waiting at one node; beyond it they end with `overloaded`. */
  readonly readsWaitingMax: number;
  /** A follower further behind than this answers `lag-too-large` to an index read (scenario 71). */
  readonly readLagEntriesMax: number;
  /** Paxos: of the group, equal at every member. Absent: majorities. */
  readonly quorums?: QuorumSizes;
  /** Only the simulator sets it. */
  readonly planted?: PlantedBug;
}

export interface ConsensusInit {
  readonly id: NodeId;
  readonly incarnation: bigint;
  readonly boot: BootNonce;
  readonly log: LogReader;
  readonly promised: Epoch;
  readonly votedFor: NodeId | 0;
  readonly commitHint: LogIndex;
  readonly applied: LogIndex;
  /** Every configuration from the snapshot (or bootstrap) on, oldest first. */
  readonly configs: readonly Membership[];
  readonly rng: Random;
  readonly bootAtMs: MonotonicMs;
  readonly options: ConsensusOptions;
}

export type ConsensusFactory<M> = (init: ConsensusInit) => Consensus<M>;
