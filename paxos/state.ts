// One replica's whole Paxos state: acceptor, proposer and learner in one. Data only: what may happen to it is
// in the file of each role. What Paxos shares with Raft is consensus/replica-state.ts.
import { assert } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import {
  Outbox,
  ReplicaState,
  checkMembership,
  compareEpochs,
  configAt,
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
  readonly #configs: readonly Membership[];

  /** Of a candidate. */
  promises: Promises | undefined;
  /** Of a leader: its proposals, from `proposedFrom` on, are in its ballot. */
  acceptances: Acceptances | undefined;
  proposedFrom = 0 as LogIndex;

  /** The promise that waits for entries to be loaded. */
  promiseDue: { readonly to: NodeId; readonly from: LogIndex } | undefined;
  /** For a promise or an own candidacy; good until anything else is accepted, over any number of ballots. */
  gathering: Gathering | undefined;
  /** Who waits for chosen slots that must be loaded: from which on. */
  readonly learnsDue = new Map<NodeId, LogIndex>();
  /** Acceptances that this turn earned: slots [from, until). */
  acceptedDue: { readonly to: NodeId; readonly epoch: Epoch; from: number; until: number }[] = [];

  /** What the leader of this ballot says to be chosen. */
  chosenTold = 0 as LogIndex;
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
    this.durability = new Durability(() => log.last);
    this.outbox = new Outbox({
      id: init.id,
      incarnation: init.incarnation,
      durability: this.durability,
      planted: options.planted,
    });
    this.#configs = init.configs;
    this.commitMovedAtMs = init.bootAtMs;
    assert(applied <= log.last, `applied ${applied} > last ${log.last} (S2)`);
    for (const config of init.configs) {
      checkMembership(config);
      quorumSizes(config, options.quorums);
      assert(
        options.electionTimeoutMs >= config.leaseMs,
        `election timeout < lease constant ${config.leaseMs} (R7)`,
      );
    }
  }

  override get config(): Membership {
    return configAt(this.#configs, (this.log.last + 1) as LogIndex);
  }

  override get configs(): readonly Membership[] {
    return this.#configs;
  }

  /** P9: whatever may be chosen by the time a read arrives is at or below the highest slot proposed. */
  override get readIndex(): LogIndex {
    return this.options.planted === "paxos-index-uses-commit" ? this.commit : this.log.last;
  }

  override quorumReached(valueOf: (node: NodeId) => number): number {
    const { config } = this;
    return countedValue(config.incoming, this.#sizes(config).phase2, valueOf);
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
    const config = configAt(this.#configs, slot);
    const { phase1, phase2 } = this.#sizes(config);
    const count = (acks: ReadonlySet<NodeId>): number =>
      config.incoming.filter((node) => acks.has(node)).length;
    return { phase1: (acks) => count(acks) >= phase1, phase2: (acks) => count(acks) >= phase2 };
  }

  /** Of everything proposed next. */
  get quorums(): QuorumSystem {
    return this.quorumsAt((this.log.last + 1) as LogIndex);
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
    this.durability.onPut(entry.index, by);
  }

  #sizes(config: Membership): QuorumSizes {
    const sizes = quorumSizes(config, this.options.quorums);
    if (this.options.planted !== "quorums-do-not-intersect") return sizes;
    return { ...sizes, phase1: config.incoming.length - sizes.phase2 };
  }
}
