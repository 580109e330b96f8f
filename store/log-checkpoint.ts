// What a log holds beside its entries: the promise, the commit hint, the snapshot mark, the configurations.
// Folded from storage operations; written whole at the head of each segment, so that older segments can go.
import { LOG_INDEX_ZERO, assert, unreachable } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import { EPOCH_ZERO } from "../consensus/index.ts";
import type { Entry, Epoch, Membership, SnapshotMeta, StorageOp } from "../consensus/index.ts";
import type { StructureReader, StructureWriter } from "./segment-codec.ts";

export class LogCheckpoint {
  promised: Epoch = EPOCH_ZERO;
  votedFor: NodeId | 0 = 0;
  commitHint: LogIndex = LOG_INDEX_ZERO;
  meta: SnapshotMeta;
  /** Of entries behind `meta`, in index order. */
  #configs: readonly Membership[] = [];
  /** Of the applied state in force: raised by each snapshot installed (R15). */
  generation = 0;
  /** The first segment that recovery needs; older ones are orphans. */
  oldestSegment = 1;

  constructor(meta: SnapshotMeta) {
    this.meta = meta;
  }

  /** Every configuration from the snapshot (or bootstrap) on, oldest first. */
  get configs(): readonly Membership[] {
    return [this.meta.config, ...this.#configs];
  }

  apply(op: StorageOp): void {
    switch (op.op) {
      case "append":
        for (const entry of op.entries) this.#put(entry);
        return;
      case "put":
        this.#put(op.entry);
        return;
      case "truncate-from":
        if (this.#configs.length > 0) this.#keepConfigs((config) => config.index < op.index);
        return;
      case "promise":
        this.promised = op.promised;
        this.votedFor = op.votedFor;
        return;
      case "commit-hint":
        if (op.index > this.commitHint) this.commitHint = op.index;
        return;
      case "install-snapshot":
      case "compact-to":
        assert(op.meta.index >= this.meta.index, `${op.op} goes back to ${op.meta.index}`);
        this.meta = op.meta;
        if (op.op === "install-snapshot") this.generation = op.generation;
        this.#keepConfigs((config) => config.index > op.meta.index);
        return;
      default:
        unreachable(op);
    }
  }

  #put(entry: Entry): void {
    if (this.#configs.length > 0) this.#keepConfigs((config) => config.index !== entry.index);
    if (entry.kind !== "config" || entry.index <= this.meta.index) return;
    assert(entry.config.index === entry.index, "a configuration names the index of its entry");
    const configs = [...this.#configs, entry.config];
    this.#configs = configs.sort((left, right) => left.index - right.index);
  }

  #keepConfigs(kept: (config: Membership) => boolean): void {
    this.#configs = this.#configs.filter(kept);
  }

  copy(): LogCheckpoint {
    const twin = new LogCheckpoint(this.meta);
    twin.promised = this.promised;
    twin.votedFor = this.votedFor;
    twin.commitHint = this.commitHint;
    twin.oldestSegment = this.oldestSegment;
    twin.generation = this.generation;
    twin.#configs = this.#configs;
    return twin;
  }

  encode(writer: StructureWriter): void {
    writer.epoch(this.promised);
    writer.count(this.votedFor);
    writer.count(this.commitHint);
    writer.count(this.oldestSegment);
    writer.count(this.generation);
    writer.meta(this.meta);
    writer.u32(this.#configs.length);
    for (const config of this.#configs) writer.membership(config);
  }

  /** @throws {StructureError} where the bytes are not a checkpoint. */
  static decode(reader: StructureReader): LogCheckpoint {
    const promised = reader.epoch();
    const votedFor = reader.node();
    const commitHint = reader.count() as LogIndex;
    const oldestSegment = reader.count();
    const generation = reader.count();
    const checkpoint = new LogCheckpoint(reader.meta());
    checkpoint.promised = promised;
    checkpoint.votedFor = votedFor;
    checkpoint.commitHint = commitHint;
    checkpoint.oldestSegment = oldestSegment;
    checkpoint.generation = generation;
    const count = reader.u32();
    const configs: Membership[] = [];
    for (let at = 0; at < count; at += 1) configs.push(reader.membership());
    checkpoint.#configs = configs;
    return checkpoint;
  }
}
