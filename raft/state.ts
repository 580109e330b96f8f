// One replica's whole Raft state. Data only: what may happen to it is in the file of each role. What Raft
// shares with Paxos is consensus/replica-state.ts.
import { assert } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import { Outbox, ReplicaState, quorumValue } from "../consensus/index.ts";
import type {
  Ask,
  ConsensusInit,
  Entry,
  Membership,
  Progress,
  SnapshotMeta,
  WaitingRead,
} from "../consensus/index.ts";
import { Durability } from "./durability.ts";
import { LogView } from "./log-view.ts";
import { AppendedMembership } from "./membership.ts";
import type { RaftMessage } from "./message.ts";

export class RaftState extends ReplicaState {
  readonly log: LogView;
  readonly durability: Durability;
  readonly outbox: Outbox<RaftMessage>;
  readonly membership: AppendedMembership;

  term: number;
  votedFor: NodeId | 0;
  /** The vote that goes to disk with the term. */
  voteToPersist: NodeId | 0;
  /** The term that the leader allowed this node to campaign in at once (R13). */
  transferTerm = 0;

  /** The acknowledgement that this turn's appends earn, sent once at its end. */
  ackDue: { readonly to: NodeId; readonly match: LogIndex } | undefined;
  /** Where the log is to be cut with the next write: the state up to there is durable. */
  compactDue: SnapshotMeta | undefined;
  /** The highest match already waiting in some write's `after`, in the current term. */
  matchWaiting = 0;
  /** At a leader: reads and asks that an entry appended after their arrival will confirm. */
  forBarrier: { reads: WaitingRead[]; asks: Ask[]; arrivedAtIndex: LogIndex } = {
    reads: [],
    asks: [],
    arrivedAtIndex: 0 as LogIndex,
  };
  /** Appended barriers, oldest first. */
  barriers: { readonly index: LogIndex; reads: WaitingRead[]; asks: Ask[] }[] = [];

  constructor(init: ConsensusInit) {
    const log = new LogView(init.log);
    const { options, promised, applied, commitHint } = init;
    const { compacted, last } = log;
    const commit = Math.max(compacted, applied, Math.min(commitHint, last)) as LogIndex;
    super(init, { config: 0, round: promised.round, node: 0 }, commit);
    this.log = log;
    this.durability = new Durability(last);
    this.membership = new AppendedMembership(init.configs);
    this.outbox = new Outbox({
      id: init.id,
      incarnation: init.incarnation,
      durability: this.durability,
      planted: options.planted,
    });
    this.term = promised.round;
    this.votedFor = init.votedFor;
    this.voteToPersist = init.votedFor;
    assert(applied <= last, `applied ${applied} > last ${last} (S2)`);
    assert(this.term >= log.lastTerm, `term ${this.term} < last entry's ${log.lastTerm}`);
    for (const { leaseMs } of init.configs) {
      assert(
        options.electionTimeoutMs >= leaseMs,
        `election timeout < lease constant ${leaseMs} (R7)`,
      );
    }
  }

  override get config(): Membership {
    return this.membership.current;
  }

  override get configs(): readonly Membership[] {
    return this.membership.all;
  }

  /** R6: everything committed before a read arrived is at or below the commit index then. */
  override get readIndex(): LogIndex {
    return this.commit;
  }

  override quorumReached(valueOf: (node: NodeId) => number): number {
    if (this.options.planted === "removed-leader-counts-itself" && !this.isVoter) {
      const incoming = [...this.config.incoming, this.id];
      return quorumValue({ ...this.config, incoming }, valueOf);
    }
    return quorumValue(this.config, valueOf);
  }

  override commitFor(peer: Progress): LogIndex {
    return peer.match < this.commit ? peer.match : this.commit;
  }

  override slice(from: LogIndex, until: number, bytesMax: number): ReturnType<LogView["slice"]> {
    return this.log.slice(from, until, bytesMax);
  }

  override emit(to: NodeId, body: RaftMessage): void {
    this.outbox.emit(to, this.epoch, body);
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
    this.membership.onPut(entry);
  }

  /** Only what is not committed may go (Raft 5.3); its configurations go with it (R10). */
  truncateFrom(index: LogIndex): void {
    assert(index > this.commit, `entry ${index} is committed (${this.commit}) and cannot change`);
    this.log.truncateFrom(index);
    this.durability.onTruncated(index);
    this.membership.onTruncated(index);
    this.matchWaiting = 0;
  }
}
