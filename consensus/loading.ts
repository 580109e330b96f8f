// Entries that are on disk but not in memory: asked of the owner, one range at a time.
import type { LogIndex } from "../base/index.ts";
import type { ReplicaState } from "./replica-state.ts";

/** Entries asked for at once. */
const LOAD_ENTRIES_MAX = 256;

/** For a peer, if no other range is wanted. The caller tries again after `loaded`. */
export function wantLoadForPeer(state: ReplicaState, from: LogIndex, until: number): void {
  if (state.loadWanted === undefined) wantLoadForApply(state, from, until);
}

/** Goes before what a peer wants: this replica's own state must not wait for a peer to catch up. */
export function wantLoadForApply(state: ReplicaState, from: LogIndex, until: number): void {
  if (state.loadInFlight) return;
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
