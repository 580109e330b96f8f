// The commit index: a leader counts durable copies of entries of its own term (R4, Raft 5.4.2), a follower
// hears of it.
import type { LogIndex } from "../base/index.ts";
import type { Proposal, ProposalOutcome } from "../consensus/index.ts";
import { onBarriersCommitted } from "./reads.ts";
import type { RaftState } from "./state.ts";

/** To be called whenever a match, or the own durable index, has moved. */
export function advanceLeaderCommit(state: RaftState): void {
  const { leadership, id, durability } = state;
  if (leadership === undefined) return;
  const index = state.quorumReached((node) =>
    node === id ? durability.index : (leadership.peers.get(node)?.match ?? 0),
  );
  if (index <= state.commit) return;
  // Entries of earlier terms are committed only by one of this term above them (scenario 1).
  const ownTerm = index >= leadership.startIndex;
  if (!ownTerm && state.options.planted !== "commit-old-term-by-count") return;
  advanceCommit(state, index as LogIndex);
  onBarriersCommitted(state);
}

/** Raises the commit index to at most `index`; never beyond what this log holds. */
export function advanceCommit(state: RaftState, index: LogIndex): void {
  const commit = Math.min(index, state.log.last) as LogIndex;
  if (commit <= state.commit) return;
  state.commit = commit;
  state.proposals.onCommitted(commit, (proposal) => fateOf(state, proposal));
}

/** An index and a term name one entry (Raft Fig. 3, Log Matching). */
function fateOf({ log }: RaftState, { entry }: Proposal): ProposalOutcome["fate"] {
  const term = log.termAt(entry.index);
  if (term === undefined) return "unknown";
  return term === entry.epoch.round ? "committed" : "lost";
}
