// A Raft replica behind the consensus contract: every input comes in here, goes to the file of its role, and
// what it causes is drained by ready(). Messages go by dispatch.ts.
import { assert } from "../base/index.ts";
import type { LogIndex, MonotonicMs, NodeId, WriteId } from "../base/index.ts";
import { majoritySystem } from "../consensus/index.ts";
import type {
  Consensus,
  ConsensusFactory,
  Entry,
  Envelope,
  Epoch,
  ProposeReject,
  ProposeResult,
  QuorumSystem,
  ReadRequest,
  Ready,
  Role,
  Status,
} from "../consensus/index.ts";
import { flushAck } from "./append.ts";
import { flushAsks, retryAsks } from "./asks.ts";
import { advanceLeaderCommit, onApplied, takeCommitted } from "./commit.ts";
import { dispatch } from "./dispatch.ts";
import { onElectionTick, onOwnVoteDurable } from "./election.ts";
import { flushRounds } from "./heartbeat.ts";
import { Invariants } from "./invariants.ts";
import { leaseHolds } from "./lease.ts";
import { onLoaded, takeLoad } from "./loading.ts";
import { entryBytes } from "./log-view.ts";
import type { RaftMessage } from "./message.ts";
import { expireReads, flushBarrier, onRead, settleReads } from "./reads.ts";
import { flushAppends, onSnapshotSent, onUnreachable } from "./replication.ts";
import { becomeHalted } from "./roles.ts";
import { RaftState } from "./state.ts";
import { waitingRead } from "./waiting-read.ts";
import { drainWrite } from "./writes.ts";

/** A replica at rest, as its disk left it; it follows, and campaigns when it hears no leader. */
export const createRaft: ConsensusFactory<RaftMessage> = (init) => new Raft(new RaftState(init));

type RaftEnvelope = Envelope<RaftMessage>;

class Raft implements Consensus<RaftMessage> {
  readonly #state: RaftState;
  readonly #invariants = new Invariants();
  /** Something came in since the last drain. */
  #touched = true;

  constructor(state: RaftState) {
    this.#state = state;
    this.#invariants.check(state);
  }

  propose(data: Uint8Array, now: MonotonicMs): ProposeResult {
    const state = this.#state;
    if (state.halted) return this.#refuse("halted");
    this.#begin(now);
    if (state.leadership === undefined) return this.#refuse(this.#noLeadership());
    const { proposals, epoch } = state;
    const index = (state.log.last + 1) as LogIndex;
    const entry: Entry = { kind: "command", index, epoch, data };
    const bytes = entryBytes(entry);
    const full = proposals.bytes + bytes > state.options.uncommittedBytesMax;
    if (full && proposals.count > 0) return this.#refuse("uncommitted-full");
    state.appendEntry(entry);
    proposals.add(index, epoch, bytes);
    this.#end();
    return { ok: true, index, epoch };
  }

  proposeConfig(): ProposeResult {
    return this.#refuse(this.#state.halted ? "halted" : "unsupported");
  }

  transferTo(): ProposeResult {
    return this.#refuse(this.#state.halted ? "halted" : "unsupported");
  }

  step(message: RaftEnvelope, now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    assert(message.to === state.id, "a message comes to whom it is addressed");
    this.#begin(now);
    dispatch(state, message);
    this.#end();
  }

