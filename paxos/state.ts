// One replica's whole Paxos state: acceptor, proposer and learner in one. Data only: what may happen to it is
// in the file of each role. What Paxos shares with Raft is consensus/replica-state.ts.
import { assert } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import {
  Outbox,
  ReplicaState,
  compareEpochs,
  countedValue,
  quorumSizes,
} from "../consensus/index.ts";
import type {
  ConsensusInit,
  Entry,
  Epoch,
  Membership,
  Progress,
  QuorumSizes,
  QuorumSystem,
  SnapshotMeta,
  WaitingRead,
} from "../consensus/index.ts";
import type { Acceptances } from "./acceptances.ts";
import { Durability } from "./durability.ts";
import { LogView } from "./log-view.ts";
import { ChosenMembership } from "./membership.ts";
import type { PaxosMessage } from "./message.ts";
import type { Promises } from "./promises.ts";

/** A quorum read's question to the acceptors (P10). */
export interface SlotPoll {
  readonly counter: number;
  readonly sentAtMs: number;
  readonly answered: Set<NodeId>;
  /** The highest slot heard of. */
  slot: LogIndex;
  reads: WaitingRead[];
}

/** What was accepted in [first, next), gathered over several loads: it need not fit into memory at once. */
export interface Gathering {
  readonly first: LogIndex;
  next: LogIndex;
  readonly entries: Entry[];
}

export class PaxosState extends ReplicaState {
  readonly log: LogView;
  readonly durability: Durability;
  readonly outbox: Outbox<PaxosMessage>;
  readonly membership: ChosenMembership;

  /** Of a candidate. */
  promises: Promises | undefined;
  /** Of a leader: its proposals, from `proposedFrom` on, are in its ballot. */
  acceptances: Acceptances | undefined;
  proposedFrom = 0 as LogIndex;

  /** It led the configuration before the one in force, and campaigns in this one at the end of the turn. */
  succeeds = false;

  /** The promise that waits for entries to be loaded. */
  promiseDue: { readonly to: NodeId; readonly from: LogIndex } | undefined;
  /** For a promise or an own candidacy; good until anything else is accepted, over any number of ballots. */
  gathering: Gathering | undefined;
  /** Who waits for chosen slots that must be loaded: from which on. */
  readonly learnsDue = new Map<NodeId, LogIndex>();
  /** Acceptances that this turn earned: slots [from, until). */
  acceptedDue: { readonly to: NodeId; readonly epoch: Epoch; from: number; until: number }[] = [];

  /** Who has been heard of in the configuration in force or a later one: they hold the state to its stop-sign. */
  successors = new Set<NodeId>();
  successorsAskedAtMs = -Infinity;
  /** What the leader of this ballot says to be chosen: what was accepted in it here is the value. */
  chosenTold = 0 as LogIndex;
  /** What anybody says to be chosen, with whatever value: it is to be learnt. */
  chosenHeard = 0 as LogIndex;
  /** The question for chosen values that is under way. */
  learning: { readonly from: LogIndex; readonly sentAtMs: number } | undefined;
  /** Whom to ask when nobody leads: counts up, so that each peer gets its turn. */
  learnTurn = 0;
  /** When the commit index last moved, or first fell behind what the leader says. */
  commitMovedAtMs: number;

  /** Where the log is to be cut with the next write: the state up to there is durable. */
  compactDue: SnapshotMeta | undefined;
  /** By peer: the slot of the snapshot on its way to it. */
  readonly snapshotsUnderWay = new Map<NodeId, LogIndex>();

  /** Quorum reads that wait for the next question. */
  forPoll: WaitingRead[] = [];
  slotPolls: SlotPoll[] = [];
  /** The highest slot that quorum reads wait for. */
  rinseThrough = 0 as LogIndex;

