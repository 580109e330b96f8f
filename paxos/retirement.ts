// A replica that the configuration in force has no place for. It answers for the one before, and may stop for good
// once a phase-1 quorum of those who follow holds the state through the stop-sign (P8): nobody needs it then.
import type { LogIndex, MonotonicMs } from "../base/index.ts";
import { isMember } from "../consensus/index.ts";
import type { PaxosState } from "./state.ts";

export function isDispensable(state: PaxosState): boolean {
  return !isMember(state.config, state.id) && state.quorums.phase1(state.successors);
}

/** Whoever answers a question says by its ballot how far it has come; whoever is behind learns from this one. */
export function onRetirementTick(state: PaxosState, now: MonotonicMs): void {
  const { config, id, options, successors } = state;
  if (isMember(config, id) || isDispensable(state)) return;
  if (now - state.successorsAskedAtMs < options.heartbeatMs) return;
  state.successorsAskedAtMs = now;
  const from = (state.commit + 1) as LogIndex;
  for (const node of config.incoming) {
    if (!successors.has(node)) state.emit(node, { kind: "learn", from });
  }
}
