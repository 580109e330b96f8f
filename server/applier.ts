// Committed entries in, state out: loads the values an entry needs, applies it, and writes what changed to
// the engine behind it. The log is the durability, so an answer never waits for the engine (S2).
import { assert, present } from "../base/index.ts";
import type { LogIndex, PlantedBug } from "../base/index.ts";
import type { Entry } from "../consensus/index.ts";
import type { DiskFailure, Engine, Machine, Response } from "../store/index.ts";
import type { ApplyPace } from "./apply-pace.ts";
import type { ReplicaLimits } from "./limits.ts";

/** A checkpoint at least whenever commands of this part of the log's bound were applied. */
const CHECKPOINT_SHARE = 1 / 8;

export interface ApplierInit {
  readonly machine: Machine;
  readonly engine: Engine;
  readonly limits: ReplicaLimits;
  /** Each entry, once the state holds it; `response` for commands. */
  readonly onApplied: (entry: Entry, response: Response | undefined) => void;
  readonly onFailure: (failure: DiskFailure) => void;
  /** There is more to do in a later turn. */
  readonly wake: () => void;
  /** Tells of commands that take long. */
  readonly pace?: Pick<ApplyPace, "began" | "ended"> | undefined;
  /** The state up to this index survives power loss (S2). */
  readonly onCheckpoint: (index: LogIndex) => void;
  /** Only the simulator sets it. */
  readonly planted?: PlantedBug;
}

export class Applier {
  readonly #init: ApplierInit;
  readonly #machine: Machine;
  /** A queue with a moving head: shifting a long array would cost its length each time. */
  #queue: Entry[] = [];
  #head = 0;
  #loading = false;
  #loaded: readonly (Uint8Array | undefined)[] | undefined;
  #writing = false;
  #entriesSinceCheckpoint = 0;
  #bytesSinceCheckpoint = 0;
  /** What the engine holds: everything up to here, and nothing behind it unless a write is in flight. */
  #flushed: LogIndex;
  #forRest: (() => void)[] = [];
  #stopped = false;

  constructor(init: ApplierInit) {
    this.#init = init;
    this.#machine = init.machine;
    this.#flushed = init.machine.applied;
  }

  get backlogEntries(): number {
    return this.#queue.length - this.#head;
  }

  /** Nothing applied remains to be written. */
  get flushed(): boolean {
    return !this.#writing && this.#machine.unflushedBytes === 0;
  }

  /** Whether `run` would apply something; if not though entries wait, the owner is woken when it would. */
  get canRun(): boolean {
    const behind = this.#machine.unflushedBytes > this.#init.limits.unflushedBytesMax;
    return this.backlogEntries > 0 && !this.#loading && !behind && !this.#stopped;
  }

  enqueue(entries: readonly Entry[]): void {
    for (const entry of entries) this.#queue.push(entry);
  }

