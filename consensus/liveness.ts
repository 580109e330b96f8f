// When a replica may campaign, when a leader must make way, and when a voter holds on to its leader
// (R7, R11, R14): the same questions in both protocols.
import type { MonotonicMs } from "../base/index.ts";
import { quorumHeardAtMs } from "./heartbeat.ts";
import { votersOf } from "./membership.ts";
import type { ReplicaState } from "./replica-state.ts";
import { awaitsState } from "./snapshot.ts";

/** A leader that cannot commit makes way: no quorum answers (R14), or its own disk does not (R7). */
export function mustYield(state: ReplicaState, now: MonotonicMs): boolean {
  const { electionTimeoutMs } = state.options;
  const cutOff = now - quorumHeardAtMs(state) > electionTimeoutMs;
  return cutOff || state.durability.isStalled(now, electionTimeoutMs);
}

/** Learners wait to be asked; a node whose disk stalls (scenario 80), or that lacks state, could not lead. */
export function mayCampaign(state: ReplicaState, now: MonotonicMs): boolean {
  if (!state.isVoter || awaitsState(state)) return false;
  const due = now - state.electionFromMs >= state.electionTimeoutMs || isAlone(state);
  return due && !state.durability.isStalled(now, state.options.electionTimeoutMs);
}

/** A group that never had another voter has no other leader to wait for. */
function isAlone(state: ReplicaState): boolean {
  return (
    state.role === "follower" &&
    state.configs.every((config) => votersOf(config).every((node) => node === state.id))
  );
}

/** Within the lease constant of its leader's last word, or of its own boot, a voter refuses (R7, R11). */
export function hearsLeader(state: ReplicaState): boolean {
  if (state.leadership !== undefined) return true;
  const since = Math.max(state.leaderHeardAtMs, state.init.bootAtMs);
  return state.now - since < state.config.leaseMs;
}
