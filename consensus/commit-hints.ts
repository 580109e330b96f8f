// The commit index on disk: a hint that saves a restarted node from waiting for its leader. It rides along
// with other operations, or goes alone when idle, and never needs a sync of its own.
import type { StorageOp } from "./entry.ts";
import type { ReplicaState } from "./replica-state.ts";

export function hintIsDue(state: ReplicaState): boolean {
  return state.now - state.hintedAtMs >= state.options.electionTimeoutMs;
}

export function pushHint(state: ReplicaState, ops: StorageOp[]): void {
  if (state.commit === state.commitHinted) return;
  ops.push({ op: "commit-hint", index: state.commit });
  state.commitHinted = state.commit;
  state.hintedAtMs = state.now;
}
