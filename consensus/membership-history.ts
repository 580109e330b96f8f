// The configurations along a log, oldest first, from that of its snapshot (or the bootstrap) on. Which of them is
// in force is each protocol's to say: raft/membership.ts, paxos/membership.ts.
import { assert, present } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { Entry, Membership } from "./entry.ts";
import { checkMembership, configAt } from "./membership.ts";

export class MembershipHistory {
  all: readonly Membership[];
  /** The newest in the log, committed or not. */
  latest: Membership;

  constructor(history: readonly Membership[]) {
    for (const config of history) checkMembership(config);
    this.all = [...history];
    this.latest = present(history.at(-1), "the first configuration");
  }

  /** The newest at or before `index`. */
  at(index: LogIndex): Membership {
    return configAt(this.all, index);
  }

  /** The log holds `entry`, whatever it held at that index before. */
  onPut(entry: Entry): void {
    if (entry.kind !== "config") {
      if (entry.index <= this.latest.index) this.#keep(({ index }) => index !== entry.index);
      return;
    }
    const { config, index } = entry;
    assert(config.index === index, `config ${config.index} stands in the entry at ${index}`);
    checkMembership(config);
    const others = this.all.filter((other) => other.index !== index);
    this.#set([...others, config].sort((left, right) => left.index - right.index));
  }

  onTruncated(from: LogIndex): void {
    if (from <= this.latest.index) this.#keep(({ index }) => index < from);
  }

  /** What the snapshot covers is known by its configuration alone; `keeps`: entries behind it stay (R15). */
  onInstalled(config: Membership, index: LogIndex, { keeps }: { readonly keeps: boolean }): void {
    checkMembership(config);
    const behind = keeps ? this.all.filter((later) => later.index > index) : [];
    this.#set([config, ...behind]);
  }

  /** Configurations that were replaced before `index`, of no entry that is left, go. */
  onCompacted(index: LogIndex): void {
    const oldest = this.at(index);
    this.#keep((config) => config.index >= oldest.index);
  }

  #keep(kept: (config: Membership) => boolean): void {
    const left = this.all.filter(kept);
    if (left.length < this.all.length) this.#set(left);
  }

  #set(all: readonly Membership[]): void {
    assert(all.length > 0, "some configuration is left");
    this.all = all;
    this.latest = present(all.at(-1), "the newest configuration");
  }
}
