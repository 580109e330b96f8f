// Changes of role, and all that must begin or end with each (Raft Fig. 2, 5.2; Thesis 9.6).
import { assert } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import { membersOf, supersedeReads } from "../consensus/index.ts";
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
  state.role = "pre-candidate";
  state.leader = 0;
  state.pollCounter += 1;
  state.granted = new Set([state.id]);
  state.restartElectionTimer();
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

/** For good (R18): what was under way ends here, and a leader tells its peers once. */
export function becomeHalted(state: RaftState): void {
  const led = state.leadership !== undefined;
  const { id, config } = state;
  state.reads.refuseAll("halted");
  endRole(state);
  state.role = "follower";
  state.leader = 0;
  state.halted = true;
  state.proposals.onHalted();
  state.outbox.clear();
  if (!led) return;
  for (const node of membersOf(config)) {
    if (node !== id) state.emit(node, { kind: "leader-halted" });
  }
}

function endRole(state: RaftState): void {
  supersedeReads(state);
  supersedeBarriers(state);
  state.proposals.onLeadershipEnded();
  state.leadership = undefined;
  state.granted = new Set();
  state.ackDue = undefined;
  state.matchWaiting = 0;
}
