// The leader's lease: as long as a quorum that blocks every election must still refuse its votes to others
// (R7, Thesis 6.4.1). Computed at each use from send times, under the configuration in force.
import type { MonotonicMs, NodeId } from "../base/index.ts";
import { quorumValue } from "./quorum.ts";
import type { ReplicaState } from "./replica-state.ts";

/** True while no other leader can have been elected, if every clock keeps its stated rate. */
export function leaseHolds(state: ReplicaState, now: MonotonicMs): boolean {
  const { halted, answersReads, leadership, options } = state;
  if (halted || !answersReads) return false;
  // Whoever was told to campaign may win at any time, and asks voters that would refuse others (R13).
  if (leadership?.timeoutNowSent === true && options.planted !== "lease-after-timeout-now")
    return false;
  return now < leaseUntilMs(state, now);
}

/**
 * A voter that acknowledged a round refuses others for the lease constant after it received it, hence at
 * least as long after the round was sent, on its own clock; the drift bound relates the two clocks.
 */
function leaseUntilMs(state: ReplicaState, now: MonotonicMs): number {
  const { id, options, config, leading } = state;
  const fromOf = (node: NodeId): number => {
    if (node === id) return now;
    const sentAtMs = leading.peers.get(node)?.leaseFromMs ?? -Infinity;
    return sentAtMs > leading.leaseFloorMs ? sentAtMs : -Infinity;
  };
  const from =
    options.planted === "lease-cached-across-config"
      ? quorumValue(state.configs[0] ?? config, fromOf)
      : state.quorumReached(fromOf);
  const drift = (1 - options.clockDriftMax) / (1 + options.clockDriftMax);
  return from + config.leaseMs * drift - options.leaseMarginMs;
}
