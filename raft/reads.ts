// Reads, from their arrival to their grant: which mode goes which way, and when the applied state answers
// (R6, R7, F3). Confirmation itself is heartbeat.ts (rounds), barriers here, and asks.ts (non-leaders).
import { present } from "../base/index.ts";
import type { LogIndex, MonotonicMs } from "../base/index.ts";
import type { Guarantee, ReadRequest } from "../consensus/index.ts";
import { leaseHolds } from "./lease.ts";
import type { Ask } from "./rounds.ts";
import type { RaftState } from "./state.ts";
import { waitingRead } from "./waiting-read.ts";
import type { WaitingRead } from "./waiting-read.ts";

export function onRead(state: RaftState, request: ReadRequest, now: MonotonicMs): void {
  const read = waitingRead(request, request.mode, now);
  if (request.mode === "learner" || request.mode === "local") {
    // It holds what is applied and nothing says that its arrival time bounds its age.
    read.arrivedAtMs = -Infinity;
    grant(state, read, state.applied);
    return;
  }
  if (request.mode === "lease" && grantLeased(state, read)) return;
  if (request.deadlineAtMs <= now) {
    state.reads.refuse(read, "deadline", state.leader);
    return;
  }
  if (state.reads.count >= state.options.readsWaitingMax) {
    state.reads.refuse(read, "overloaded", state.leader);
    return;
  }
  if (state.leadership !== undefined) waitAsLeader(state, read);
  else waitAsFollower(state, read);
}

function waitAsLeader(state: RaftState, read: WaitingRead): void {
  const { forBarrier } = state.leading;
  state.reads.add(read);
  if (read.request.mode === "quorum") {
    forBarrier.reads.push(read);
    forBarrier.arrivedAtIndex = state.log.last;
  } else if (read.request.mode === "lease" && leaseHolds(state, state.now)) {
    confirmRead(state, read, state.commit);
  } else {
    waitForRound(state, read);
  }
}

function waitForRound(state: RaftState, read: WaitingRead): void {
  read.used = "index";
  state.leading.forRound.reads.push(read);
}

function waitAsFollower(state: RaftState, read: WaitingRead): void {
  const { mode } = read.request;
  if (state.leader === 0) state.reads.refuse(read, "no-leader", 0);
  else if (mode === "lease") state.reads.refuse(read, "not-leader", state.leader);
  else {
    state.reads.add(read);
    read.used = mode === "quorum" ? "quorum" : "follower";
    (mode === "quorum" ? state.forAsk.barrier : state.forAsk.round).push(read);
  }
}

/** The common case of a leader under lease whose state is up to date: no table, no queue. */
function grantLeased(state: RaftState, read: WaitingRead): boolean {
  if (state.commit > state.applied || !leaseHolds(state, state.now)) return false;
  grant(state, read, state.commit);
  return true;
}

/** Everything committed before the read arrived is within `index`; what remains is to apply it. */
export function confirmRead(state: RaftState, read: WaitingRead, index: LogIndex): void {
  if (read.ended) return;
  read.index = index;
  state.applyQueue.add(read);
}

/** Grants every read whose index is applied. A lease must still hold now: else a round confirms it. */
export function settleReads(state: RaftState): void {
  for (;;) {
    const read = state.applyQueue.take(state.applied);
    if (read === undefined) return;
    if (read.ended) continue;
    if (read.used !== "lease" || leaseHolds(state, state.now)) grant(state, read, read.index);
    else if (state.leadership !== undefined) waitForRound(state, read);
    else state.reads.refuse(read, "superseded", state.leader);
  }
}

/**
 * Turns this turn's `quorum` reads into a barrier: an entry of this term appended after they arrived. A
 * command that was proposed since serves; else one no-op serves them all.
 */
export function flushBarrier(state: RaftState): void {
  const { forBarrier, barriers } = state.leading;
  const { reads, asks, arrivedAtIndex } = forBarrier;
  if (reads.length === 0 && asks.length === 0) return;
  if (state.log.last === arrivedAtIndex) {
    state.appendEntry({
      kind: "noop",
      index: (state.log.last + 1) as LogIndex,
      epoch: state.epoch,
    });
  }
  barriers.push({ index: state.log.last, reads, asks });
  forBarrier.reads = [];
  forBarrier.asks = [];
}

export function onBarriersCommitted(state: RaftState): void {
  const { barriers } = state.leading;
  let reached = 0;
  for (const { index, reads, asks } of barriers) {
    if (index > state.commit) break;
    for (const read of reads) confirmRead(state, read, index);
    for (const ask of asks) answerAsk(state, ask, index);
    reached += 1;
  }
  if (reached > 0) barriers.splice(0, reached);
}

export function answerAsk(state: RaftState, ask: Ask, index: LogIndex): void {
  const peer = state.leading.peers.get(ask.from);
  if (peer !== undefined) peer.asksWaiting -= 1;
  state.emit(ask.from, { kind: "read-index-answer", id: ask.id, index });
}

/** The leadership that unconfirmed reads rest on is over, or another leader's has begun. */
export function supersedeReads(state: RaftState): void {
  const end = (reads: readonly WaitingRead[]): void => {
    for (const read of reads) state.reads.refuse(read, "superseded", 0);
  };
  const { leadership } = state;
  if (leadership !== undefined) {
    end(leadership.forRound.reads);
    end(leadership.forBarrier.reads);
    for (const round of leadership.rounds.inFlight) end(round.reads);
    for (const barrier of leadership.barriers) end(barrier.reads);
  }
  end(state.forAsk.round);
  end(state.forAsk.barrier);
  for (const ask of state.openAsks) end(ask.reads);
  state.forAsk = { round: [], barrier: [] };
  state.openAsks = [];
}

/** Ends reads whose deadline has come, and lets the queues go of them. */
export function expireReads(state: RaftState, now: MonotonicMs): void {
  if (!state.reads.expire(now, state.leader)) return;
  const live = (read: WaitingRead): boolean => !read.ended;
  state.applyQueue.dropEnded();
  state.forAsk.round = state.forAsk.round.filter(live);
  state.forAsk.barrier = state.forAsk.barrier.filter(live);
  state.openAsks = state.openAsks.map((ask) => ({ ...ask, reads: ask.reads.filter(live) }));
  const { leadership } = state;
  if (leadership === undefined) return;
  leadership.forRound.reads = leadership.forRound.reads.filter(live);
  leadership.forBarrier.reads = leadership.forBarrier.reads.filter(live);
  for (const round of leadership.rounds.inFlight) round.reads = round.reads.filter(live);
  for (const barrier of leadership.barriers) barrier.reads = barrier.reads.filter(live);
}

const GUARANTEES: Readonly<Record<ReadRequest["mode"], Guarantee>> = {
  quorum: "linearizable",
  index: "linearizable",
  lease: "linearizable",
  follower: "linearizable",
  learner: "bounded-stale",
  local: "prefix",
};

function grant(state: RaftState, read: WaitingRead, index: LogIndex): void {
  const guarantee = present(GUARANTEES[read.request.mode], "the guarantee of a mode");
  const { freshAtMs } = state.freshness;
  state.reads.grant(read, index, { epoch: state.epoch, guarantee, freshAtMs });
}
