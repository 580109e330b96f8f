// What changes of role have in common whichever protocol orders the log: the polling before a candidacy, the end
// of a leadership, and the end of a replica. Candidates and leaders are raft/roles.ts, paxos/roles.ts.
import { membersOf } from "./membership.ts";
import type { ProtocolState } from "./protocol.ts";
import { supersedeReads } from "./reads.ts";
import type { ReplicaState } from "./replica-state.ts";

/** Whatever the role was: reads that waited for it are asked anew, proposals end by what is committed. */
export function endLeadership(state: ReplicaState): void {
  supersedeReads(state);
  state.proposals.onLeadershipEnded();
  state.leadership = undefined;
  state.granted = new Set();
}

/** Asks who would agree, before anybody's epoch changes: a node cut off deposes nobody when it returns (R12). */
export function beginPoll(state: ReplicaState): void {
  state.role = "pre-candidate";
  state.leader = 0;
  state.pollCounter += 1;
  state.granted = new Set([state.id]);
  state.restartElectionTimer();
}

/** For good (R18): what was under way ends by `endRole`, and a leader tells its peers once. */
export function halt<M>(state: ProtocolState<M>, endRole: () => void): void {
  const led = state.leadership !== undefined;
  const { id, config } = state;
  state.reads.refuseAll("halted");
  endRole();
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
