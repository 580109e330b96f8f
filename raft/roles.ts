// Changes of role, and all that must begin or end with each (Raft Fig. 2, 5.2; Thesis 9.6).
import { assert } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import { beginPoll, endLeadership, halt } from "../consensus/index.ts";
import { supersedeBarriers } from "./reads.ts";
import type { RaftState } from "./state.ts";

/** Follows `leader` in `term`; 0 while none is known. */
export function becomeFollower(state: RaftState, term: number, leader: NodeId | 0): void {
  endRole(state);
  if (term > state.term) state.setTerm(term, 0);
  assert(term === state.term, `follower of term ${term} in term ${state.term}`);
  state.role = "follower";
  state.leader = leader;
  state.restartElectionTimer();
}

/** Asks who would vote, changing nobody's term, so that a node cut off deposes nobody when it returns. */
export function becomePreCandidate(state: RaftState): void {
  endRole(state);
  beginPoll(state);
}

/** The own vote counts once it is durable: see election.ts, onOwnVoteDurable. */
export function becomeCandidate(state: RaftState): void {
  endRole(state);
  state.setTerm(state.term + 1, state.id);
  state.role = "candidate";
  state.leader = 0;
  state.granted = new Set();
  state.restartElectionTimer();
}

/** Begins the term with a no-op of its own: nothing older commits before it (R5, Raft 8). */
export function becomeLeader(state: RaftState): void {
  assert(state.role === "candidate", `a ${state.role} becomes leader`);
  endRole(state);
  state.role = "leader";
  state.leader = state.id;
  const startIndex = (state.log.last + 1) as LogIndex;
  state.beginLeadership(startIndex);
  state.appendEntry({ kind: "noop", index: startIndex, epoch: state.epoch });
}

/** For good (R18). */
export function becomeHalted(state: RaftState): void {
  halt(state, () => {
    endRole(state);
  });
}

function endRole(state: RaftState): void {
  endLeadership(state);
  supersedeBarriers(state);
  state.ackDue = undefined;
  state.matchWaiting = 0;
}
