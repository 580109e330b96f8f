// What one member's log holds, followed from outside: as its reader shows it, and as its disk was said to
// hold it. A recovered log must be the durable one, or that with some of the writes that were in flight.
import { assert, present } from "../../base/index.ts";
import type { NodeId } from "../../base/index.ts";
import { EPOCH_ZERO, sameEpoch } from "../../consensus/index.ts";
import type {
  Entry,
  Epoch,
  LogWrite,
  Membership,
  SnapshotMeta,
  StorageOp,
} from "../../consensus/index.ts";

/** What the files of a log say; entries up to `base` are in a snapshot only. */
export interface LogState {
  readonly base: { readonly index: number; readonly epoch: Epoch };
  /** Behind the base, in order; a hole is a slot that holds nothing (Paxos). */
  readonly entries: readonly (Entry | undefined)[];
  /** From the one in force at the base on, oldest first. */
  readonly configs: readonly Membership[];
  readonly promised: Epoch;
  readonly votedFor: NodeId | 0;
  /** Of the applied state (R15). */
  readonly generation: number;
}

const EMPTY: LogState = {
  base: { index: 0, epoch: EPOCH_ZERO },
  entries: [],
  configs: [],
  promised: EPOCH_ZERO,
  votedFor: 0,
  generation: 0,
};

/** A log's state with every storage operation taken in, in place. */
export class LogMirror {
  #base = EMPTY.base;
  #entries: (Entry | undefined)[] = [];
  #configs: Membership[] = [];
  #promised: Epoch = EPOCH_ZERO;
  #votedFor: NodeId | 0 = 0;
  #generation = 0;

  constructor(state: LogState) {
    this.#base = state.base;
    this.#entries = [...state.entries];
    this.#configs = [...state.configs];
    this.#promised = state.promised;
    this.#votedFor = state.votedFor;
    this.#generation = state.generation;
  }

  get base(): LogState["base"] {
    return this.#base;
  }

  get last(): number {
    return this.#base.index + this.#entries.length;
  }

  get configs(): readonly Membership[] {
    return this.#configs;
  }

  get generation(): number {
    return this.#generation;
  }

  get promised(): Epoch {
    return this.#promised;
  }

  get votedFor(): NodeId | 0 {
    return this.#votedFor;
  }

  /** Undefined for a hole, and for what is compacted. */
  at(index: number): Entry | undefined {
    return this.#entries[index - this.#base.index - 1];
  }

  epochAt(index: number): Epoch | undefined {
    return index === this.#base.index ? this.#base.epoch : this.at(index)?.epoch;
  }

  /** The entry itself, or a snapshot in its place. */
  holds(index: number, epoch: Epoch): boolean {
    if (index <= this.#base.index) return true;
    const held = this.at(index);
    return held !== undefined && sameEpoch(held.epoch, epoch);
  }

  take(ops: readonly StorageOp[]): void {
    for (const op of ops) this.#take(op);
  }

  #take(op: StorageOp): void {
    switch (op.op) {
      case "append":
        for (const entry of op.entries) {
          assert(entry.index === this.last + 1, `entry ${entry.index} behind ${this.last}`);
          this.#put(entry);
        }
        break;
      case "put":
        this.#put(op.entry);
        break;
      case "truncate-from":
        this.#entries.length = Math.max(0, op.index - this.#base.index - 1);
        this.#configs = this.#configs.filter(({ index }) => index < op.index);
        break;
      case "promise":
        this.#promised = op.promised;
        this.#votedFor = op.votedFor;
        break;
      case "commit-hint":
        break;
      case "install-snapshot":
        this.#rebase(op.meta);
        this.#generation = op.generation;
        break;
      case "compact-to":
        this.#rebase(op.meta);
    }
  }

  #put(entry: Entry): void {
    const at = entry.index - this.#base.index - 1;
    if (at < 0) return;
    while (this.#entries.length < at) this.#entries.push(undefined);
    const before = this.#entries[at];
    this.#entries[at] = entry;
    if (before?.kind === "config") {
      this.#configs = this.#configs.filter(({ index }) => index !== entry.index);
    }
    if (entry.kind !== "config") return;
    this.#configs.push(entry.config);
    this.#configs.sort((left, right) => left.index - right.index);
  }

