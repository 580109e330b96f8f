// Entries that are on disk but not in memory: asked of the owner, one range at a time.
import type { LogIndex } from "../base/index.ts";
import type { ReplicaState } from "./replica-state.ts";

/** Entries asked for at once. */
const LOAD_ENTRIES_MAX = 256;

/** Wants [from, until) loaded, if no other range is. The caller tries again after `loaded`. */
export function wantLoad(state: ReplicaState, from: LogIndex, until: number): void {
  if (state.loadInFlight || state.loadWanted !== undefined) return;
  state.loadWanted = { from, until: Math.min(until, from + LOAD_ENTRIES_MAX) as LogIndex };
}

export function takeLoad(state: ReplicaState): ReplicaState["loadWanted"] {
  const wanted = state.loadWanted;
  if (wanted === undefined) return undefined;
  state.loadWanted = undefined;
  state.loadInFlight = true;
  return wanted;
}

/** The range has come; whoever found it missing looks again at the end of this turn. */
export function onLoaded(state: ReplicaState): void {
  state.loadInFlight = false;
}
