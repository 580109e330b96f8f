// Phase 1: when to campaign, what to promise and when, and when to give leadership up (P1 to P3; Paxos Made
// Simple 2.2, 2.4). The role changes themselves are roles.ts.
import { assert } from "../base/index.ts";
import type { LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import {
  compareEpochs,
  hearsLeader,
  mayCampaign,
  mustYield,
  sameEpoch,
  votersOf,
} from "../consensus/index.ts";
import type { Envelope, Epoch } from "../consensus/index.ts";
import { learnFrom } from "./catch-up.ts";
import type { Prepare, PreparePoll, PreparePollAnswer, PromiseMade } from "./message.ts";
import {
  becomeCandidate,
  becomeFollower,
  becomeLeader,
  becomePreCandidate,
  gather,
  nextBallot,
} from "./roles.ts";
import type { PaxosState } from "./state.ts";

export function onElectionTick(state: PaxosState, now: MonotonicMs): void {
  if (state.leadership === undefined) {
    if (mayCampaign(state, now)) preCampaign(state);
  } else if (mustYield(state, now)) {
    becomeFollower(state, state.epoch, 0);
  }
}

function preCampaign(state: PaxosState): void {
  becomePreCandidate(state);
  if (state.quorums.phase1(state.granted)) {
    campaign(state);
    return;
  }
  const poll = state.wireId(state.pollCounter);
  const ballot = nextBallot(state);
  for (const node of votersOf(state.config)) {
    if (node !== state.id) state.emit(node, { kind: "prepare-poll", poll, ballot });
  }
}

/** `leave`: the ballot whose leader gave it. */
function campaign(state: PaxosState, leave?: Epoch): void {
  becomeCandidate(state);
  const prepare: Prepare = {
    kind: "prepare",
    from: (state.commit + 1) as LogIndex,
    ...(leave === undefined ? {} : { leave }),
  };
  for (const node of votersOf(state.config)) if (node !== state.id) state.emit(node, prepare);
}

/** Nobody need wait for an election: it led the configuration before, and knows that it is over (P8). */
export function flushSuccession(state: PaxosState): void {
  if (state.succeeds) campaign(state, state.epoch);
}

/** The leader hands over: campaign without asking first (R13). One that has left gives its leave to anybody. */
export function onTimeoutNow(state: PaxosState, { from, epoch }: Envelope<unknown>): void {
  if (!sameEpoch(epoch, state.epoch) || !state.isVoter) return;
  if (from === state.leader || epoch.node === 0) campaign(state, epoch);
}

/** The leader's disk failed and its lease with it: nobody need wait for it any longer (R18). */
export function onLeaderHalted(state: PaxosState, from: NodeId): void {
  if (from !== state.leader) return;
  becomeFollower(state, state.epoch, 0);
  state.leaderHeardAtMs = -Infinity;
  state.electionTimeoutMs -= state.options.electionTimeoutMs;
}

/** A candidate counts itself only when its own promise is durable (P1, P2). */
export function onOwnPromiseDurable(state: PaxosState): void {
  if (state.role !== "candidate" || !state.durability.promiseDurable) return;
  assert(state.epoch.node === state.id, `candidate ${state.id} in ballot of ${state.epoch.node}`);
  state.granted.add(state.id);
}

/** P2: a promise to a ballot above any promised; R11: none while a leader is known to live. */
export function onPrepare(
  state: PaxosState,
  { from, epoch }: Envelope<unknown>,
  prepare: Prepare,
): void {
  // Whoever has no vote, or has lost what it promised, lets others answer (P11, scenario 94).
  if (!state.isVoter && state.options.planted !== "lost-acceptor-answers") return;
  const order = compareEpochs(epoch, state.epoch);
  if (order < 0) {
    state.emit(from, { kind: "stale-epoch" });
    return;
  }
  const refuses = hearsLeader(state) && !mayOverrule(state, prepare.leave);
  if (refuses || (order === 0 && state.leader !== 0)) return;
  if (order > 0) becomeFollower(state, epoch, 0);
  state.promiseDue = { to: from, from: prepare.from };
  flushPromise(state);
}

/**
 * R11: leave to campaign ends the lease of the leader that gave it, and there is none of an earlier ballot left.
 * One of a later ballot, that this node may have granted since, is another leader's.
 */
function mayOverrule({ epoch, options }: PaxosState, leave: Epoch | undefined): boolean {
  if (leave === undefined) return false;
  return compareEpochs(epoch, leave) <= 0 || options.planted === "leave-outlives-its-ballot";
}

/** Says what was accepted here; again at the end of a turn if it had to be loaded. */
export function flushPromise(state: PaxosState): void {
  const { promiseDue, options, commit } = state;
  if (promiseDue === undefined) return;
  const accepted = gather(state, Math.max(commit + 1, promiseDue.from) as LogIndex);
  if (accepted === undefined) return;
  state.promiseDue = undefined;
  // Promised and accepted ballots are two variables: a report must name the ballot of the acceptance (P2).
  const entries =
    options.planted === "shared-ballot-variable"
      ? accepted.map((entry) => ({ ...entry, epoch: state.epoch }))
      : accepted;
  const compactedTo = state.log.compacted;
  state.emit(promiseDue.to, { kind: "promise", chosen: commit, compactedTo, entries });
}

/** In this candidate's very ballot (the caller has seen to that, P3). */
export function onPromise(state: PaxosState, from: NodeId, promise: PromiseMade): void {
  const { promises } = state;
  if (state.role !== "candidate" || promises === undefined) return;
  if (promise.compactedTo > state.commit) {
    // What was chosen there is in a snapshot only: it must be learnt before anything is proposed (P3).
    if (state.options.planted !== "promise-without-compacted-to") {
      becomeFollower(state, state.epoch, 0);
      learnFrom(state, from);
      return;
    }
  }
  promises.onChosen(promise.chosen, from);
  promises.report(promise.entries);
  state.granted.add(from);
}

/** Leads as soon as a phase-1 quorum has promised and what this node accepted is at hand. */
export function flushCandidacy(state: PaxosState): void {
  const { promises } = state;
  if (promises === undefined || !state.quorums.phase1(state.granted)) return;
  // What others know to be chosen and this node does not, nobody will propose again.
  if (becomeLeader(state) && promises.chosen > state.commit) learnFrom(state, promises.knower);
}

/** Answers for a ballot it has not promised, and changes nothing. Lower ones learn this one. */
export function onPreparePoll(
  state: PaxosState,
  { from }: Envelope<unknown>,
  { poll, ballot }: PreparePoll,
): void {
  if (!state.isVoter && state.options.planted !== "lost-acceptor-answers") return;
  const granted = compareEpochs(ballot, state.epoch) > 0;
  if (granted && hearsLeader(state)) return;
  state.emit(from, { kind: "prepare-poll-answer", poll, granted });
}

/** Matched by its poll, not by the answerer's ballot, which may be lower or higher (scenario 8). */
export function onPreparePollAnswer(
  state: PaxosState,
  { from, epoch }: Envelope<unknown>,
  { poll, granted }: PreparePollAnswer,
): void {
  if (compareEpochs(epoch, state.epoch) > 0) {
    becomeFollower(state, epoch, 0);
    return;
  }
  const asked = poll.boot === state.init.boot && poll.counter === state.pollCounter;
  if (state.role !== "pre-candidate" || !asked || !granted) return;
  state.granted.add(from);
  if (state.quorums.phase1(state.granted)) campaign(state);
}
