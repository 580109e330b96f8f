// What is chosen (P6): a leader counts acceptances in its ballot and so does a learner, without the leader's word;
// the others hear of it. The commit index is the chosen prefix, and every entry at or below it is held in a ballot
// in which its value was chosen, or in a later one.
import type { LogIndex, NodeId } from "../base/index.ts";
import { sameEpoch, sameValue } from "../consensus/index.ts";
import type { Proposal, ProposalOutcome } from "../consensus/index.ts";
import { Acceptances } from "./acceptances.ts";
import type { Accepted } from "./message.ts";
import { enterConfiguration } from "./reconfiguration.ts";
import type { PaxosState } from "./state.ts";

/** How far ahead of its chosen prefix a learner counts; what lies further it hears of. */
const COUNTED_SLOTS_MAX = 4096;

/** At who counts, to be called whenever somebody, this node included, has accepted something. */
export function advanceCounted(state: PaxosState): void {
  const { acceptances, log } = state;
  if (acceptances === undefined) return;
  let commit: number = state.commit;
  while (commit < log.last) {
    const slot = (commit + 1) as LogIndex;
    if (!acceptances.isChosen(slot) || !countsIn(state, slot)) break;
    commit += 1;
  }
  if (commit > state.commit) advanceCommit(state, commit as LogIndex);
}

/** The value that the acceptances are of is the one held here: that of this very ballot. */
function countsIn(state: PaxosState, slot: LogIndex): boolean {
  if (state.leadership !== undefined) return slot >= state.proposedFrom;
  const held = state.log.ballotAt(slot);
  return held !== undefined && sameEpoch(held, state.epoch);
}

/** At a learner: `from` has accepted these slots in the ballot that is followed here. */
export function onWitnessed(state: PaxosState, from: NodeId, accepted: Accepted): void {
  const { config, commit } = state;
  if (state.isVoter) return;
  const next = (commit + 1) as LogIndex;
  state.acceptances ??= new Acceptances(next, config.incoming, state.sizesOf(config).phase2);
  state.acceptances.add(from, accepted.from, Math.min(accepted.until, next + COUNTED_SLOTS_MAX));
  advanceCounted(state);
}

/** The leader of this ballot says that every slot to `chosen` is chosen. */
export function hearChosen(state: PaxosState, chosen: LogIndex): void {
  if (chosen > state.chosenTold) {
    if (state.chosenTold <= state.commit) state.commitMovedAtMs = state.now;
    state.chosenTold = chosen;
  }
  const unchosen = state.options.planted === "reads-accepted-value";
  const until = unchosen ? state.log.last : state.chosenTold;
  let commit: number = state.commit;
  while (commit < until) {
    // Only what was accepted in the leader's own ballot is the value it speaks of.
    const held = state.log.ballotAt((commit + 1) as LogIndex);
    if (held === undefined || !sameEpoch(held, state.epoch)) break;
    commit += 1;
  }
  if (commit > state.commit) advanceCommit(state, commit as LogIndex);
}

/** Whatever role this replica had ends with its configuration (P8). */
export function advanceCommit(state: PaxosState, commit: LogIndex): void {
  state.commit = commit;
  state.commitMovedAtMs = state.now;
  state.acceptances?.forgetThrough(commit);
  state.proposals.onCommitted(commit, (proposal) => fateOf(state, proposal));
  if (state.membership.onChosen(commit)) enterConfiguration(state);
}

/** A later leader may have completed the proposal in its own ballot, so the value tells, not the ballot. */
function fateOf(state: PaxosState, { entry }: Proposal): ProposalOutcome["fate"] {
  const { index, epoch } = entry;
  const held = state.log.ballotAt(index);
  if (held !== undefined && sameEpoch(held, epoch)) return "committed";
  if (index <= state.log.compacted) return "unknown";
  const slice = state.slice(index, index + 1, 1);
  const chosen = typeof slice === "string" ? undefined : slice[0];
  if (chosen === undefined) return "unknown";
  return sameValue(chosen, entry) ? "committed" : "lost";
}
