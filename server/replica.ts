// The driver of one group's replica: inputs in as callbacks, effects out through ports, no promise and no
// timer. All inputs of an event-loop turn end in one drain: one log write, one batch of messages a peer
// (group commit). The end of a disk write, a value load or a delivery is an input like any other. The
// simulator runs this very file.
//
// Order is the safety argument: messages that rest on a write leave in its completion, before the core
// counts it (R1); entries reach the state machine only from `committed`; after one failed write nothing is
// written or sent again (R18).
import type { LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import type {
  Consensus,
  Epoch,
  MembershipWish,
  PeerStatus,
  ProposeResult,
  ReadMode,
  ReadResult,
  Ready,
  Status,
  WriteBatch,
} from "../consensus/index.ts";
import type { ConsensusMessage, PeerMessage } from "../rpc/index.ts";
import type { DiskFailure, Engine, Log, Machine } from "../store/index.ts";
import { Applier } from "./applier.ts";
import { CommandDesk } from "./commands.ts";
import type { Command } from "./commands.ts";
import { LeadershipWatch } from "./leadership-watch.ts";
import type { ReplicaLimits } from "./limits.ts";
import { LogClock } from "./log-clock.ts";
import type { EndOfTurn } from "./ports.ts";
import { PendingReads } from "./pending-reads.ts";
import type { ReplicaInit } from "./replica-init.ts";
import { SnapshotDesk } from "./snapshot-desk.ts";
import type { StagedState } from "./snapshot-receiver.ts";
import { StateInForce } from "./state-in-force.ts";
import { TurnOutbox } from "./turn-outbox.ts";
import { WallWatch } from "./wall-watch.ts";

/** The core has halted by itself: the leader knows entries as acknowledged here that are not (scenario 30). */
const LOST_LOG: DiskFailure = {
  kind: "corrupt",
  message: "the log no longer holds entries that this member acknowledged",
};

export class Replica {
  readonly logClock: LogClock;
  readonly #init: ReplicaInit;
  readonly #core: Consensus<ConsensusMessage>;
  readonly #desk: CommandDesk;
  readonly #snapshots: SnapshotDesk;
  readonly #state: StateInForce;
  readonly #clock: WallWatch;
  readonly #outbox: TurnOutbox;
  readonly #leadership: LeadershipWatch;
  readonly #reads = new PendingReads();
  readonly #watchers = new Set<() => void>();
  #wakeScheduled = false;
  #halted = false;
  #stopped = false;

  constructor(init: ReplicaInit) {
    this.#init = init;
    const now = init.clock.monotonicMs();
    const { id, incarnation, boot, recovery, machine, rng, options } = init;
    this.#core = init.createConsensus({
      id,
      incarnation,
      boot,
      log: init.log.reader,
      promised: recovery.promised,
      votedFor: recovery.votedFor,
      commitHint: recovery.commitHint,
      applied: machine.applied,
      configs: recovery.configs,
      rng,
      bootAtMs: now,
      options,
    });
    this.#outbox = new TurnOutbox(init.transport);
    this.#clock = new WallWatch(init.clock, init.limits.wallAheadMaxMs, options.planted);
    this.#state = new StateInForce({
      ...init,
      generation: recovery.generation,
      createApplier: (engine, machineOf) => this.#applierOf(engine, machineOf),
    });
    this.logClock = new LogClock(this.#core, init, () => this.machine.logTime);
    this.#desk = new CommandDesk({
      ...{ id, boot, counters: init.counters },
      core: this.#core,
      commandsWaitingMax: init.limits.commandsWaitingMax,
      now: () => this.now(),
      logClock: this.logClock,
      overloaded: () => this.#state.applier.backlogEntries > init.limits.applyBacklogEntriesMax,
      send: (to, message) => this.#outbox.post(to, message),
    });
    this.#snapshots = new SnapshotDesk({
      ...init,
      core: this.#core,
      generation: () => this.#state.generation,
      engine: () => this.#state.engine,
      atRest: (run) => this.#state.applier.atRest(run),
      now: () => this.now(),
      send: (to, message) => {
        this.#outbox.post(to, message);
        this.#wake();
      },
      install: (staged) => this.#offer(staged),
      onFailure: (failure) => this.#halt(failure),
    });
    this.#leadership = new LeadershipWatch(init.journal, init.counters);
    this.#wake();
  }

  get id(): NodeId {
    return this.#init.id;
  }

  get machine(): Machine {
    return this.#state.machine;
  }

  /** Of the state in force: ask for it afresh with every plan. */
  get engine(): Engine {
    return this.#state.engine;
  }

  get limits(): ReplicaLimits {
    return this.#init.limits;
  }

  get endOfTurn(): EndOfTurn {
    return this.#init.endOfTurn;
  }

  get clockDriftMax(): number {
    return this.#init.options.clockDriftMax;
  }

  /**
   * Looks at both clocks, so that a suspended machine is noticed before anything is answered by them.
   *
   * @returns a count that changes whenever spans, stamps and leases that began earlier mean nothing (R7).
   */
  clockBreaks(): number {
    this.#checkClock(this.now());
    return this.#clock.breaks;
  }

  /** For metrics and status. */
  get backlog(): Readonly<Record<"commands" | "applyEntries" | "reads", number>> {
    return {
      commands: this.#desk.waitingCount,
      applyEntries: this.#state.applier.backlogEntries,
      reads: this.#reads.count,
    };
  }

  now(): MonotonicMs {
    return this.#init.clock.monotonicMs();
  }

  status(): Status {
    return this.#core.status();
  }

  leaseHolds(epoch: Epoch): boolean {
    return this.#core.leaseHolds(epoch, this.now());
  }

  receive(message: PeerMessage): void {
    if (this.#halted || this.#stopped) return;
    switch (message.kind) {
      case "consensus":
        this.#core.step(message.envelope, this.now());
        break;
      case "propose":
        this.#desk.onPropose(message);
        break;
      case "refused":
      case "placed":
        this.#desk.onAnswer(message);
        break;
      default:
        this.#snapshots.onMessage(message);
    }
    this.#wake();
  }

  /** To be called at least every heartbeat / 2. */
  tick(): void {
    if (this.#halted || this.#stopped) return;
    const now = this.now();
    this.#checkClock(now);
    this.#core.tick(now);
    this.#desk.expire(now);
    this.#snapshots.tick(now);
    this.#desk.retryParked();
    this.#state.applier.flush();
    for (const watcher of [...this.#watchers]) watcher();
    this.#wake();
  }

  /** This and what follows: as the core's. */
  proposeConfig(wish: MembershipWish, expect: LogIndex): ProposeResult {
    if (this.#stopped) return { ok: false, reason: "halted" };
    const result = this.#core.proposeConfig(wish, expect, this.now());
    this.#wake();
    return result;
  }

  transferTo(node: NodeId): ProposeResult {
    if (this.#stopped) return { ok: false, reason: "halted" };
    const result = this.#core.transferTo(node, this.now());
    this.#wake();
    return result;
  }

  peers(): readonly PeerStatus[] {
    return this.#core.peers();
  }

  /** The transport lost its connection to `to`. */
  unreachable(to: NodeId): void {
    if (this.#halted || this.#stopped) return;
    this.#core.unreachable(to, this.now());
    this.#wake();
  }

  submit(command: Command): void {
    this.#desk.submit(command);
    this.#wake();
  }

  /**
   * Asks for a moment at which the applied state answers `mode`; `done` comes once, in a turn of its own,
   * and the state must be looked at inside it.
   */
  read(mode: ReadMode, deadlineAtMs: MonotonicMs, done: (result: ReadResult) => void): void {
    const id = this.#reads.add(done);
    this.#core.read({ id, mode, deadlineAtMs }, this.now());
    this.#wake();
  }

  /**
   * Calls `watcher` after state is applied, when leadership changes and on every tick.
   *
   * @returns the way to end it.
   */
  onChange(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  get snapshots(): Pick<SnapshotDesk, "open" | "progress" | "rows"> {
    return this.#snapshots;
  }

  /** Ends every call, writes the state synced, and takes no further input. */
  stop(done: (failure: DiskFailure | undefined) => void): void {
    this.#stopped = true;
    this.#snapshots.stop();
    this.#desk.stop();
    this.#reads.endAll();
    const finish = (): void => {
      if (this.#halted) done(undefined);
      else if (this.#state.applier.flushed) this.#state.applier.checkpoint(done);
      else {
        this.#state.applier.flush();
        this.#init.endOfTurn(finish);
      }
    };
    finish();
  }

  #wake(): void {
    if (this.#wakeScheduled) return;
    this.#wakeScheduled = true;
    this.#init.endOfTurn(() => {
      this.#wakeScheduled = false;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#halted || this.#stopped) return;
    this.#checkClock(this.now());
    this.#actOnReady();
    const applied = this.#state.applier.run();
    if (applied !== undefined) {
      this.#core.applied(applied, this.now());
      this.#actOnReady();
    }
    const changed = this.#leadership.look(this.#core.status());
    if (changed) this.#desk.retryParked();
    if (changed || applied !== undefined) for (const watcher of [...this.#watchers]) watcher();
    this.#actOnReady();
    this.#outbox.send();
    if (this.#state.applier.canRun) this.#wake();
    if (this.#core.status().role === "halted") this.#halt(LOST_LOG);
  }

  #actOnReady(): void {
    while (this.#core.hasReady()) this.#act(this.#core.ready());
  }

  #act(ready: Ready<ConsensusMessage>): void {
    this.#outbox.postAll(ready.send);
    if (ready.write !== undefined) this.#write(ready.write);
    if (ready.load !== undefined) this.#load(ready.load.from, ready.load.until);
    this.#state.applier.enqueue(ready.committed);
    for (const { to } of ready.sendSnapshot) this.#snapshots.sendTo(to);
    for (const outcome of ready.outcomes) this.#desk.onOutcome(outcome);
    for (const result of ready.reads) this.#reads.end(result);
  }

  #write(batch: WriteBatch<ConsensusMessage>): void {
    this.#init.log.write(batch, (failure) => {
      if (this.#halted || this.#stopped) return;
      if (failure !== undefined) {
        this.#halt(failure);
        return;
      }
      this.#outbox.postAll(batch.after);
      this.#core.persisted(batch.id, this.now());
      if (batch.ops.some(({ op }) => op === "install-snapshot")) this.#flip();
      this.#wake();
    });
  }

  /** The present state serves until the log's write that names the new one is durable (R15). */
  #offer(staged: StagedState): boolean {
    if (this.#halted || this.#stopped) return false;
    if (!this.#core.install(staged.meta, staged.generation, this.now())) return false;
    this.#state.stage(staged);
    this.#wake();
    return true;
  }

  #flip(): void {
    const { meta, generation } = this.#state.flip();
    this.#desk.onStateReplaced();
    this.#core.applied(meta.index, this.now());
    this.#snapshots.onInstalled();
    this.#init.journal.info("a snapshot is installed", { index: meta.index, generation });
    for (const watcher of [...this.#watchers]) watcher();
  }

  #applierOf(engine: Engine, machine: Machine): Applier {
    const { limits, options } = this.#init;
    return new Applier({
      machine,
      engine,
      limits,
      onApplied: (entry, response) => this.#desk.onApplied(entry, response),
      onFailure: (failure) => this.#halt(failure),
      wake: () => this.#wake(),
      onCheckpoint: (index) => this.#snapshots.onCheckpoint(index),
      pace: this.#init.pace,
      ...(options.planted === undefined ? {} : { planted: options.planted }),
    });
  }

  #load(from: Parameters<Log["load"]>[0], until: Parameters<Log["load"]>[1]): void {
    this.#init.log.load(from, until, (failure) => {
      if (this.#halted || this.#stopped) return;
      if (failure !== undefined) {
        this.#halt(failure);
        return;
      }
      this.#core.loaded(from, until, this.now());
      this.#wake();
    });
  }

  #checkClock(now: MonotonicMs): void {
    const aheadMs = this.#clock.look(now);
    if (aheadMs === undefined) return;
    this.#core.clockUncertain(now);
    this.#wake();
    this.#init.journal.warn("wall time ran ahead of monotonic time: lease and stamps dropped", {
      aheadMs: Math.round(aheadMs),
    });
  }

  #halt(failure: DiskFailure): void {
    if (this.#halted) return;
    this.#halted = true;
    this.#state.applier.stop();
    this.#core.storageFailed(this.now());
    // A leader's last word: its peers need not wait for its lease to end (R18).
    this.#outbox.postAll(this.#core.ready().send);
    this.#outbox.send();
    this.#init.journal.error("halted: a disk operation failed", { ...failure });
    this.#desk.stop();
    this.#reads.endAll();
    this.#init.onHalt(failure);
  }
}
