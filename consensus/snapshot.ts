// What both protocols ask of a snapshot: whether it is needed, what it is marked with, and how long the state
// is not whole. Entries are applied only behind a whole state, and nobody campaigns without one.
import { present } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { SnapshotMeta } from "./entry.ts";
import { configAt } from "./membership.ts";
import type { Progress } from "./progress.ts";
import type { ReplicaState } from "./replica-state.ts";

/** A snapshot is being installed, or the state was lost and the log no longer reaches back to rebuild it. */
export function awaitsState(state: ReplicaState): boolean {
  return state.applied < state.stateFloor;
}

/** What is committed here comes by apply; a snapshot brings what the log here cannot. */
export function lacksState(state: ReplicaState, index: LogIndex): boolean {
  if (state.leadership !== undefined) return false;
  return awaitsState(state) ? index >= state.stateFloor : index > state.commit;
}

/** @throws {AssertionError} if the log no longer knows the epoch at `index`. */
export function markAt(state: ReplicaState, index: LogIndex): SnapshotMeta {
  const epoch = present(state.init.log.epochAt(index), `the epoch at ${index}`);
  return { index, epoch, config: configAt(state.configs, index) };
}

/**
 * How far the log may be compacted when the state up to `index` is durable: not beyond what a peer will
 * need once it has the snapshot that is on its way to it, or it would need another (scenario 41).
 */
export function compactableTo(state: ReplicaState, index: LogIndex): LogIndex {
  if (state.options.planted === "snapshot-not-pinned") return index;
  const pin = (lowest: number, { mode, snapshotIndex }: Progress): number =>
    mode === "snapshot" ? Math.min(lowest, snapshotIndex) : lowest;
  return [...(state.leadership?.peers.values() ?? [])].reduce(pin, index) as LogIndex;
}
