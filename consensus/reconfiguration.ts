// What both protocols ask before they propose a change of membership (R10), and who is to lead when a leader has
// no vote left. How a change comes into force is raft/reconfiguration.ts, paxos/reconfiguration.ts.
import type { LogIndex, NodeId } from "../base/index.ts";
import type { MembershipWish, ProposeReject, ProposeResult } from "./contract.ts";
import { isCaughtUp } from "./liveness.ts";
import { isVoter } from "./membership.ts";
import type { ReplicaState } from "./replica-state.ts";

/** Why `wish` is refused here, if it is; `pending`: the change before it is not complete. */
export function changeRefusal(
  state: ReplicaState,
  { voters }: MembershipWish,
  expect: LogIndex,
  { pending }: { readonly pending: boolean },
): ProposeReject | undefined {
  const { leadership, config, options } = state;
  if (leadership === undefined) return state.leader === 0 ? "no-leader" : "not-leader";
  if (leadership.transfer !== undefined || !state.isVoter) return "transferring";
  // A configuration of an earlier epoch may be committed without this leader's knowledge (scenario 44).
  if (!state.committedInEpoch && options.planted !== "config-before-own-commit") {
    return "no-commit-in-epoch";
  }
  if (pending) return "config-pending";
  if (config.index !== expect) return "config-stale";
  const behind = voters.some((node) => {
    if (isVoter(config, node)) return false;
    const peer = leadership.peers.get(node);
    return peer === undefined || !isCaughtUp(state, peer);
  });
  return behind && options.planted !== "learner-promoted-behind" ? "learner-behind" : undefined;
}

export function refusedChange({ leader }: ReplicaState, reason: ProposeReject): ProposeResult {
  return { ok: false, reason, ...(leader === 0 ? {} : { leader }) };
}

/** At a leader: the voter that could lead at once, because it holds everything up to `last`. */
export function heirOf({ leading, config }: ReplicaState, last: LogIndex): NodeId | undefined {
  return config.incoming.find((node) => (leading.peers.get(node)?.match ?? 0) >= last);
}
