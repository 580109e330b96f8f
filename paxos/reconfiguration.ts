// Changes of membership by stop-sign (P8): a configuration proposed in a slot is the last proposal of the one before
// it, and once that slot is chosen everything behind it belongs to the new configuration, which has promises,
// ballots and a phase 1 of its own. A replica is in a configuration as long as its chosen prefix ends there, so
// one promise serves: it goes to disk in one write with the chosen slots that it rests on.
import type { LogIndex } from "../base/index.ts";
import {
  changeRefusal,
  entryBytes,
  heirOf,
  nextMembership,
  quorumsMeet,
  refusedChange,
} from "../consensus/index.ts";
import type { Entry, MembershipWish, ProposeReject, ProposeResult } from "../consensus/index.ts";
import { VOTERS_MAX } from "./acceptances.ts";
import { restartPolls } from "./reads.ts";
import { becomeFollower } from "./roles.ts";
import { firstBallot } from "./state.ts";
import type { PaxosState } from "./state.ts";

export function proposeConfig(
  state: PaxosState,
  wish: MembershipWish,
  expect: LogIndex,
): ProposeResult {
  const { config, epoch, log } = state;
  const pending = state.leadership !== undefined && state.stopSign !== undefined;
  const reason = changeRefusal(state, wish, expect, { pending }) ?? quorumRefusal(state, wish);
  if (reason !== undefined) return refusedChange(state, reason);
  const index = (log.last + 1) as LogIndex;
  const next = nextMembership(config, wish, index);
  const entry: Entry = { kind: "config", index, epoch, config: next };
  state.put(entry, "proposer");
  state.proposals.add({ entry, bytes: entryBytes(entry) });
  if (state.options.planted === "config-quorum-not-by-slot") {
    state.acceptances?.ask(next.incoming, state.sizesOf(next).phase2);
  }
  return { ok: true, index, epoch };
}

/** The sizes asked for must fit the voters to come, not only those that choose them (P7, scenario 95). */
function quorumRefusal(
  { options }: PaxosState,
  { voters }: MembershipWish,
): ProposeReject | undefined {
  if (voters.length > VOTERS_MAX) return "too-many-voters";
  return quorumsMeet(voters.length, options.quorums) ? undefined : "quorums-do-not-meet";
}

/**
 * The newest stop-sign below the chosen prefix's end is chosen: what this replica was in the configuration
 * before is over. No lease of that configuration is left for anybody to wait for: its last leader gave none
 * from the moment it proposed the stop-sign, and later leaders met it in their phase 1 (P9, scenario 56).
 */
export function enterConfiguration(state: PaxosState): void {
  const { leadership, commit, config } = state;
  const heir = leadership === undefined ? undefined : heirOf(state, commit);
  for (const peer of leadership?.peers.values() ?? []) {
    // In the ballot that ends here: whoever holds the stop-sign is in the new configuration with this.
    if (peer.node !== state.id) state.emit(peer.node, { kind: "commit-notice", commit });
  }
  // Slots behind the stop-sign never belonged to the configurations in which they were accepted.
  state.truncateFrom((commit + 1) as LogIndex);
  restartPolls(state);
  state.successors = new Set();
  becomeFollower(state, firstBallot(config), 0);
  state.leaderHeardAtMs = -Infinity;
  if (leadership === undefined) return;
  if (state.isVoter) state.succeeds = true;
  else if (heir !== undefined) state.emit(heir, { kind: "timeout-now" });
}
