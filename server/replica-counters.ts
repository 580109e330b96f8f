// What one replica went through, as plain numbers for whoever exports metrics.
import type { NodeId } from "../base/index.ts";
import { AppliedCounters } from "./applied-counters.ts";

export class ReplicaCounters {
  readonly applied = new AppliedCounters();
  /** Commands of this member's clients that ended with an error. */
  commandsFailed = 0;
  leadersSeen = 0;
  #leader: NodeId | undefined;

  onFailed(): void {
    this.commandsFailed += 1;
  }

  /** A leader that comes back after nobody led is another change, as in etcd. */
  onLeader(leader: NodeId | undefined): void {
    if (leader !== undefined && leader !== this.#leader) this.leadersSeen += 1;
    this.#leader = leader;
  }
}
