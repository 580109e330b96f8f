// What a snapshot does to the slots when one is installed (R15), and what of them goes when the state up to it
// is durable (S2). Whoever lacks chosen slots that are compacted here is sent one: catch-up.ts.
import type { LogIndex, NodeId } from "../base/index.ts";
import { compactableTo, markAt } from "../consensus/index.ts";
import type { SnapshotMeta } from "../consensus/index.ts";
import { advanceCommit } from "./commit.ts";
import type { PaxosState } from "./state.ts";

/** Not beyond what a peer will need once it has the snapshot that is on its way to it (scenario 41). */
export function onCheckpoint(state: PaxosState, index: LogIndex): void {
  let target: number = compactableTo(state, index);
  if (state.options.planted !== "snapshot-not-pinned") {
    for (const pinned of state.snapshotsUnderWay.values()) target = Math.min(target, pinned);
  }
  const due = state.compactDue?.index ?? state.log.compacted;
  if (target > due) state.compactDue = markAt(state, target as LogIndex);
}

/** One at a time for each peer, however often it asks. */
export function needSnapshot(state: PaxosState, peer: NodeId): void {
  if (state.snapshotsUnderWay.has(peer)) return;
  const meta = state.log.reader.snapshot();
  if (meta === "preparing") return;
  state.snapshotsUnderWay.set(peer, meta.index);
  state.snapshotsDue.push({ to: peer, meta });
}

/** A peer that has installed it asks for what follows. */
export function onSnapshotSent(state: PaxosState, to: NodeId): void {
  state.snapshotsUnderWay.delete(to);
}

/**
 * What was accepted in slots behind the snapshot was accepted whatever it holds: an acceptor keeps it, unless the
 * snapshot brings a later configuration (P8).
 */
export function onInstall(state: PaxosState, meta: SnapshotMeta, generation: number): void {
  state.log.install({ meta, generation });
  state.membership.onInstalled(meta.config, meta.index, { keeps: true });
  state.compactDue = undefined;
  state.stateFloor = meta.index;
  state.learning = undefined;
  // A replica whose state was lost may know more to be chosen than the snapshot holds.
  if (meta.index > state.commit) advanceCommit(state, meta.index);
}