  constructor(init: ConsensusInit) {
    const log = new LogView(init.log);
    const { applied, commitHint, options } = init;
    const commit = Math.max(log.compacted, applied, Math.min(commitHint, log.last)) as LogIndex;
    super(init, init.promised, commit);
    this.log = log;
    this.durability = new Durability(log);
    this.outbox = new Outbox({
      id: init.id,
      incarnation: init.incarnation,
      durability: this.durability,
      planted: options.planted,
    });
    this.membership = new ChosenMembership(init.configs, commit);
    this.commitMovedAtMs = init.bootAtMs;
    assert(applied <= log.last, `applied ${applied} > last ${log.last} (S2)`);
    for (const config of init.configs) {
      assert(
        options.electionTimeoutMs >= config.leaseMs,
        `election timeout < lease constant ${config.leaseMs} (R7)`,
      );
    }
    const first = firstBallot(this.config);
    assert(first.config >= this.epoch.config, `promised ${this.epoch.config} > ${first.config}`);
    // What is applied may be ahead of the promise that went to disk beside it: nothing rests on it yet.
    if (first.config > this.epoch.config) this.promise(first);
  }

  /** Of every slot that is still open (P8). */
  override get config(): Membership {
    return this.membership.current;
  }

  override get configs(): readonly Membership[] {
    return this.membership.all;
  }

  /** At a leader: where its own proposals end, because a configuration is proposed there and not chosen (P8). */
  get stopSign(): LogIndex | undefined {
    const { index } = this.membership.latest;
    return index > this.commit && index >= this.proposedFrom ? index : undefined;
  }

  /**
   * Once the stop-sign is chosen others may lead the next configuration and choose behind it, before this leader
   * knows: neither its lease nor its rounds speak for that one (R7, P9).
   */
  override get answersReads(): boolean {
    const sealed = this.stopSign !== undefined && this.options.planted !== "read-behind-stop-sign";
    return this.committedInEpoch && !sealed;
  }

  /** P9: whatever may be chosen by the time a read arrives is at or below the highest slot proposed. */
  override get readIndex(): LogIndex {
    return this.options.planted === "paxos-index-uses-commit" ? this.commit : this.log.last;
  }

  override quorumReached(valueOf: (node: NodeId) => number): number {
    const { config } = this;
    return countedValue(config.incoming, this.sizesOf(config).phase2, valueOf);
  }

  override commitFor(_peer: Progress): LogIndex {
    return this.commit;
  }

  override slice(from: LogIndex, until: number, bytesMax: number): ReturnType<LogView["slice"]> {
    return this.log.slice(from, until, bytesMax);
  }

  override emit(to: NodeId, body: PaxosMessage): void {
    this.outbox.emit(to, this.epoch, body);
  }

  /** The quorums for `slot`: those of the configuration that governs it (P8). */
  quorumsAt(slot: LogIndex): QuorumSystem {
    const config = this.membership.governing(slot);
    const { phase1, phase2 } = this.sizesOf(config);
    const count = (acks: ReadonlySet<NodeId>): number =>
      config.incoming.filter((node) => acks.has(node)).length;
    return { phase1: (acks) => count(acks) >= phase1, phase2: (acks) => count(acks) >= phase2 };
  }

  /** Of every open slot. */
  get quorums(): QuorumSystem {
    return this.quorumsAt((this.commit + 1) as LogIndex);
  }

  /** The acceptor's promise: no lower ballot is accepted from here on (P2). */
  promise(ballot: Epoch): void {
    assert(compareEpochs(ballot, this.epoch) > 0, "promises never fall");
    this.epoch = ballot;
    this.chosenTold = 0 as LogIndex;
    this.durability.onPromiseChanged();
    this.durability.onBallotChanged();
  }

  put(entry: Entry, by: "proposer" | "acceptor"): void {
    this.gathering = undefined;
    this.log.put(entry);
    this.membership.onPut(entry);
    this.durability.onPut(entry.index, by);
  }

  /** What was accepted from `slot` on can never be chosen. */
  truncateFrom(slot: LogIndex): void {
    this.gathering = undefined;
    this.log.truncateFrom(slot);
    this.membership.onTruncated(slot);
  }

  sizesOf(config: Membership): QuorumSizes {
    const sizes = quorumSizes(config, this.options.quorums);
    if (this.options.planted !== "quorums-do-not-intersect") return sizes;
    return { ...sizes, phase1: config.incoming.length - sizes.phase2 };
  }
}

/** Below every ballot of a proposer; a replica promises it when it enters the configuration (P8). */
export function firstBallot({ index }: Membership): Epoch {
  return { config: index, round: 0, node: 0 };
}
