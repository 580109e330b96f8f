// Which file answers which message, and what its ballot means first: one of another configuration nothing, a lower
// one at most an answer with the promise that ended it; a higher one is adopted, but for prepares and polls, which
// judge it themselves.
import { AssertionError, unreachable } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import {
  compareEpochs,
  onHeartbeat,
  onHeartbeatAck,
  onReadIndex,
  onReadIndexAnswer,
} from "../consensus/index.ts";
import type { Envelope } from "../consensus/index.ts";
import { noteReceived, onAccept } from "./append.ts";
import { hearConfiguration, onChosen, onLearn } from "./catch-up.ts";
import { hearChosen, onWitnessed } from "./commit.ts";
import {
  onLeaderHalted,
  onPrepare,
  onPreparePoll,
  onPreparePollAnswer,
  onPromise,
  onTimeoutNow,
} from "./election.ts";
import type { PaxosMessage } from "./message.ts";
import { onFill, onReadSlot, onReadSlotAnswer } from "./reads.ts";
import { onAccepted, onPeerAlive, onReceived } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import type { PaxosState } from "./state.ts";

type PaxosEnvelope = Envelope<PaxosMessage>;

/** Only a leader sends these, so whoever did leads the envelope's ballot. */
type LeaderMessage = Extract<
  PaxosMessage,
  {
    kind:
      | "accept"
      | "heartbeat"
      | "commit-notice"
      | "freshness-echo"
      | "read-index-answer"
      | "leader-halted";
  }
>;

/** These count in their very ballot only. */
type MemberMessage = Extract<
  PaxosMessage,
  {
    kind: "promise" | "accepted" | "received" | "heartbeat-ack" | "read-index" | "stale-epoch";
  }
>;

/** These answer or ask for what is chosen or accepted, whatever the ballot and the configuration. */
type FreeMessage = Extract<
  PaxosMessage,
  { kind: "learn" | "chosen" | "read-slot" | "read-slot-answer" | "fill" }
>;

type BallotMessage = Exclude<PaxosMessage, FreeMessage>;

export function dispatch(state: PaxosState, message: PaxosEnvelope): void {
  const { body, from, epoch } = message;
  if (epoch.config >= state.epoch.config && !state.isVoter) state.successors.add(from);
  // Whoever is behind learns what ended its configuration, from whomever it hears of it.
  const behind = epoch.config > state.epoch.config && body.kind !== "chosen";
  if (behind) hearConfiguration(state, from, epoch.config as LogIndex);
  switch (body.kind) {
    case "learn":
      onLearn(state, from, body);
      return;
    case "chosen":
      onChosen(state, from, body);
      return;
    case "read-slot":
      onReadSlot(state, message, body);
      return;
    case "read-slot-answer":
      onReadSlotAnswer(state, from, body);
      return;
    case "fill":
      onFill(state, body);
      return;
    default:
      if (epoch.config === state.epoch.config) onBallotMessage(state, message, body);
      else onOtherConfiguration(state, message, body);
  }
}

/** Ballots of another configuration mean nothing here (P8); whoever is behind is told so. */
function onOtherConfiguration(
  state: PaxosState,
  { from, epoch }: PaxosEnvelope,
  { kind }: BallotMessage,
): void {
  if (epoch.config > state.epoch.config) return;
  const asks = kind === "prepare" || kind === "prepare-poll" || kind === "read-index";
  if (asks || kind === "accept" || kind === "heartbeat") state.emit(from, { kind: "stale-epoch" });
}