  tick(now: MonotonicMs): void {
    if (this.#state.halted) return;
    this.#begin(now);
    onElectionTick(this.#state, now);
    retryAsks(this.#state, now);
    this.#end();
  }

  read(request: ReadRequest, now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) {
      this.#touched = true;
      state.reads.refuse(waitingRead(request, request.mode, now), "halted", 0);
      return;
    }
    this.#begin(now);
    onRead(state, request, now);
    this.#end();
  }

  persisted(id: WriteId, now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    this.#begin(now);
    state.durability.onPersisted(id);
    onOwnVoteDurable(state);
    advanceLeaderCommit(state);
    this.#end();
  }

  storageFailed(now: MonotonicMs): void {
    if (this.#state.halted) return;
    this.#begin(now);
    becomeHalted(this.#state);
    this.#end();
  }

  applied(index: LogIndex, now: MonotonicMs): void {
    if (this.#state.halted) return;
    this.#begin(now);
    onApplied(this.#state, index);
    this.#end();
  }

  snapshotSent(to: NodeId, ok: boolean, now: MonotonicMs): void {
    if (this.#state.halted) return;
    this.#begin(now);
    onSnapshotSent(this.#state, to, ok);
    this.#end();
  }

  unreachable(to: NodeId, now: MonotonicMs): void {
    if (this.#state.halted) return;
    this.#begin(now);
    onUnreachable(this.#state, to);
    this.#end();
  }

  loaded(_from: LogIndex, _until: LogIndex, now: MonotonicMs): void {
    if (this.#state.halted) return;
    this.#begin(now);
    onLoaded(this.#state);
    this.#end();
  }

  clockUncertain(now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    this.#begin(now);
    state.freshness.onClockUncertain(now);
    state.reads.onClockUncertain();
    if (state.leadership !== undefined) state.leadership.leaseFloorMs = now;
    this.#end();
  }

  leaseHolds(epoch: Epoch, now: MonotonicMs): boolean {
    return epoch.round === this.#state.term && leaseHolds(this.#state, now);
  }

  hasReady(): boolean {
    return this.#touched;
  }

  ready(): Ready<RaftMessage> {
    const state = this.#state;
    this.#touched = false;
    if (!state.halted) this.#flush();
    const committed = state.halted ? [] : takeCommitted(state);
    const write = state.halted ? undefined : drainWrite(state);
    const load = takeLoad(state);
    const sendSnapshot = state.snapshotsDue;
    if (sendSnapshot.length > 0) state.snapshotsDue = [];
    this.#invariants.check(state);
    return {
      send: state.outbox.drainSend(),
      ...(write === undefined ? {} : { write }),
      committed,
      reads: state.reads.drain(),
      outcomes: state.proposals.drain(),
      sendSnapshot,
      ...(load === undefined ? {} : { load }),
    };
  }

  quorumsAt(index: LogIndex): QuorumSystem {
    return majoritySystem(this.#state.membership.at(index));
  }

  status(): Status {
    const { epoch, leader, commit, durability, applied, config, freshness } = this.#state;
    const { freshAtMs } = freshness;
    return {
      role: this.#role(),
      epoch,
      ...(leader === 0 ? {} : { leader }),
      committed: commit,
      durable: durability.index,
      applied,
      config,
      ...(freshAtMs === undefined ? {} : { freshAtMs }),
    };
  }

  /** Reads first, so that what a lease no longer covers goes with this turn's round; rounds before appends,
   * so that a heartbeat tells the commit index and no notice need follow it. */
  #flush(): void {
    const state = this.#state;
    settleReads(state);
    if (state.leadership !== undefined) {
      flushBarrier(state);
      flushRounds(state);
      flushAppends(state);
      settleReads(state);
    } else {
      flushAsks(state);
      flushAck(state);
    }
  }

  #begin(now: MonotonicMs): void {
    const state = this.#state;
    assert(now >= state.now, "the clock never goes back (contract, duty 4)");
    state.now = now;
    this.#touched = true;
    expireReads(state, now);
  }

  #end(): void {
    this.#invariants.check(this.#state);
  }

  #refuse(reason: ProposeReject): ProposeResult {
    const { leader } = this.#state;
    return { ok: false, reason, ...(leader === 0 ? {} : { leader }) };
  }

  #noLeadership(): ProposeReject {
    return this.#state.leader === 0 ? "no-leader" : "not-leader";
  }

  #role(): Role {
    const { halted, role, isVoter } = this.#state;
    if (halted) return "halted";
    if (role === "follower") return isVoter ? "follower" : "learner";
    return role === "leader" ? "leader" : "candidate";
  }
}
