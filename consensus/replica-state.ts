// What a replica of either protocol knows of its reads, rounds, proposals and apply. Data only: what may
// happen to it is in the files of each role, here for what both share, in raft/ and paxos/ for the rest.
import { present, randomBetween } from "../base/index.ts";
import type { LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import { CatchUp } from "./catch-up.ts";
import type { ConsensusInit, ConsensusOptions, WireId } from "./contract.ts";
import type { Entry, Epoch, Membership, SnapshotMeta } from "./entry.ts";
import { Freshness } from "./freshness.ts";
import { isVoter, membersOf } from "./membership.ts";
import type { GroupMessage } from "./message.ts";
import { Progress } from "./progress.ts";
import { Proposals } from "./proposals.ts";
import { ReadTable } from "./read-table.ts";
import { Rounds } from "./rounds.ts";
import type { Ask } from "./rounds.ts";
import { ApplyQueue } from "./waiting-read.ts";
import type { WaitingRead } from "./waiting-read.ts";

export type ReplicaRole = "leader" | "candidate" | "pre-candidate" | "follower";

/** Exists exactly while this node leads. */
export interface Leadership {
  /** Of the no-op that began the epoch; once it is committed, so is everything older (R5, P5). */
  readonly startIndex: LogIndex;
  readonly becameAtMs: MonotonicMs;
  /** Of the configuration in force, and those that have left it and may not know yet. */
  readonly peers: Map<NodeId, Progress>;
  readonly rounds: Rounds;
  heartbeatDueAtMs: number;
  /** Rounds sent until this instant give no lease (R7, clockUncertain). */
  leaseFloorMs: number;
  /** Reads and asks that the next round will confirm. */
  forRound: { reads: WaitingRead[]; asks: Ask[] };
  /** Under way: nothing is proposed meanwhile (R13). */
  transfer: Transfer | undefined;
  /** For the rest of the epoch there is no lease: the message may arrive late (R13, scenario 65). */
  timeoutNowSent: boolean;
  /** The configuration that nothing is left to be done about: committed, not joint, known to who left. */
  configSettled: Membership | undefined;
}

/** Leadership on its way to `to`, until this instant. */
export interface Transfer {
  readonly to: NodeId;
  readonly untilMs: MonotonicMs;
  /** The target has been told to campaign. */
  told: boolean;
}

/** A question for a read index that this node has sent to its leader. */
export interface OpenAsk {
  readonly counter: number;
  readonly by: "round" | "barrier";
  readonly sentAtMs: MonotonicMs;
  readonly reads: readonly WaitingRead[];
}

export abstract class ReplicaState {
  readonly init: ConsensusInit;
  readonly id: NodeId;
  readonly options: ConsensusOptions;
  readonly proposals = new Proposals();
  readonly reads = new ReadTable();
  readonly applyQueue = new ApplyQueue();
  readonly freshness: Freshness;

  /** Of the newest input. */
  now: MonotonicMs;
  role: ReplicaRole = "follower";
  halted = false;
  /** Raft: of the current term. Paxos: the promised ballot. */
  epoch: Epoch;
  leader: NodeId | 0 = 0;
  leadership: Leadership | undefined;

  commit: LogIndex;
  /** The last entry handed out for apply. */
  handed: LogIndex;
  applied: LogIndex;
  /** Below it the state is not whole (snapshot.ts); at most `applied` when it is. */
  stateFloor: LogIndex;
  commitHinted: LogIndex;
  hintedAtMs: MonotonicMs;

  /** A silent leader is given up `electionTimeoutMs`, redrawn for every campaign, after this. */
  electionFromMs: number;
  electionTimeoutMs: number;
  /** When the leader last spoke; others are refused for the lease constant after it (R7). */
  leaderHeardAtMs = -Infinity;
  /** Who agreed to the present campaign, or to the poll before it. */
  granted = new Set<NodeId>();
  pollCounter = 0;
  roundCounter = 0;
  askCounter = 0;

  /** Reads that wait for this node's next question to the leader. */
  forAsk: { round: WaitingRead[]; barrier: WaitingRead[] } = { round: [], barrier: [] };
  openAsks: OpenAsk[] = [];
  /** What slices found missing from memory: one load at a time. */
  loadWanted: { readonly from: LogIndex; readonly until: LogIndex } | undefined;
  loadInFlight = false;
  snapshotsDue: { readonly to: NodeId; readonly meta: SnapshotMeta }[] = [];
  /** Handed out and not applied: (last index, bytes), oldest first. */
  handedUnapplied: { readonly last: LogIndex; readonly bytes: number }[] = [];
  handedBytes = 0;

  /** `commit`: what is known to be committed by what the disk holds. */
  constructor(init: ConsensusInit, epoch: Epoch, commit: LogIndex) {
    const { options, bootAtMs } = init;
    this.init = init;
    this.id = init.id;
    this.options = options;
    this.now = bootAtMs;
    this.epoch = epoch;
    this.freshness = new Freshness(init.boot, options.planted);
    this.commit = commit;
    this.handed = init.applied;
    this.applied = init.applied;
    this.stateFloor = (init.log.first() - 1) as LogIndex;
    this.commitHinted = init.commitHint;
    this.hintedAtMs = bootAtMs;
    this.electionFromMs = bootAtMs;
    this.electionTimeoutMs = drawElectionTimeoutMs(init);
  }

  /** In force for what is proposed next. */
  abstract get config(): Membership;
  /** All that this log knows of, oldest first. */
  abstract get configs(): readonly Membership[];
  abstract readonly durability: {
    readonly promiseDurable: boolean;
    readonly index: LogIndex;
    isStalled(now: MonotonicMs, spanMs: number): boolean;
  };
  /** What a read that arrives at this leader must see applied (R6; P9 differs). */
  abstract get readIndex(): LogIndex;
  /** The highest value that acknowledgements blocking every election have reached (R7, P7). */
  abstract quorumReached(valueOf: (node: NodeId) => number): number;
  /** The commit index as `peer` may hear it. */
  abstract commitFor(peer: Progress): LogIndex;
  /** As LogReader.slice, with what this turn added. */
  abstract slice(
    from: LogIndex,
    until: number,
    bytesMax: number,
  ): readonly Entry[] | "compacted" | "loading";
  abstract emit(to: NodeId, body: GroupMessage): void;

  get isVoter(): boolean {
    return isVoter(this.config, this.id);
  }

  /** R5, P5: a leader knows every commit of earlier epochs only once one of its own is committed. */
  get committedInEpoch(): boolean {
    return this.leadership !== undefined && this.commit >= this.leadership.startIndex;
  }

  /** Whether a round that begins at this moment proves that nothing is committed above `readIndex`. */
  get answersReads(): boolean {
    return this.committedInEpoch;
  }

  get leading(): Leadership {
    return present(this.leadership, "leadership");
  }

  /** Raft 5.2: drawn from [min, 2 x min), so that split votes are rare. */
  restartElectionTimer(): void {
    this.electionFromMs = this.now;
    this.electionTimeoutMs = drawElectionTimeoutMs(this.init);
  }

  wireId(counter: number): WireId {
    return { boot: this.init.boot, counter };
  }

  /** `next`: what each peer is sent first. */
  beginLeadership(startIndex: LogIndex, next = startIndex): void {
    const { now } = this;
    this.leadership = {
      startIndex,
      becameAtMs: now,
      peers: new Map(),
      rounds: new Rounds(this.roundCounter),
      heartbeatDueAtMs: now,
      leaseFloorMs: -Infinity,
      forRound: { reads: [], asks: [] },
      transfer: undefined,
      timeoutNowSent: false,
      configSettled: undefined,
    };
    this.admitPeers(next);
  }

  /** Whoever the configuration in force has beyond the known peers is one, and is sent entries from `next` on. */
  admitPeers(next: LogIndex): void {
    const { peers } = this.leading;
    for (const node of membersOf(this.config)) {
      if (node === this.id) continue;
      const peer = peers.get(node) ?? this.newProgress(node, next);
      if (!isVoter(this.config, node)) peer.catchUp ??= new CatchUp(this.readIndex, this.now);
      peers.set(node, peer);
    }
  }

  /** Of a peer that is sent entries from `next` on. */
  newProgress(node: NodeId, next: LogIndex): Progress {
    const { inflightMessagesMax, inflightBytesMax } = this.options;
    return new Progress({ node, next, now: this.now, inflightMessagesMax, inflightBytesMax });
  }
}

function drawElectionTimeoutMs({ rng, options }: ConsensusInit): number {
  const { electionTimeoutMs } = options;
  return randomBetween(rng, electionTimeoutMs, 2 * electionTimeoutMs);
}
