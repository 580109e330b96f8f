// Which file answers a message, and what its term means first (Raft 5.1): an older one is answered at most
// with the term that ended it, a newer one is adopted, but for votes and polls, which judge it themselves.
import { AssertionError, unreachable } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import { onHeartbeat, onHeartbeatAck, onReadIndex, onReadIndexAnswer } from "../consensus/index.ts";
import type { Envelope } from "../consensus/index.ts";
import { onAppendEntries, onCommitHeard } from "./append.ts";
import {
  onLeaderHalted,
  onPreVote,
  onPreVoteAnswer,
  onRequestVote,
  onTimeoutNow,
  onVote,
} from "./election.ts";
import type { RaftMessage } from "./message.ts";
import { onBarrierAsk } from "./reads.ts";
import { onAppendAck, onAppendReject, onPeerAlive } from "./replication.ts";
import { becomeFollower, becomeHalted } from "./roles.ts";
import type { RaftState } from "./state.ts";

type RaftEnvelope = Envelope<RaftMessage>;

/** Only a leader sends these, so whoever did leads the envelope's term. */
type LeaderMessage = Extract<
  RaftMessage,
  {
    kind:
      | "append-entries"
      | "heartbeat"
      | "commit-notice"
      | "freshness-echo"
      | "read-index-answer"
      | "timeout-now"
      | "leader-halted";
  }
>;

export function dispatch(state: RaftState, message: RaftEnvelope): void {
  const { body, epoch, from } = message;
  switch (body.kind) {
    case "request-vote":
      onRequestVote(state, message, body);
      return;
    case "pre-vote":
      onPreVote(state, message, body);
      return;
    case "pre-vote-answer":
      onPreVoteAnswer(state, message, body);
      return;
    case "vote":
    case "append-ack":
    case "append-reject":
    case "heartbeat-ack":
    case "read-index":
    case "stale-epoch":
      if (epoch.round < state.term) return;
      if (epoch.round > state.term) becomeFollower(state, epoch.round, 0);
      onMemberMessage(state, from, body);
      return;
    case "append-entries":
    case "heartbeat":
    case "commit-notice":
    case "freshness-echo":
    case "read-index-answer":
    case "timeout-now":
    case "leader-halted":
      if (epoch.round < state.term) onDeposedLeader(state, from, body);
      else onLeaderMessage(state, message, body);
      return;
    default:
      unreachable(body);
  }
}

/** Even one that this node cannot depose otherwise learns that its time is over (R12). */
function onDeposedLeader(state: RaftState, from: NodeId, body: LeaderMessage): void {
  if (body.kind !== "append-entries" && body.kind !== "heartbeat") return;
  state.emit(from, { kind: "stale-epoch" });
}

function onLeaderMessage(state: RaftState, message: RaftEnvelope, body: LeaderMessage): void {
  const { from, epoch } = message;
  const known = epoch.round === state.term ? state.leader : 0;
  // Not an argument of assert(): its text is costly and this is the path of every append.
  if (known !== 0 && known !== from) {
    throw new AssertionError(
      `nodes ${known} and ${from} both lead term ${epoch.round} (Raft Fig. 3, Election Safety)`,
    );
  }
  if (known === 0) becomeFollower(state, epoch.round, from);
  if (body.kind === "leader-halted") {
    onLeaderHalted(state, from);
    return;
  }
  state.leaderHeardAtMs = state.now;
  state.electionFromMs = state.now;
  switch (body.kind) {
    case "append-entries":
      onAppendEntries(state, from, body);
      return;
    case "heartbeat":
      if (hearCommit(state, body.commit)) onHeartbeat(state, from, body);
      return;
    case "commit-notice":
      hearCommit(state, body.commit);
      return;
    case "freshness-echo":
      state.freshness.onEcho(body.echo, state.applied);
      return;
    case "read-index-answer":
      onReadIndexAnswer(state, from, body);
      return;
    case "timeout-now":
      onTimeoutNow(state, from);
      return;
    default:
      unreachable(body);
  }
}

/** A replica whose disk lost what it acknowledged must not go on vouching for anything (scenario 30). */
function hearCommit(state: RaftState, commit: LogIndex): boolean {
  const kept = onCommitHeard(state, commit);
  if (!kept) becomeHalted(state);
  return kept;
}

type MemberMessage = Extract<
  RaftMessage,
  {
    kind: "vote" | "append-ack" | "append-reject" | "heartbeat-ack" | "read-index" | "stale-epoch";
  }
>;

function onMemberMessage(state: RaftState, from: NodeId, body: MemberMessage): void {
  if (body.kind === "vote") onVote(state, from, body);
  const peer = state.leadership?.peers.get(from);
  if (peer === undefined) return;
  switch (body.kind) {
    case "append-ack":
      onAppendAck(state, peer, body);
      return;
    case "append-reject":
      onAppendReject(state, peer, body);
      return;
    case "heartbeat-ack":
      onHeartbeatAck(state, peer, body);
      onPeerAlive(state, peer);
      return;
    case "read-index":
      if (body.by === "round") onReadIndex(state, from, body);
      else onBarrierAsk(state, from, body);
      return;
    case "vote":
    case "stale-epoch":
      return;
    default:
      unreachable(body);
  }
}
