// Changes of role, and all that must begin or end with each: a candidate's phase 1, a leader's phase 2 for
// everything phase 1 left open (P4, P5; Paxos Made Simple 3).
import { assert, present } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import {
  beginPoll,
  compareEpochs,
  endLeadership,
  halt,
  wantLoadForPeer,
} from "../consensus/index.ts";
import type { Entry, Epoch } from "../consensus/index.ts";
import { Acceptances } from "./acceptances.ts";
import { Promises } from "./promises.ts";
import type { PaxosState } from "./state.ts";

/** Follows `leader` in `ballot`; 0 while none is known. */
export function becomeFollower(state: PaxosState, ballot: Epoch, leader: NodeId | 0): void {
  endRole(state);
  if (compareEpochs(ballot, state.epoch) > 0) state.promise(ballot);
  assert(compareEpochs(ballot, state.epoch) === 0, "a follower is in the ballot it has promised");
  state.role = "follower";
  state.leader = leader;
  state.restartElectionTimer();
}

/** Asks who would promise, before it makes anybody promise. */
export function becomePreCandidate(state: PaxosState): void {
  endRole(state);
  beginPoll(state);
}

/** The ballot after any seen; its own promise counts once it is durable: election.ts, onOwnPromiseDurable. */
export function becomeCandidate(state: PaxosState): void {
  endRole(state);
  state.promise(nextBallot(state));
  state.role = "candidate";
  state.leader = 0;
  state.granted = new Set();
  state.promises = new Promises(state.commit, state.options.planted);
  state.restartElectionTimer();
}

/** P1: unique by its node, above everything promised here, and so never used before, by any boot. */
export function nextBallot({ epoch, id }: PaxosState): Epoch {
  return { config: epoch.config, round: epoch.round + 1, node: id };
}

/**
 * Proposes, in its own ballot, the safe value of every open slot, no-ops in the gaps, and a no-op of its
 * own: until that is chosen nothing is known of earlier ballots' choices (P5). Above a stop-sign that was
 * reported nothing is proposed: its configuration ends with it (P8).
 *
 * @returns false while what this node itself accepted must be loaded first.
 */
export function becomeLeader(state: PaxosState): boolean {
  assert(state.role === "candidate", `a ${state.role} becomes leader`);
  const promises = present(state.promises, "the promises of a candidate");
  // What this node has learnt since it began to campaign is not proposed again either.
  promises.onChosen(state.commit, state.id);
  const from = (promises.chosen + 1) as LogIndex;
  const own = gather(state, from);
  if (own === undefined) return false;
  promises.report(own);
  const settles = state.options.planted !== "stop-sign-not-settled";
  const stopSign = settles ? promises.settle() : undefined;
  endRole(state);
  state.role = "leader";
  state.leader = state.id;
  state.proposedFrom = from;
  state.chosenTold = promises.chosen;
  const startIndex = (promises.last + 1) as LogIndex;
  const { incoming } = state.config;
  state.acceptances = new Acceptances(from, incoming, state.sizesOf(state.config).phase2);
  state.beginLeadership(startIndex, from);
  if (stopSign !== undefined) state.truncateFrom(startIndex);
  for (let slot = from; slot < startIndex; slot = (slot + 1) as LogIndex) {
    const value = promises.valueAt(slot);
    if (value !== undefined) state.put({ ...value, epoch: state.epoch }, "proposer");
    else if (state.options.planted !== "gap-skipped") putNoop(state, slot);
  }
  if (stopSign === undefined) putNoop(state, startIndex);
  return true;
}

export function putNoop(state: PaxosState, slot: LogIndex): void {
  state.put({ kind: "noop", index: slot, epoch: state.epoch }, "proposer");
}

/** Everything accepted here from `from` on; undefined while some of it must be loaded. */
export function gather(state: PaxosState, from: LogIndex): readonly Entry[] | undefined {
  const until = state.log.last + 1;
  let { gathering } = state;
  if (gathering === undefined || gathering.first > from) {
    gathering = { first: from, next: from, entries: [] };
    state.gathering = gathering;
  }
  while (gathering.next < until) {
    const slice = state.slice(gathering.next, until, state.options.appendBytesMax);
    if (slice === "loading") {
      wantLoadForPeer(state, gathering.next, until);
      return undefined;
    }
    if (slice === "compacted") {
      // Chosen and compacted while the rest was loaded: nobody proposes there any more.
      gathering.next = (state.log.compacted + 1) as LogIndex;
    } else {
      gathering.entries.push(...slice);
      gathering.next = ((slice.at(-1)?.index ?? until - 1) + 1) as LogIndex;
    }
  }
  state.gathering = undefined;
  return gathering.entries.filter(({ index }) => index >= from);
}

/** For good (R18). */
export function becomeHalted(state: PaxosState): void {
  halt(state, () => {
    endRole(state);
  });
}

function endRole(state: PaxosState): void {
  endLeadership(state);
  state.promises = undefined;
  if (!countsOn(state)) state.acceptances = undefined;
  state.succeeds = false;
  state.promiseDue = undefined;
  state.acceptedDue = [];
  state.learning = undefined;
}

/** The planted bug: a learner's count of one ballot goes on in the next (scenario 90). */
function countsOn({ isVoter, options }: PaxosState): boolean {
  return options.planted === "learner-counts-across-ballots" && !isVoter;
}
