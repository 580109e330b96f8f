// A replica behind the consensus contract: every input comes in here, goes to the file of its role, and
// what it causes is drained by ready(). The protocol it speaks is what raft/ or paxos/ bring (protocol.ts).
import { assert } from "../base/index.ts";
import type { LogIndex, MonotonicMs, NodeId, Random, WriteId } from "../base/index.ts";
import { retryAsks } from "./asks.ts";
import type {
  Consensus,
  Envelope,
  MembershipWish,
  PeerStatus,
  ProposeReject,
  ProposeResult,
  QuorumSystem,
  ReadRequest,
  Ready,
  Role,
  Status,
} from "./contract.ts";
import { sameEpoch } from "./entry.ts";
import type { Entry, Epoch, LogReader, SnapshotMeta } from "./entry.ts";
import { Copier } from "./fork.ts";
import { onApplied, takeCommitted } from "./handout.ts";
import { leaseHolds } from "./lease.ts";
import { isCaughtUp } from "./liveness.ts";
import { onLoaded, takeLoad } from "./loading.ts";
import type { Protocol, ProtocolState } from "./protocol.ts";
import { expireReads, onRead } from "./reads.ts";
import { awaitsState, lacksState, markAt } from "./snapshot.ts";
import { waitingRead } from "./waiting-read.ts";

export class Core<M, S extends ProtocolState<M>> implements Consensus<M> {
  readonly #state: S;
  readonly #createProtocol: () => Protocol<M, S>;
  readonly #protocol: Protocol<M, S>;
  /** Something came in since the last drain. */
  #touched = true;

  /** `createProtocol`: one for each core, for it remembers what it checked last. */
  constructor(state: S, createProtocol: () => Protocol<M, S>) {
    this.#state = state;
    this.#createProtocol = createProtocol;
    this.#protocol = createProtocol();
    this.#protocol.checkInvariants(state);
  }

  propose(data: Uint8Array, now: MonotonicMs): ProposeResult {
    const state = this.#state;
    if (state.halted) return this.#refuse("halted");
    this.#begin(now);
    if (state.leadership === undefined) return this.#refuse(this.#noLeadership());
    const index = this.#protocol.propose(state, data);
    this.#end();
    return typeof index === "string"
      ? this.#refuse(index)
      : { ok: true, index, epoch: state.epoch };
  }

  proposeConfig(next: MembershipWish, expect: LogIndex, now: MonotonicMs): ProposeResult {
    const state = this.#state;
    if (state.halted) return this.#refuse("halted");
    this.#begin(now);
    const result = this.#protocol.proposeConfig(state, next, expect);
    this.#end();
    return result;
  }

  transferTo(node: NodeId, now: MonotonicMs): ProposeResult {
    const state = this.#state;
    if (state.halted) return this.#refuse("halted");
    this.#begin(now);
    const result = this.#protocol.transferTo(state, node);
    this.#end();
    return result;
  }

  step(message: Envelope<M>, now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    assert(message.to === state.id, "a message comes to whom it is addressed");
    this.#begin(now);
    this.#protocol.dispatch(state, message);
    this.#end();
  }

  tick(now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    this.#begin(now);
    this.#protocol.onTick(state, now);
    if (!state.halted) retryAsks(state, now);
    this.#end();
  }

  read(request: ReadRequest, now: MonotonicMs): void {
    const state = this.#state;
    const read = waitingRead(request, request.mode, now);
    if (state.halted) {
      this.#touched = true;
      state.reads.refuse(read, "halted", 0);
      return;
    }
    this.#begin(now);
    if (request.mode === "quorum") this.#protocol.onQuorumRead(state, read);
    else onRead(state, read);
    this.#end();
  }

  persisted(id: WriteId, now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    this.#begin(now);
    this.#protocol.onPersisted(state, id);
    this.#end();
  }

  storageFailed(now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    this.#begin(now);
    this.#protocol.becomeHalted(state);
    this.#end();
  }

  applied(index: LogIndex, now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    this.#begin(now);
    onApplied(state, index);
    this.#end();
  }

  snapshotSent(to: NodeId, ok: boolean, now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    this.#begin(now);
    this.#protocol.onSnapshotSent(state, to, ok);
    this.#end();
  }

