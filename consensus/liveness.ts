// When a replica may campaign, when a leader must make way, when a voter holds on to its leader (R7, R11, R14),
// and when a learner may vote (R10): the same questions in both protocols.
import type { MonotonicMs } from "../base/index.ts";
import { quorumHeardAtMs } from "./heartbeat.ts";
import { isVoter, votersOf } from "./membership.ts";
import type { Progress } from "./progress.ts";
import type { ReplicaState } from "./replica-state.ts";
import { awaitsState } from "./snapshot.ts";

/** Committed entries that a learner may lack and still be promoted (scenario 53). */
const LAG_ENTRIES_MAX = 1_000;

/** A leader that cannot commit makes way: no quorum answers (R14), or its own disk does not (R7). */
export function mustYield(state: ReplicaState, now: MonotonicMs): boolean {
  const { electionTimeoutMs } = state.options;
  const cutOff = now - quorumHeardAtMs(state) > electionTimeoutMs;
  if (state.options.planted === "stalled-leader-stays") return cutOff;
  return cutOff || state.durability.isStalled(now, electionTimeoutMs);
}

/** Learners wait to be asked; a node whose disk stalls (scenario 80), or that lacks state, could not lead. */
export function mayCampaign(state: ReplicaState, now: MonotonicMs): boolean {
  if (!mayLead(state) || awaitsState(state)) return false;
  const due = now - state.electionFromMs >= state.electionTimeoutMs || isAlone(state);
  return due && !state.durability.isStalled(now, state.options.electionTimeoutMs);
}

/**
 * Who votes; and who voted until a configuration that is not known to be committed: the others may lack it and
 * have shorter logs, and then nobody else can lead until it is (Thesis 4.2.2, scenario 48).
 */
function mayLead({ isVoter: votes, config, configs, commit, id }: ReplicaState): boolean {
  if (votes || config.index <= commit) return votes;
  const before = configs.at(-2);
  return before !== undefined && isVoter(before, id);
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
  if (state.options.planted === "stickiness-ignored") return false;
  const since = Math.max(state.leaderHeardAtMs, state.init.bootAtMs);
  return state.now - since < state.config.leaseMs;
}

/** At a leader, of a peer that is heard from. */
export function isCaughtUp(state: ReplicaState, peer: Progress): boolean {
  const { now, options, readIndex } = state;
  const { match, catchUp, heardAtMs } = peer;
  if (catchUp === undefined) return true;
  const alive = now - heardAtMs < options.electionTimeoutMs;
  const near = readIndex - match <= LAG_ENTRIES_MAX;
  return alive && near && catchUp.roundMs(match, now) < options.electionTimeoutMs;
}
