// The log in memory, as the core reads it: every operation accepted so far, durable or not.
import { assert, logIndex } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { Entry, Epoch, LogReader, SnapshotMeta, StorageOp } from "../consensus/index.ts";
import { LogCache } from "./log-cache.ts";
import type { LogCheckpoint } from "./log-checkpoint.ts";
import { LogEpochs } from "./log-epochs.ts";

export class LogView implements LogReader {
  readonly checkpoint: LogCheckpoint;
  readonly cache: LogCache;
  readonly #epochs = new LogEpochs();

  constructor(checkpoint: LogCheckpoint, cacheBytesMax: number) {
    this.checkpoint = checkpoint;
    this.cache = new LogCache(cacheBytesMax);
  }

  first(): LogIndex {
    return logIndex(this.checkpoint.meta.index + 1);
  }

  last(): LogIndex {
    return logIndex(Math.max(this.checkpoint.meta.index, this.#epochs.last));
  }

  snapshot(): SnapshotMeta {
    return this.checkpoint.meta;
  }

  epochAt(index: LogIndex): Epoch | undefined {
    const { meta } = this.checkpoint;
    return index === meta.index ? meta.epoch : this.#epochs.at(index);
  }

  /** Slots without an entry (Paxos) are passed over. */
  slice(
    from: LogIndex,
    until: LogIndex,
    bytesMax: number,
  ): readonly Entry[] | "compacted" | "loading" {
    if (from < this.first()) return "compacted";
    const end = Math.min(until, this.last() + 1);
    const entries: Entry[] = [];
    let bytes = 0;
    for (let at: number = from; at < end; at += 1) {
      const entry = this.cache.get(at as LogIndex);
      if (entry === undefined) {
        if (this.epochAt(at as LogIndex) === undefined) continue;
        return entries.length > 0 ? entries : "loading";
      }
      bytes += entry.kind === "command" ? entry.data.length : 0;
      if (bytes > bytesMax && entries.length > 0) return entries;
      entries.push(entry);
    }
    return entries;
  }

  /** Takes a batch's operation in. What it says must fit the log: a core that misfits is a bug. */
  accept(op: StorageOp): void {
    if (op.op === "append") {
      const [oldest] = op.entries;
      assert(
        oldest === undefined || oldest.index === this.last() + 1,
        `append at ${oldest?.index} behind ${this.last()}: truncate first`,
      );
    }
    if (op.op === "truncate-from") {
      assert(op.index >= this.first(), `truncate-from ${op.index} reaches below ${this.first()}`);
    }
    this.replay(op);
  }

  /** Takes an operation in that was accepted before; at the head of recovery indexes may be missing. */
  replay(op: StorageOp): void {
    switch (op.op) {
      case "append":
        for (const entry of op.entries) this.#put(entry);
        break;
      case "put":
        this.#put(op.entry);
        break;
      case "truncate-from":
        this.cache.truncateFrom(op.index, this.last());
        this.#epochs.truncateFrom(op.index);
        break;
      case "install-snapshot":
      case "compact-to":
        this.cache.dropThrough(op.meta.index);
        this.#epochs.dropThrough(op.meta.index);
        break;
      case "promise":
      case "commit-hint":
        break;
    }
    this.checkpoint.apply(op);
  }

  #put(entry: Entry): void {
    if (entry.index < this.first()) return;
    this.#epochs.set(entry.index, entry.epoch);
    this.cache.put(entry);
  }
}