  compactTo(index: LogIndex, now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    this.#begin(now);
    this.#protocol.onCheckpoint(state, Math.min(index, state.applied) as LogIndex);
    this.#end();
  }

  markAt(index: LogIndex): SnapshotMeta {
    return markAt(this.#state, index);
  }

  lacks(index: LogIndex): boolean {
    return lacksState(this.#state, index);
  }

  install(meta: SnapshotMeta, generation: number, now: MonotonicMs): boolean {
    const state = this.#state;
    if (state.halted || !lacksState(state, meta.index)) return false;
    this.#begin(now);
    this.#protocol.onInstall(state, meta, generation);
    this.#end();
    return true;
  }

  unreachable(to: NodeId, now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    this.#begin(now);
    this.#protocol.onUnreachable(state, to);
    this.#end();
  }

  loaded(_from: LogIndex, _until: LogIndex, now: MonotonicMs): void {
    const state = this.#state;
    if (state.halted) return;
    this.#begin(now);
    onLoaded(state);
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
    return sameEpoch(epoch, this.#state.epoch) && leaseHolds(this.#state, now);
  }

  canCommitBehind(committed: Entry, epoch: Epoch): boolean {
    if (this.#state.options.planted === "lost-said-too-early") return false;
    return this.#protocol.canCommitBehind(this.#state, committed, epoch);
  }

  hasReady(): boolean {
    return this.#touched;
  }

  ready(): Ready<M> {
    const state = this.#state;
    const protocol = this.#protocol;
    this.#touched = false;
    if (!state.halted) protocol.flush(state);
    const committed = state.halted ? [] : takeCommitted(state);
    const write = state.halted ? undefined : protocol.drainWrite(state);
    const load = takeLoad(state);
    const sendSnapshot = state.snapshotsDue;
    if (sendSnapshot.length > 0) state.snapshotsDue = [];
    protocol.checkInvariants(state);
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
    return this.#protocol.quorumsAt(this.#state, index);
  }

  status(): Status {
    const state = this.#state;
    const { epoch, leader, commit, durability, applied, config, leadership } = state;
    // Filled in place: it is asked for with every call, and an object spread together costs microseconds.
    const status: { -readonly [Name in keyof Status]: Status[Name] } = {
      role: this.#role(),
      epoch,
      committed: commit,
      durable: durability.index,
      applied,
      config,
    };
    if (leader !== 0) status.leader = leader;
    if (leadership !== undefined) {
      status.ledFrom = leadership.startIndex;
      status.heartbeatDueAtMs = leadership.heartbeatDueAtMs as MonotonicMs;
    }
    if (this.#protocol.isDispensable(state)) status.dispensable = true;
    if (leadership?.transfer !== undefined) status.transferee = leadership.transfer.to;
    if (awaitsState(state)) status.awaiting = state.stateFloor;
    const { freshAtMs } = state.freshness;
    if (freshAtMs !== undefined) status.freshAtMs = freshAtMs;
    return status;
  }

  peers(): readonly PeerStatus[] {
    const state = this.#state;
    return [...(state.leadership?.peers.values() ?? [])].map((peer) => ({
      node: peer.node,
      match: peer.match,
      heardAtMs: peer.heardAtMs,
      caughtUp: isCaughtUp(state, peer),
    }));
  }

  fork(log: LogReader, rng: Random): Consensus<M> {
    const { init } = this.#state;
    const twins = new Map<object, object>([
      [init, { ...init, log, rng }],
      [init.log, log],
      [init.options, init.options],
    ]);
    return new Core(new Copier(twins).of(this.#state), this.#createProtocol);
  }

  canonical(now: MonotonicMs, horizonMs: number): string {
    const { init } = this.#state;
    const owned = [init, init.log, init.options].map((each) => [each, each] as const);
    const copier = new Copier(new Map<object, object>(owned), { now, horizonMs });
    copier.of(init.boot);
    copier.instant(init.bootAtMs);
    copier.of(this.#state);
    return copier.text;
  }

  #begin(now: MonotonicMs): void {
    const state = this.#state;
    assert(now >= state.now, "the clock never goes back (contract, duty 4)");
    state.now = now;
    this.#touched = true;
    if (expireReads(state, now)) this.#protocol.onReadsExpired(state);
  }

  #end(): void {
    this.#protocol.checkInvariants(this.#state);
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
