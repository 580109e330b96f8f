// Reads, from their arrival to their grant: which mode goes which way, and when the applied state answers
// (R6, R7, F3). Confirmation itself is heartbeat.ts (rounds) and asks.ts (non-leaders); `quorum` reads go
// the way of each protocol, in raft/reads.ts and paxos/reads.ts.
import { present } from "../base/index.ts";
import type { LogIndex, MonotonicMs } from "../base/index.ts";
import type { Guarantee, ReadRequest } from "./contract.ts";
import { leaseHolds } from "./lease.ts";
import type { Ask } from "./rounds.ts";
import type { ReplicaState } from "./replica-state.ts";
import { awaitsState } from "./snapshot.ts";
import type { WaitingRead } from "./waiting-read.ts";

/** Of every mode but `quorum`. */
export function onRead(state: ReplicaState, read: WaitingRead): void {
  const { request } = read;
  if (request.mode === "learner" || request.mode === "local") {
    // It holds what is applied and nothing says that its arrival time bounds its age.
    read.arrivedAtMs = -Infinity;
    if (!awaitsState(state)) grant(state, read, state.applied);
    else if (hasRoom(state, read)) {
      state.reads.add(read);
      confirmRead(state, read, state.stateFloor);
    }
    return;
  }
  if (request.mode === "lease" && grantLeased(state, read)) return;
  if (!hasRoom(state, read)) return;
  if (state.leadership !== undefined) waitAsLeader(state, read);
  else waitAsFollower(state, read);
}

/** The bound on waiting reads; a read beyond it, or one that comes too late, ends here. */
export function hasRoom(state: ReplicaState, read: WaitingRead): boolean {
  if (read.request.deadlineAtMs <= state.now) {
    state.reads.refuse(read, "deadline", state.leader);
    return false;
  }
  if (state.reads.count < state.options.readsWaitingMax) return true;
  state.reads.refuse(read, "overloaded", state.leader);
  return false;
}

function waitAsLeader(state: ReplicaState, read: WaitingRead): void {
  state.reads.add(read);
  if (read.request.mode === "lease" && leaseHolds(state, state.now)) {
    confirmRead(state, read, state.readIndex);
  } else {
    waitForRound(state, read);
  }
}

function waitForRound(state: ReplicaState, read: WaitingRead): void {
  read.used = "index";
  state.leading.forRound.reads.push(read);
}

function waitAsFollower(state: ReplicaState, read: WaitingRead): void {
  const { mode } = read.request;
  if (state.leader === 0) state.reads.refuse(read, "no-leader", 0);
  else if (mode === "lease") state.reads.refuse(read, "not-leader", state.leader);
  else {
    state.reads.add(read);
    read.used = "follower";
    state.forAsk.round.push(read);
  }
}

/** The common case of a leader under lease whose state is up to date: no table, no queue. */
function grantLeased(state: ReplicaState, read: WaitingRead): boolean {
  if (state.readIndex > state.applied || !leaseHolds(state, state.now)) return false;
  grant(state, read, state.readIndex);
  return true;
}

/** Everything committed before the read arrived is within `index`; what remains is to apply it. */
export function confirmRead(state: ReplicaState, read: WaitingRead, index: LogIndex): void {
  if (read.ended) return;
  read.index = index;
  state.applyQueue.add(read);
}

/** Grants every read whose index is applied. A lease must still hold now: else a round confirms it. */
export function settleReads(state: ReplicaState): void {
  for (;;) {
    const read = state.applyQueue.take(state.applied);
    if (read === undefined) return;
    if (read.ended) continue;
    if (read.used !== "lease" || leaseHolds(state, state.now)) grant(state, read, read.index);
    else if (state.leadership !== undefined) waitForRound(state, read);
    else state.reads.refuse(read, "superseded", state.leader);
  }
}

export function answerAsk(state: ReplicaState, ask: Ask, index: LogIndex): void {
  const peer = state.leading.peers.get(ask.from);
  if (peer !== undefined) peer.asksWaiting -= 1;
  state.emit(ask.from, { kind: "read-index-answer", id: ask.id, index });
}

/** The leadership that unconfirmed reads rest on is over, or another leader's has begun. */
export function supersedeReads(state: ReplicaState): void {
  const end = (reads: readonly WaitingRead[]): void => {
    for (const read of reads) state.reads.refuse(read, "superseded", 0);
  };
  const { leadership } = state;
  if (leadership !== undefined) {
    end(leadership.forRound.reads);
    for (const round of leadership.rounds.inFlight) end(round.reads);
  }
  end(state.forAsk.round);
  end(state.forAsk.barrier);
  for (const ask of state.openAsks) end(ask.reads);
  state.forAsk = { round: [], barrier: [] };
  state.openAsks = [];
}

/** Ends reads whose deadline has come, and lets the queues go of them; true if there were any. */
export function expireReads(state: ReplicaState, now: MonotonicMs): boolean {
  if (!state.reads.expire(now, state.leader)) return false;
  const live = (read: WaitingRead): boolean => !read.ended;
  state.applyQueue.dropEnded();
  state.forAsk.round = state.forAsk.round.filter(live);
  state.forAsk.barrier = state.forAsk.barrier.filter(live);
  state.openAsks = state.openAsks.map((ask) => ({ ...ask, reads: ask.reads.filter(live) }));
  const { leadership } = state;
  if (leadership === undefined) return true;
  leadership.forRound.reads = leadership.forRound.reads.filter(live);
  for (const round of leadership.rounds.inFlight) round.reads = round.reads.filter(live);
  return true;
}

const GUARANTEES: Readonly<Record<ReadRequest["mode"], Guarantee>> = {
  quorum: "linearizable",
  index: "linearizable",
  lease: "linearizable",
  follower: "linearizable",
  learner: "bounded-stale",
  local: "prefix",
};

function grant(state: ReplicaState, read: WaitingRead, index: LogIndex): void {
  const guarantee = present(GUARANTEES[read.request.mode], "the guarantee of a mode");
  const { freshAtMs } = state.freshness;
  state.reads.grant(read, index, { epoch: state.epoch, guarantee, freshAtMs });
}
