// One replica's whole Raft state. Data only: what may happen to it is in the file of each role.
import { assert, present, randomBetween } from "../base/index.ts";
import type { LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import { isVoter, membersOf } from "../consensus/index.ts";
import type {
  ConsensusInit,
  ConsensusOptions,
  Entry,
  Epoch,
  Membership,
  SnapshotMeta,
  WireId,
} from "../consensus/index.ts";
import { Durability } from "./durability.ts";
import { Freshness } from "./freshness.ts";
import { LogView } from "./log-view.ts";
import { MembershipHistory } from "./membership.ts";
import type { RaftMessage } from "./message.ts";
import { Outbox } from "./outbox.ts";
import { Progress } from "./progress.ts";
import { Proposals } from "./proposals.ts";
import { ReadTable } from "./read-table.ts";
import { Rounds } from "./rounds.ts";
import type { Ask } from "./rounds.ts";
import { ApplyQueue } from "./waiting-read.ts";
import type { WaitingRead } from "./waiting-read.ts";

export type RaftRole = "leader" | "candidate" | "pre-candidate" | "follower";

/** Exists exactly while this node leads. */
export interface Leadership {
  /** Of the no-op that began the term; entries before it are of earlier terms. */
  readonly startIndex: LogIndex;
  readonly becameAtMs: MonotonicMs;
  readonly peers: ReadonlyMap<NodeId, Progress>;
  readonly rounds: Rounds;
  heartbeatDueAtMs: number;
  /** Rounds sent until this instant give no lease (R7, clockUncertain). */
  leaseFloorMs: number;
  /** Reads and asks that the next round will confirm. */
  forRound: { reads: WaitingRead[]; asks: Ask[] };
  /** Those that an entry appended after their arrival will confirm. */
  forBarrier: { reads: WaitingRead[]; asks: Ask[]; arrivedAtIndex: LogIndex };
  /** Appended barriers, oldest first. */
  barriers: { readonly index: LogIndex; reads: WaitingRead[]; asks: Ask[] }[];
}

/** A question for a read index that this node has sent to its leader. */
export interface OpenAsk {
  readonly counter: number;
  readonly by: "round" | "barrier";
  readonly sentAtMs: MonotonicMs;
  readonly reads: readonly WaitingRead[];
}

export class RaftState {
  readonly init: ConsensusInit;
  readonly id: NodeId;
  readonly options: ConsensusOptions;
  readonly log: LogView;
  readonly durability: Durability;
  readonly outbox: Outbox;
  readonly membership: MembershipHistory;
  readonly proposals = new Proposals();
  readonly reads = new ReadTable();
  readonly applyQueue = new ApplyQueue();
  readonly freshness: Freshness;

  /** Of the newest input. */
  now: MonotonicMs;
  role: RaftRole = "follower";
  halted = false;
  term: number;
  epoch: Epoch;
  votedFor: NodeId | 0;
  /** The vote that goes to disk with the term. */
  voteToPersist: NodeId | 0;
  leader: NodeId | 0 = 0;
  leadership: Leadership | undefined;

  commit: LogIndex;
  /** The last entry handed out for apply. */
  handed: LogIndex;
  applied: LogIndex;
  commitHinted: LogIndex;
  hintedAtMs: MonotonicMs;

  /** A silent leader is given up `electionTimeoutMs`, redrawn for every campaign, after this. */
  electionFromMs: number;
  electionTimeoutMs: number;
  /** Of the last heartbeat or append; votes for others are refused for the lease constant after it. */
  leaderHeardAtMs: number;
  /** Who granted the vote, or the pre-vote, of the present campaign. */
  granted = new Set<NodeId>();
  pollCounter = 0;
  roundCounter = 0;
  askCounter = 0;
  /** The term that the leader allowed this node to campaign in at once (R13). */
  transferTerm = 0;

  /** The acknowledgement that this turn's appends earn, sent once at its end. */
  ackDue: { readonly to: NodeId; readonly match: LogIndex } | undefined;
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

  constructor(init: ConsensusInit) {
    const { options, bootAtMs } = init;
    this.init = init;
    this.id = init.id;
    this.options = options;
    this.now = bootAtMs;
    this.log = new LogView(init.log);
    this.durability = new Durability(this.log.last);
    this.membership = new MembershipHistory(init.configs);
    this.outbox = new Outbox({
      id: init.id,
      incarnation: init.incarnation,
      durability: this.durability,
      planted: options.planted,
    });
    this.freshness = new Freshness(init.boot, options.planted);
    this.term = init.promised.round;
    this.epoch = { config: 0, round: this.term, node: 0 };
    this.votedFor = init.votedFor;
    this.voteToPersist = init.votedFor;
    assert(init.applied <= this.log.last, `applied ${init.applied} > last ${this.log.last} (S2)`);
    const { compacted, last } = this.log;
    this.commit = Math.max(compacted, init.applied, Math.min(init.commitHint, last)) as LogIndex;
    this.handed = init.applied;
    this.applied = init.applied;
    this.commitHinted = init.commitHint;
    this.hintedAtMs = bootAtMs;
    this.leaderHeardAtMs = -Infinity;
    this.electionFromMs = bootAtMs;
    this.electionTimeoutMs = this.#drawElectionTimeoutMs();
    assert(this.term >= this.log.lastTerm, `term ${this.term} < last entry's ${this.log.lastTerm}`);
    for (const { leaseMs } of init.configs) {
      assert(
        options.electionTimeoutMs >= leaseMs,
        `election timeout < lease constant ${leaseMs} (R7)`,
      );
    }
  }

  get config(): Membership {
    return this.membership.current;
  }

  get isVoter(): boolean {
    return isVoter(this.config, this.id);
  }

  /** R5: the leader knows every commit of earlier terms only once one of its own is committed. */
  get committedInTerm(): boolean {
    return this.leadership !== undefined && this.commit >= this.leadership.startIndex;
  }

  get leading(): Leadership {
    return present(this.leadership, "leadership");
  }

  /** Raft 5.2: drawn from [min, 2 x min), so that split votes are rare. */
  restartElectionTimer(): void {
    this.electionFromMs = this.now;
    this.electionTimeoutMs = this.#drawElectionTimeoutMs();
  }

  emit(to: NodeId, body: RaftMessage): void {
    this.outbox.emit(to, this.epoch, body);
  }

  wireId(counter: number): WireId {
    return { boot: this.init.boot, counter };
  }

  setTerm(term: number, votedFor: NodeId | 0): void {
    assert(term >= this.term, `term falls from ${this.term} to ${term}`);
    if (term !== this.term) this.epoch = { config: 0, round: term, node: 0 };
    this.term = term;
    this.votedFor = votedFor;
    this.voteToPersist = votedFor;
    this.durability.onPromiseChanged();
  }

  appendEntry(entry: Entry): void {
    this.log.append(entry);
    if (entry.kind === "config") this.membership.onAppended(entry.config, entry.index);
  }

  /** Only what is not committed may go (Raft 5.3); its configurations go with it (R10). */
  truncateFrom(index: LogIndex): void {
    assert(index > this.commit, `entry ${index} is committed (${this.commit}) and cannot change`);
    this.log.truncateFrom(index);
    this.durability.onTruncated(index);
    this.membership.onTruncated(index);
    this.outbox.forgetWaitingAcks();
  }

  beginLeadership(startIndex: LogIndex): Leadership {
    const { options, now } = this;
    const peers = new Map<NodeId, Progress>();
    for (const node of membersOf(this.config)) {
      if (node === this.id) continue;
      const { inflightMessagesMax, inflightBytesMax } = options;
      const init = { node, next: startIndex, now, inflightMessagesMax, inflightBytesMax };
      peers.set(node, new Progress(init));
    }
    this.leadership = {
      startIndex,
      becameAtMs: now,
      peers,
      rounds: new Rounds(this.roundCounter),
      heartbeatDueAtMs: now,
      leaseFloorMs: -Infinity,
      forRound: { reads: [], asks: [] },
      forBarrier: { reads: [], asks: [], arrivedAtIndex: 0 as LogIndex },
      barriers: [],
    };
    return this.leadership;
  }
  #drawElectionTimeoutMs(): number {
    const { electionTimeoutMs } = this.options;
    return randomBetween(this.init.rng, electionTimeoutMs, 2 * electionTimeoutMs);
  }
}
