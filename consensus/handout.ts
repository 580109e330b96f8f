// What of the committed log is handed out for apply: in order, durable here, and bounded while apply is
// behind (R4, P6).
import { assert, present } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { Entry } from "./entry.ts";
import { entriesBytes } from "./entry-bytes.ts";
import { wantLoadForApply } from "./loading.ts";
import type { ReplicaState } from "./replica-state.ts";
import { awaitsState } from "./snapshot.ts";

/** The next committed entries that are durable here too. */
export function takeCommitted(state: ReplicaState): readonly Entry[] {
  const { durability, options } = state;
  if (awaitsState(state)) return [];
  const until = Math.min(state.commit, durability.index) + 1;
  let taken: readonly Entry[] | undefined;
  while (state.handed + 1 < until && state.handedBytes < options.inflightBytesMax) {
    const from = (state.handed + 1) as LogIndex;
    const slice = state.slice(from, until, options.appendBytesMax);
    if (slice === "loading") {
      wantLoadForApply(state, from, until);
      break;
    }
    assert(slice !== "compacted", "only applied entries are compacted");
    const last = present(slice.at(-1), "the last entry of a slice").index;
    const bytes = entriesBytes(slice);
    state.handed = last;
    state.handedBytes += bytes;
    state.handedUnapplied.push({ last, bytes });
    taken = taken === undefined ? slice : [...taken, ...slice];
  }
  return taken ?? [];
}

/** Entries up to `index` are in the state. */
export function onApplied(state: ReplicaState, index: LogIndex): void {
  state.applied = index;
  // A snapshot was changed over to: what was handed out before it is no longer waited for.
  if (index > state.handed) state.handed = index;
  state.freshness.onApplied(index);
  let reached = 0;
  for (const { last, bytes } of state.handedUnapplied) {
    if (last > index) break;
    state.handedBytes -= bytes;
    reached += 1;
  }
  if (reached > 0) state.handedUnapplied.splice(0, reached);
}
