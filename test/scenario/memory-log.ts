// A log in memory for tests: what the core sees, and, in a second one, what would survive a power loss.
import { assert } from "../../base/index.ts";
import type { LogIndex, NodeId } from "../../base/index.ts";
import { EPOCH_ZERO } from "../../consensus/index.ts";
import type {
  Entry,
  Epoch,
  LogReader,
  Membership,
  SnapshotMeta,
  StorageOp,
} from "../../consensus/index.ts";

export class MemoryLog implements LogReader {
  promised: Epoch = EPOCH_ZERO;
  votedFor: NodeId | 0 = 0;
  commitHint = 0 as LogIndex;
  /** Of the state in force. */
  generation = 0;
  /** Entries before this are said to be on disk only, until `load` is called. */
  loadedFrom = 0;
  /** From `first()` on; a hole is a slot that holds nothing (Paxos). */
  #entries: (Entry | undefined)[] = [];
  #snapshot: SnapshotMeta;

  constructor(bootstrap: Membership) {
    this.#snapshot = { index: 0 as LogIndex, epoch: EPOCH_ZERO, config: bootstrap };
  }

  first(): LogIndex {
    return (this.#snapshot.index + 1) as LogIndex;
  }

  last(): LogIndex {
    return (this.#snapshot.index + this.#entries.length) as LogIndex;
  }

  snapshot(): SnapshotMeta {
    return this.#snapshot;
  }

  epochAt(index: LogIndex): Epoch | undefined {
    if (index === this.#snapshot.index) return this.#snapshot.epoch;
    return this.#entries[index - this.first()]?.epoch;
  }

  slice(
    from: LogIndex,
    until: LogIndex,
    bytesMax: number,
  ): readonly Entry[] | "compacted" | "loading" {
    if (from < this.first()) return "compacted";
    if (from < this.loadedFrom) return "loading";
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = from; index < until; index = (index + 1) as LogIndex) {
      const entry = this.#entries[index - this.first()];
      if (entry === undefined) continue;
      bytes += entry.kind === "command" ? entry.data.length : 0;
      if (bytes > bytesMax && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Every configuration from the snapshot on. */
  configs(): readonly Membership[] {
    const later = this.entries().flatMap((entry) =>
      entry.kind === "config" ? [entry.config] : [],
    );
    return [this.#snapshot.config, ...later];
  }

  entries(): readonly Entry[] {
    return this.#entries.filter((entry) => entry !== undefined);
  }

  take(ops: readonly StorageOp[]): void {
    for (const op of ops) this.#take(op);
  }

  copy(): MemoryLog {
    const twin = new MemoryLog(this.#snapshot.config);
    twin.promised = this.promised;
    twin.votedFor = this.votedFor;
    twin.commitHint = this.commitHint;
    twin.generation = this.generation;
    twin.#snapshot = this.#snapshot;
    twin.#entries = [...this.#entries];
    return twin;
  }

  #take(op: StorageOp): void {
    switch (op.op) {
      case "append":
        for (const entry of op.entries) {
          assert(entry.index === this.last() + 1, `${entry.index} after ${this.last()}`);
          this.#entries.push(entry);
        }
        return;
      case "truncate-from":
        this.#entries = this.#entries.slice(0, op.index - this.first());
        return;
      case "promise":
        this.promised = op.promised;
        this.votedFor = op.votedFor;
        return;
      case "commit-hint":
        this.commitHint = op.index;
        return;
      case "compact-to":
        this.#entries = this.#entries.slice(op.meta.index - this.first() + 1);
        this.#snapshot = op.meta;
        return;
      case "install-snapshot":
        this.#entries = this.#entries.slice(Math.max(0, op.meta.index - this.first() + 1));
        this.#snapshot = op.meta;
        this.generation = op.generation;
        return;
      case "put": {
        const at = op.entry.index - this.first();
        while (this.#entries.length < at) this.#entries.push(undefined);
        this.#entries[at] = op.entry;
      }
    }
  }
}
