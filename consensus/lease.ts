// The leader's lease: as long as a quorum that blocks every election must still refuse its votes to others
// (R7, Thesis 6.4.1). Computed at each use from send times, under the configuration in force.
import type { MonotonicMs } from "../base/index.ts";
import type { ReplicaState } from "./replica-state.ts";

/** True while no other leader can have been elected, if every clock keeps its stated rate. */
export function leaseHolds(state: ReplicaState, now: MonotonicMs): boolean {
  if (state.halted || !state.committedInEpoch) return false;
  return now < leaseUntilMs(state, now);
}

/**
 * A voter that acknowledged a round refuses others for the lease constant after it received it, hence at
 * least as long after the round was sent, on its own clock; the drift bound relates the two clocks.
 */
function leaseUntilMs(state: ReplicaState, now: MonotonicMs): number {
  const { id, options, config, leading } = state;
  const from = state.quorumReached((node) => {
    if (node === id) return now;
    const sentAtMs = leading.peers.get(node)?.leaseFromMs ?? -Infinity;
    return sentAtMs > leading.leaseFloorMs ? sentAtMs : -Infinity;
  });
  const drift = (1 - options.clockDriftMax) / (1 + options.clockDriftMax);
  return from + config.leaseMs * drift - options.leaseMarginMs;
}