  /**
   * Runs `run` once the engine holds what is applied at this call, and no engine write is in flight: what it
   * holds is then exactly the state at `flushed`. At once, or before the next write begins. Undefined: this
   * state has stopped, and is not the one in force.
   */
  atRest(run: (flushed: LogIndex | undefined) => void): void {
    const upTo = this.#machine.applied;
    const look = (): void => {
      if (this.#stopped) run(undefined);
      else if (this.#writing) this.#forRest.push(look);
      else if (this.#flushed >= upTo) run(this.#flushed);
      else {
        this.flush();
        look();
      }
    };
    look();
  }

  /** No further entry is applied and no further write begins. */
  stop(): void {
    this.#stopped = true;
    this.#rest();
  }

  /**
   * Applies what it can this turn, of a federation's changes one; returns the last index applied, or undefined if none
   * was. Values that arrive and writes that end wake the owner.
   */
  run(): LogIndex | undefined {
    let last: LogIndex | undefined;
    let budget = this.#init.limits.applyEntriesPerTurnMax;
    while (!this.#stopped && !this.#loading && this.backlogEntries > 0) {
      if (this.#machine.unflushedBytes > this.#init.limits.unflushedBytesMax) break;
      if (budget === 0) break;
      const entry = present(this.#queue[this.#head], "the entry at the head of the queue");
      this.#init.pace?.began(entry.index);
      const loaded = this.#loaded ?? this.#valuesFor(entry);
      if (loaded === undefined) break;
      this.#loaded = undefined;
      this.#head += 1;
      budget -= 1;
      assert(
        entry.index === this.#machine.applied + 1,
        `applied ${this.#machine.applied}, next ${entry.index}`,
      );
      const response = this.#machine.apply(entry, loaded);
      this.#init.pace?.ended();
      this.#init.onApplied(entry, response);
      this.#entriesSinceCheckpoint += 1;
      this.#bytesSinceCheckpoint += entry.kind === "command" ? entry.data.length : 0;
      last = entry.index;
      // It may be many transactions of other regions, and the next one as many.
      if (response?.kind === "federation") break;
    }
    if (this.#head === this.#queue.length || this.#head > 4096) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    if (this.#writeIsDue()) this.#write();
    return last;
  }

  /** Begins to write what is applied, however little it is. To be called on every tick. */
  flush(): void {
    this.#write();
  }

  /**
   * A small batch costs the engine nearly as much as a large one, and nobody waits for it: the log is the
   * durability. So batches gather until a tick; but a compaction's sweep goes on step by step.
   */
  #writeIsDue(): boolean {
    const { unflushedBytes, isSweeping } = this.#machine;
    return isSweeping || unflushedBytes >= this.#init.limits.engineWriteBytesMin;
  }

  /** The values `entry` needs, or undefined while the engine fetches them. */
  #valuesFor(entry: Entry): readonly (Uint8Array | undefined)[] | undefined {
    const keys = this.#machine.needs(entry);
    if (keys.length === 0) return [];
    this.#loading = true;
    this.#init.engine.get(keys, (failure, values) => {
      this.#loading = false;
      if (this.#stopped) return;
      if (failure !== undefined) {
        this.#init.onFailure(failure);
        return;
      }
      this.#loaded = values;
      this.#init.wake();
    });
    return undefined;
  }

  /** At most one engine write is in flight; what is applied meanwhile goes with the next (S3). */
  #write(): void {
    if (this.#writing || this.#stopped) return;
    const due = this.#isCheckpointDue();
    const batch = due ? this.#machine.checkpoint() : this.#machine.drain();
    if (batch === undefined) return;
    if (due) {
      this.#entriesSinceCheckpoint = 0;
      this.#bytesSinceCheckpoint = 0;
    }
    this.#writing = true;
    const sync = due && this.#init.planted !== "log-cut-before-state-synced";
    this.#init.engine.write(batch.ops, sync, (failure) => {
      this.#writing = false;
      if (this.#stopped) return;
      if (failure !== undefined) {
        this.#init.onFailure(failure);
        return;
      }
      this.#machine.flushed(batch.upTo);
      this.#flushed = batch.upTo;
      if (due) this.#init.onCheckpoint(batch.upTo);
      this.#rest();
      this.#init.wake();
    });
  }

  /** The log is cut behind checkpoints, so they come at least as often as it is to be cut. */
  #isCheckpointDue(): boolean {
    const { checkpointEntriesMax, snapshotEntries, logBytesMax } = this.#init.limits;
    const entriesMax = Math.min(checkpointEntriesMax, snapshotEntries);
    return (
      this.#entriesSinceCheckpoint >= entriesMax ||
      this.#bytesSinceCheckpoint >= logBytesMax * CHECKPOINT_SHARE
    );
  }

  #rest(): void {
    const waiting = this.#forRest;
    this.#forRest = [];
    for (const run of waiting) run();
  }

  /** Writes everything applied so far, synced; `done` once it is. For a clean stop. */
  checkpoint(done: (failure: DiskFailure | undefined) => void): void {
    assert(!this.#writing, "a checkpoint begins only when no engine write is in flight");
    const batch = this.#machine.checkpoint();
    if (batch === undefined) {
      done(undefined);
      return;
    }
    this.#writing = true;
    this.#init.engine.write(batch.ops, true, (failure) => {
      this.#writing = false;
      if (failure === undefined) {
        this.#machine.flushed(batch.upTo);
        this.#flushed = batch.upTo;
      }
      done(failure);
    });
  }
}
