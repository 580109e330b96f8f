// Heartbeats: one round of them proves to the leader that it still led when it sent it, which confirms reads
// (R6), extends the lease (R7), shows a quorum alive (R14) and echoes stamps (F2).
import type { MonotonicMs, NodeId } from "../base/index.ts";
import type { Heartbeat, HeartbeatAck } from "./message.ts";
import type { Progress } from "./progress.ts";
import { answerAsk, confirmRead } from "./reads.ts";
import type { Round } from "./rounds.ts";
import type { Leadership, ReplicaState } from "./replica-state.ts";

/** Rounds under way at once; reads that come while all are out share the next. */
const ROUNDS_IN_FLIGHT_MAX = 4;

/** Sends a round when one is due, or at once when something waits for one. */
export function flushRounds(state: ReplicaState): void {
  const { leading, options, now } = state;
  const { forRound, rounds } = leading;
  // R5: before its own commit a leader does not know what its predecessors committed.
  const mayRead = state.answersReads || options.planted === "read-index-before-own-commit";
  const asked = mayRead && (forRound.reads.length > 0 || forRound.asks.length > 0);
  const mayBegin = rounds.inFlight.length < ROUNDS_IN_FLIGHT_MAX;
  if ((asked && mayBegin) || now >= leading.heartbeatDueAtMs) beginRound(state, mayRead);
  for (const peer of leading.peers.values()) flushEcho(state, peer);
}

function beginRound(state: ReplicaState, mayRead: boolean): void {
  const { leading, options, now, readIndex } = state;
  // An acknowledgement of an earlier round must never confirm a later read (scenario 59).
  if (options.planted !== "reuse-read-round" || state.roundCounter === 0) state.roundCounter += 1;
  const counter = state.roundCounter;
  const { reads, asks } = mayRead ? leading.forRound : { reads: [], asks: [] };
  if (mayRead) leading.forRound = { reads: [], asks: [] };
  const ownCommit = state.answersReads;
  const round: Round = { counter, sentAtMs: now, index: readIndex, ownCommit, reads, asks };
  leading.rounds.begin(round, ROUNDS_IN_FLIGHT_MAX);
  leading.heartbeatDueAtMs = now + options.heartbeatMs;
  for (const peer of leading.peers.values()) sendHeartbeat(state, peer, counter);
  confirmRounds(state);
}

function sendHeartbeat(state: ReplicaState, peer: Progress, counter: number): void {
  const commit = state.commitFor(peer);
  const heartbeat = { kind: "heartbeat", round: state.wireId(counter), commit } as const;
  if (peer.commitTold < commit) peer.commitTold = commit;
  const { echo } = peer;
  if (echo === undefined) {
    state.emit(peer.node, heartbeat);
    return;
  }
  peer.echo = undefined;
  peer.echoSentAtMs = state.now;
  state.emit(peer.node, { ...heartbeat, echo });
}

/** An echo that just missed a heartbeat goes by itself, at most twice a heartbeat interval. */
function flushEcho(state: ReplicaState, peer: Progress): void {
  const { echo } = peer;
  if (echo === undefined || state.now - peer.echoSentAtMs < state.options.heartbeatMs / 2) return;
  peer.echo = undefined;
  peer.echoSentAtMs = state.now;
  state.emit(peer.node, { kind: "freshness-echo", echo });
}

/** At a member; whoever sent it leads (the caller has seen to that). */
export function onHeartbeat(state: ReplicaState, from: NodeId, { round, echo }: Heartbeat): void {
  if (echo !== undefined) state.freshness.onEcho(echo, state.applied);
  const stamp = state.freshness.stamp(state.now);
  state.emit(from, { kind: "heartbeat-ack", round, stamp });
}

/** At the leader. */
export function onHeartbeatAck(state: ReplicaState, peer: Progress, ack: HeartbeatAck): void {
  const { leading, now, options } = state;
  if (options.planted === "learner-trusts-deposed-leader") {
    peer.echo = { stamp: ack.stamp, index: state.readIndex };
  }
  const bug = options.planted === "round-confirms-later-stamp";
  peer.holdStamp(ack.stamp, bug ? 0 : leading.rounds.latest);
  const { boot, counter } = ack.round;
  if (boot !== state.init.boot || counter > leading.rounds.latest) return;
  if (counter < peer.roundAcked) return;
  peer.heardAtMs = now;
  noteLease(state, leading, peer, counter);
  if (counter === peer.roundAcked) return;
  peer.roundAcked = counter;
  confirmRounds(state);
}

/** The lease counts from when the round was sent: the peer's refusal began no earlier (scenario 64). */
function noteLease(
  state: ReplicaState,
  leading: Leadership,
  peer: Progress,
  counter: number,
): void {
  const sentAtMs = leading.rounds.sentAtMs(counter);
  if (sentAtMs === undefined) return;
  const from = state.options.planted === "lease-from-ack-time" ? state.now : sentAtMs;
  peer.leaseFromMs = Math.max(peer.leaseFromMs, from);
}

function confirmRounds(state: ReplicaState): void {
  const { id, leading } = state;
  const { rounds, peers } = leading;
  const quorumRound = state.quorumReached((node) =>
    node === id ? rounds.latest : (peers.get(node)?.roundAcked ?? 0),
  );
  for (;;) {
    const round = rounds.takeConfirmed(quorumRound);
    if (round === undefined) return;
    onRoundConfirmed(state, round);
  }
}

function onRoundConfirmed(state: ReplicaState, round: Round): void {
  for (const read of round.reads) confirmRead(state, read, round.index);
  for (const ask of round.asks) answerAsk(state, ask, round.index);
  // R5 again: an echo of an index that misses a predecessor's commits would promise too much.
  if (!round.ownCommit && state.options.planted !== "echo-before-own-commit") return;
  state.freshness.onProof(round.sentAtMs, round.index, state.applied);
  for (const peer of state.leading.peers.values()) {
    const stamp = peer.takeStamp(round.counter);
    if (stamp !== undefined) peer.echo = { stamp, index: round.index };
  }
}

/** When a quorum was last heard from, this leader included (R14). */
export function quorumHeardAtMs(state: ReplicaState): MonotonicMs {
  const { id, leading, now } = state;
  return state.quorumReached((node) =>
    node === id ? now : (leading.peers.get(node)?.heardAtMs ?? -Infinity),
  ) as MonotonicMs;
}
