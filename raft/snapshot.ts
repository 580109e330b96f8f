// What a snapshot does to the log and its configurations when one is installed (R15), and what of the log
// goes when the state up to it is durable (S2). Sending one is replication.ts.
import type { LogIndex } from "../base/index.ts";
import { compactableTo, markAt } from "../consensus/index.ts";
import type { SnapshotMeta } from "../consensus/index.ts";
import { advanceCommit } from "./commit.ts";
import { becomeFollower } from "./roles.ts";
import type { RaftState } from "./state.ts";

export function onCheckpoint(state: RaftState, index: LogIndex): void {
  const target = compactableTo(state, index);
  const due = state.compactDue?.index ?? state.log.compacted;
  if (target > due) state.compactDue = markAt(state, target);
}

/**
 * An entry of the snapshot's term at its index proves that the logs are equal up to there: what follows may
 * be acknowledged and stays (scenario 39). Any other log is not the leader's: all of it goes (scenario 37).
 */
export function onInstall(state: RaftState, meta: SnapshotMeta, generation: number): void {
  const { log, durability, membership, options } = state;
  const { index, epoch, config } = meta;
  // A node that was cut off may be of an earlier term than what it installs.
  if (epoch.round > state.term) becomeFollower(state, epoch.round, 0);
  const conflicts = log.termAt(index) !== epoch.round;
  const bug = options.planted === "install-keeps-conflicting-suffix" && index < log.last;
  const keeps = !conflicts || bug;
  if (keeps) log.keepBehind({ meta, generation });
  else {
    durability.onTruncated((log.compacted + 1) as LogIndex);
    state.matchWaiting = 0;
    log.restartAt({ meta, generation });
  }
  if (options.planted !== "snapshot-config-ignored")
    membership.onInstalled(config, index, { keeps });
  state.compactDue = undefined;
  state.stateFloor = index;
  advanceCommit(state, index);
  if (state.leader !== 0) {
    const match = Math.max(index, keeps ? (state.ackDue?.match ?? 0) : 0) as LogIndex;
    state.ackDue = { to: state.leader, match };
  }
}