function onBallotMessage(state: PaxosState, message: PaxosEnvelope, body: BallotMessage): void {
  switch (body.kind) {
    case "prepare":
      onPrepare(state, message, body);
      return;
    case "prepare-poll":
      onPreparePoll(state, message, body);
      return;
    case "prepare-poll-answer":
      onPreparePollAnswer(state, message, body);
      return;
    case "promise":
    case "accepted":
    case "received":
    case "heartbeat-ack":
    case "read-index":
    case "stale-epoch":
      onMemberMessage(state, message, body);
      return;
    case "timeout-now":
      onTimeoutNow(state, message);
      return;
    case "accept":
    case "heartbeat":
    case "commit-notice":
    case "freshness-echo":
    case "read-index-answer":
    case "leader-halted":
      onLeaderMessage(state, message, body);
      return;
    default:
      unreachable(body);
  }
}

function onMemberMessage(
  state: PaxosState,
  { from, epoch }: PaxosEnvelope,
  body: MemberMessage,
): void {
  const order = compareEpochs(epoch, state.epoch);
  if (order < 0 && !countsAnyway(state, body)) return;
  if (order > 0) becomeFollower(state, epoch, 0);
  if (body.kind === "promise") onPromise(state, from, body);
  const peer = state.leadership?.peers.get(from);
  if (state.leadership === undefined && body.kind === "accepted") onWitnessed(state, from, body);
  if (peer === undefined) return;
  switch (body.kind) {
    case "accepted":
      onAccepted(state, peer, body);
      return;
    case "received":
      onReceived(state, peer, body);
      return;
    case "heartbeat-ack":
      onHeartbeatAck(state, peer, body);
      onPeerAlive(state, peer);
      return;
    case "read-index":
      onReadIndex(state, from, body);
      return;
    case "promise":
    case "stale-epoch":
      return;
    default:
      unreachable(body);
  }
}

/** The planted bugs: answers of another ballot are taken for answers of this one (scenarios 86, 90). */
function countsAnyway({ options }: PaxosState, body: MemberMessage): boolean {
  const { planted } = options;
  if (body.kind === "promise") return planted === "stale-promise-counted";
  return body.kind === "accepted" && planted === "learner-counts-across-ballots";
}

function onLeaderMessage(state: PaxosState, message: PaxosEnvelope, body: LeaderMessage): void {
  const { from, epoch } = message;
  const order = compareEpochs(epoch, state.epoch);
  if (order < 0) {
    onDeposedLeader(state, from, body);
    return;
  }
  // Not an argument of assert(): its text is costly and this is the path of every accept.
  if (epoch.node !== from) {
    throw new AssertionError(`node ${from} speaks as leader in a ballot of ${epoch.node} (P1)`);
  }
  if (order > 0 && body.kind === "accept" && raisesNot(state)) {
    onAccept(state, from, epoch, body);
    return;
  }
  if (order > 0 || state.leader === 0) becomeFollower(state, epoch, from);
  if (body.kind === "leader-halted") {
    onLeaderHalted(state, from);
    return;
  }
  state.leaderHeardAtMs = state.now;
  state.electionFromMs = state.now;
  switch (body.kind) {
    case "accept":
      onAccept(state, from, epoch, body);
      return;
    case "heartbeat":
      hearChosen(state, body.commit);
      // Unless that ended its configuration, it still leads.
      if (state.leader !== from) return;
      onHeartbeat(state, from, body);
      noteReceived(state, from);
      return;
    case "commit-notice":
      hearChosen(state, body.commit);
      return;
    case "freshness-echo":
      state.freshness.onEcho(body.echo, state.applied);
      return;
    case "read-index-answer":
      onReadIndexAnswer(state, from, body);
      return;
    default:
      unreachable(body);
  }
}

/** The planted bug: an acceptance leaves the promise where it was (scenario 87). */
function raisesNot({ options }: PaxosState): boolean {
  return options.planted === "promise-not-raised-by-accept";
}

/** Even one that this node cannot depose otherwise learns that its time is over. */
function onDeposedLeader(state: PaxosState, from: NodeId, body: LeaderMessage): void {
  if (body.kind !== "accept" && body.kind !== "heartbeat") return;
  state.emit(from, { kind: "stale-epoch" });
}
