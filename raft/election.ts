// Elections: when to campaign, whom to vote for, and when to give leadership up (Raft 5.2, 5.4.1; Thesis 4.2.3,
// 6.2, 9.6). The role changes themselves are roles.ts.
import { assert } from "../base/index.ts";
import type { MonotonicMs, NodeId } from "../base/index.ts";
import { hearsLeader, isQuorum, mayCampaign, mustYield, votersOf } from "../consensus/index.ts";
import type { Envelope } from "../consensus/index.ts";
import type { PreVote, PreVoteAnswer, RequestVote, Vote } from "./message.ts";
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from "./roles.ts";
import type { RaftState } from "./state.ts";

export function onElectionTick(state: RaftState, now: MonotonicMs): void {
  if (state.leadership === undefined) {
    if (mayCampaign(state, now)) preCampaign(state);
  } else if (mustYield(state, now)) {
    becomeFollower(state, state.term, 0);
  }
}

function preCampaign(state: RaftState): void {
  becomePreCandidate(state);
  if (countGrants(state)) {
    campaign(state);
    return;
  }
  const { lastIndex, lastTerm } = lastEntry(state);
  const poll = state.wireId(state.pollCounter);
  for (const node of votersOf(state.config)) {
    if (node === state.id) continue;
    state.emit(node, { kind: "pre-vote", poll, term: state.term + 1, lastIndex, lastTerm });
  }
}

/** `transferTerm`: the term the leader gave leave for, else 0. */
function campaign(state: RaftState, transferTerm = 0): void {
  becomeCandidate(state);
  const { lastIndex, lastTerm } = lastEntry(state);
  for (const node of votersOf(state.config)) {
    if (node === state.id) continue;
    state.emit(node, { kind: "request-vote", lastIndex, lastTerm, transferTerm });
  }
}

/** The leader hands over: campaign in exactly the next term, without asking first (R13). */
export function onTimeoutNow(state: RaftState, from: NodeId): void {
  if (from === state.leader && state.isVoter) campaign(state, state.term + 1);
}

/** The leader's disk failed and its lease with it: nobody need wait for it any longer (R18). */
export function onLeaderHalted(state: RaftState, from: NodeId): void {
  if (from !== state.leader) return;
  becomeFollower(state, state.term, 0);
  state.leaderHeardAtMs = -Infinity;
  state.electionTimeoutMs -= state.options.electionTimeoutMs;
}

/** A candidate counts itself only when its vote for itself is durable (R1). */
export function onOwnVoteDurable(state: RaftState): void {
  if (state.role !== "candidate" || !state.durability.promiseDurable) return;
  assert(state.votedFor === state.id, `candidate ${state.id} voted for ${state.votedFor}`);
  state.granted.add(state.id);
  if (countGrants(state)) becomeLeader(state);
}

/** R2: one vote a term, to a log at least as complete; R11: none while a leader is known to live. */
export function onRequestVote(
  state: RaftState,
  { from, epoch }: Envelope<unknown>,
  request: RequestVote,
): void {
  const term = epoch.round;
  if (term < state.term) {
    state.emit(from, { kind: "vote", granted: false });
    return;
  }
  if (hearsLeader(state) && request.transferTerm !== term) return;
  if (term > state.term) becomeFollower(state, term, 0);
  const free = state.votedFor === 0 || state.votedFor === from;
  const granted = free && isUpToDate(state, request) && state.leader === 0;
  if (granted && state.votedFor === 0) {
    if (state.options.planted === "skip-vote-persist") state.votedFor = from;
    else state.setTerm(term, from);
    state.restartElectionTimer();
  }
  state.emit(from, { kind: "vote", granted });
}

export function onVote(state: RaftState, from: NodeId, vote: Vote): void {
  if (state.role !== "candidate" || !vote.granted) return;
  state.granted.add(from);
  if (countGrants(state)) becomeLeader(state);
}

/** Answers for a term it is not in, and changes nothing (Thesis 9.6). Lower terms learn this one (R12). */
export function onPreVote(state: RaftState, { from }: Envelope<unknown>, request: PreVote): void {
  const { poll, term } = request;
  if (term > state.term && hearsLeader(state)) return;
  const granted = term > state.term && isUpToDate(state, request);
  state.emit(from, { kind: "pre-vote-answer", poll, granted });
}

/** Matched by its poll, not by the answerer's term, which may be lower or higher (scenario 8). */
export function onPreVoteAnswer(
  state: RaftState,
  { from, epoch }: Envelope<unknown>,
  { poll, granted }: PreVoteAnswer,
): void {
  if (epoch.round > state.term) {
    becomeFollower(state, epoch.round, 0);
    return;
  }
  const asked = poll.boot === state.init.boot && poll.counter === state.pollCounter;
  if (state.role !== "pre-candidate" || !asked || !granted) return;
  state.granted.add(from);
  if (countGrants(state)) campaign(state);
}

function lastEntry({ log }: RaftState): Pick<RequestVote, "lastIndex" | "lastTerm"> {
  return { lastIndex: log.last, lastTerm: log.lastTerm };
}

/** Raft 5.4.1: the later last term, then the longer log. */
function isUpToDate(
  { log, options }: RaftState,
  { lastIndex, lastTerm }: Pick<RequestVote, "lastIndex" | "lastTerm">,
): boolean {
  if (options.planted === "vote-without-log-check") return true;
  return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.last);
}

function countGrants(state: RaftState): boolean {
  return isQuorum(state.config, (node) => state.granted.has(node));
}
