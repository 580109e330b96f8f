// The commit index: a leader counts durable copies of entries of its own term (R4, Raft 5.4.2), a follower
// hears of it; and what of the committed log is handed out for apply.
import { assert, present } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import { quorumValue } from "../consensus/index.ts";
import type { Entry } from "../consensus/index.ts";
import { entriesBytes } from "./log-view.ts";
import { wantLoadForApply } from "./loading.ts";
import { onBarriersCommitted } from "./reads.ts";
import type { RaftState } from "./state.ts";

/** To be called whenever a match, or the own durable index, has moved. */
export function advanceLeaderCommit(state: RaftState): void {
  const { leadership, id, durability } = state;
  if (leadership === undefined) return;
  const index = quorumValue(state.config, (node) =>
    node === id ? durability.index : (leadership.peers.get(node)?.match ?? 0),
  );
  if (index <= state.commit) return;
  // Entries of earlier terms are committed only by one of this term above them (scenario 1).
  const ownTerm = index >= leadership.startIndex;
  if (!ownTerm && state.options.planted !== "commit-old-term-by-count") return;
  advanceCommit(state, index as LogIndex);
  onBarriersCommitted(state);
}

/** Raises the commit index to at most `index`; never beyond what this log holds. */
export function advanceCommit(state: RaftState, index: LogIndex): void {
  const commit = Math.min(index, state.log.last) as LogIndex;
  if (commit <= state.commit) return;
  state.commit = commit;
  state.proposals.onCommitted(commit, (at) => state.log.termAt(at));
}

/** The next committed entries that are durable here too (R4), bounded while apply is behind. */
export function takeCommitted(state: RaftState): readonly Entry[] {
  const { log, durability, options } = state;
  const until = Math.min(state.commit, durability.index) + 1;
  let taken: readonly Entry[] | undefined;
  while (state.handed + 1 < until && state.handedBytes < options.inflightBytesMax) {
    const from = (state.handed + 1) as LogIndex;
    const slice = log.slice(from, until, options.appendBytesMax);
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
export function onApplied(state: RaftState, index: LogIndex): void {
  state.applied = index;
  state.freshness.onApplied(index);
  state.freshness.onApplied(index);
  let reached = 0;
  for (const { last, bytes } of state.handedUnapplied) {
    if (last > index) break;
    state.handedBytes -= bytes;
    reached += 1;
  }
  if (reached > 0) state.handedUnapplied.splice(0, reached);
}