  #rebase({ index, epoch, config }: SnapshotMeta): void {
    this.#entries.splice(0, Math.max(0, index - this.#base.index));
    this.#base = { index, epoch };
    this.#configs = [config, ...this.#configs.filter((later) => later.index > index)];
  }

  /** What is different in `found`, if anything is. */
  difference(found: LogState): string | undefined {
    const same =
      this.#votedFor === found.votedFor &&
      this.#generation === found.generation &&
      this.#base.index === found.base.index &&
      sameEpoch(this.#base.epoch, found.base.epoch) &&
      sameEpoch(this.#promised, found.promised) &&
      this.#entries.length === found.entries.length &&
      this.#entries.every((entry, at) => {
        const other = found.entries[at];
        if (entry === undefined || other === undefined) return entry === other;
        return sameEpoch(entry.epoch, other.epoch);
      }) &&
      // A new log's first configuration is known from its files alone.
      (this.#configs.length === 0 || indexesOf(this.#configs) === indexesOf(found.configs));
    return same ? undefined : `${described(found)} after ${this.#described()}`;
  }

  #described(): string {
    return described({
      base: this.#base,
      entries: this.#entries,
      configs: this.#configs,
      promised: this.#promised,
      votedFor: this.#votedFor,
      generation: this.#generation,
    });
  }
}

export class LogView {
  /** Every write that was accepted. */
  #shown = new LogMirror(EMPTY);
  /** Every write whose end was reported. */
  #durable = new LogMirror(EMPTY);
  /** What the disk held that was lost. */
  #lost = new LogMirror(EMPTY);
  #inFlight: LogWrite[] = [];

  get shown(): LogMirror {
    return this.#shown;
  }

  get durable(): LogMirror {
    return this.#durable;
  }

  /** On this disk, or on the one before: what was acknowledged was true, and a lost disk never votes again. */
  heldDurably(index: number, epoch: Epoch): boolean {
    return this.#durable.holds(index, epoch) || this.#lost.holds(index, epoch);
  }

  /** `shown` has taken it in. */
  onWrite(batch: LogWrite): void {
    this.#inFlight.push(batch);
  }

  onDurable(): void {
    const batch = present(this.#inFlight.shift(), "the write that ended");
    this.#durable.take(batch.ops);
  }

  /**
   * Takes over what a restart found.
   *
   * @returns what is wrong with it, if anything is.
   */
  onRecovered(found: LogState): string | undefined {
    const wrong = this.#durable.difference(found);
    let left = wrong;
    for (const batch of this.#inFlight) {
      if (left === undefined) break;
      this.#durable.take(batch.ops);
      left = this.#durable.difference(found);
    }
    this.#inFlight = [];
    this.#shown = new LogMirror(found);
    this.#durable = new LogMirror(found);
    return left === undefined ? undefined : wrong;
  }

  /** Its log was written anew. */
  onMended(found: LogState): void {
    this.#inFlight = [];
    this.#shown = new LogMirror(found);
    this.#durable = new LogMirror(found);
  }

  /** Its disk is empty. */
  onWiped(): void {
    this.#lost = this.#durable;
    this.#inFlight = [];
    this.#shown = new LogMirror(EMPTY);
    this.#durable = new LogMirror(EMPTY);
  }
}

function indexesOf(configs: readonly Membership[]): string {
  return configs.map(({ index }) => index).join();
}

function described({ base, entries, configs, promised, votedFor, generation }: LogState): string {
  const last = entries.at(-1);
  const tail =
    last === undefined ? "no entries" : `entries to ${last.index} of term ${last.epoch.round}`;
  const state = `${tail} behind ${base.index}, configurations at ${indexesOf(configs)}`;
  return `${state}, term ${promised.round}, vote ${votedFor}, generation ${generation}`;
}
