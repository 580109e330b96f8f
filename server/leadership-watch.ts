// Notices that leadership changed, and tells the operator.
import { EPOCH_ZERO, sameEpoch } from "../consensus/index.ts";
import type { Epoch, Status } from "../consensus/index.ts";
import type { Journal } from "./ports.ts";
import type { ReplicaCounters } from "./replica-counters.ts";

export class LeadershipWatch {
  readonly #journal: Journal;
  readonly #counters: ReplicaCounters | undefined;
  #seen: Pick<Status, "epoch" | "role"> & { readonly leader: Status["leader"] | undefined };

  constructor(journal: Journal, counters: ReplicaCounters | undefined) {
    this.#journal = journal;
    this.#counters = counters;
    const epoch: Epoch = EPOCH_ZERO;
    this.#seen = { epoch, leader: undefined, role: "follower" };
  }

  /** @returns whether epoch, leader or the role here differ from the last look. */
  look({ epoch, leader, role }: Status): boolean {
    const seen = this.#seen;
    if (sameEpoch(seen.epoch, epoch) && seen.leader === leader && seen.role === role) return false;
    this.#seen = { epoch, leader, role };
    this.#counters?.onLeader(leader);
    this.#journal.info("leadership changed", { role, term: epoch.round, leader: leader ?? 0 });
    return true;
  }
}
