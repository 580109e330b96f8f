// The driver of one group's replica: inputs in as callbacks, effects out through ports, no promise and no
// timer. All inputs of an event-loop turn end in one drain: one log write, one batch of messages a peer
// (group commit). The end of a disk write, a value load or a delivery is an input like any other. The
// simulator runs this very file.
//
// Order is the safety argument: messages that rest on a write leave in its completion, before the core
// counts it (R1); entries reach the state machine only from `committed`; after one failed write nothing is
// written or sent again (R18).
import { present } from "../base/index.ts";
import type { BootNonce, LogTimeMs, MonotonicMs, NodeId, Random } from "../base/index.ts";
import { EPOCH_ZERO, sameEpoch } from "../consensus/index.ts";
import type {
  Consensus,
  ConsensusFactory,
  ConsensusOptions,
  Envelope,
  Epoch,
  ReadMode,
  ReadResult,
  Ready,
  Status,
  WriteBatch,
} from "../consensus/index.ts";
import type { ConsensusMessage, PeerMessage } from "../rpc/index.ts";
import type { DiskFailure, Engine, Log, LogRecovery, Machine } from "../store/index.ts";
import { Applier } from "./applier.ts";
import { CommandDesk } from "./commands.ts";
import type { Command } from "./commands.ts";
import type { ReplicaLimits } from "./limits.ts";
import type { Clock, EndOfTurn, Journal, Transport } from "./ports.ts";

export interface ReplicaInit {
  readonly id: NodeId;
  readonly incarnation: bigint;
  readonly boot: BootNonce;
  readonly log: Log;
  readonly recovery: LogRecovery;
  readonly engine: Engine;
  /** Restored from the engine. */
  readonly machine: Machine;
  readonly createConsensus: ConsensusFactory<ConsensusMessage>;
  readonly options: ConsensusOptions;
  readonly limits: ReplicaLimits;
  readonly clock: Clock;
  readonly endOfTurn: EndOfTurn;
  readonly transport: Transport;
  readonly journal: Journal;
  readonly rng: Random;
  /** A disk failed: the replica has stopped and the process must end (R18). */
  readonly onHalt: (failure: DiskFailure) => void;
}

/** The core has halted by itself: the leader knows entries as acknowledged here that are not (scenario 30). */
const LOST_LOG: DiskFailure = {
  kind: "corrupt",
  message: "the log no longer holds entries that this member acknowledged",
};

export class Replica {
  readonly #init: ReplicaInit;
  readonly #core: Consensus<ConsensusMessage>;
  readonly #applier: Applier;
  readonly #desk: CommandDesk;
  readonly #reads = new Map<number, (result: ReadResult) => void>();
  readonly #watchers = new Set<() => void>();
  #outbox = new Map<NodeId, PeerMessage[]>();
  #readId = 0;
  #wakeScheduled = false;
  #halted = false;
  #stopped = false;
  /** Counts the moments at which every stamp and lease was dropped (R7). */
  #clockBreaks = 0;
  #lastLook: { readonly now: MonotonicMs; readonly wall: number };
  #logTimeAnchor: { readonly epoch: Epoch; readonly logTime: number; readonly now: MonotonicMs };
  #seen: {
    readonly epoch: Epoch;
    readonly leader: NodeId | undefined;
    readonly role: Status["role"];
  };

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
    this.#applier = new Applier({
      machine,
      engine: init.engine,
      limits: init.limits,
      onApplied: (entry, response) => this.#desk.onApplied(entry, response),
      onFailure: (failure) => this.#halt(failure),
      wake: () => this.#wake(),
    });
    this.#desk = new CommandDesk({
      id,
      boot,
      core: this.#core,
      commandsWaitingMax: init.limits.commandsWaitingMax,
      now: () => this.now(),
      logTime: (epoch) => this.#logTime(epoch),
      overloaded: () => this.#applier.backlogEntries > init.limits.applyBacklogEntriesMax,
      send: (to, message) => this.#post(to, message),
    });
    this.#lastLook = { now, wall: init.clock.wallMs() };
    this.#logTimeAnchor = { epoch: EPOCH_ZERO, logTime: machine.logTime, now };
    this.#seen = { epoch: EPOCH_ZERO, leader: undefined, role: "follower" };
    this.#wake();
  }

  get id(): NodeId {
    return this.#init.id;
  }

  get machine(): Machine {
    return this.#init.machine;
  }

  get engine(): Engine {
    return this.#init.engine;
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
    return this.#clockBreaks;
  }

  /** For metrics and status. */
  get backlog(): {
    readonly commands: number;
    readonly applyEntries: number;
    readonly reads: number;
  } {
    return {
      commands: this.#desk.waitingCount,
      applyEntries: this.#applier.backlogEntries,
      reads: this.#reads.size,
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
        this.#desk.onRefusedMessage(message);
        break;
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
    this.#desk.retryParked();
    this.#applier.flush();
    for (const watcher of [...this.#watchers]) watcher();
    this.#wake();
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
    this.#readId += 1;
    this.#reads.set(this.#readId, done);
    this.#core.read({ id: this.#readId, mode, deadlineAtMs }, this.now());
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

  /** Ends every call, writes the state synced, and takes no further input. */
  stop(done: (failure: DiskFailure | undefined) => void): void {
    this.#stopped = true;
    this.#desk.stop();
    this.#endReads();
    const finish = (): void => {
      if (this.#halted) done(undefined);
      else if (this.#applier.flushed) this.#applier.checkpoint(done);
      else {
        this.#applier.flush();
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
    const applied = this.#applier.run();
    if (applied !== undefined) {
      this.#core.applied(applied, this.now());
      this.#actOnReady();
    }
    const changed = this.#noticeLeadership();
    if (changed) this.#desk.retryParked();
    if (changed || applied !== undefined) for (const watcher of [...this.#watchers]) watcher();
    this.#actOnReady();
    this.#sendOutbox();
    if (this.#applier.canRun) this.#wake();
    if (this.#core.status().role === "halted") this.#halt(LOST_LOG);
  }

  #actOnReady(): void {
    while (this.#core.hasReady()) this.#act(this.#core.ready());
  }

  #act(ready: Ready<ConsensusMessage>): void {
    this.#postAll(ready.send);
    if (ready.write !== undefined) this.#write(ready.write);
    if (ready.load !== undefined) this.#load(ready.load.from, ready.load.until);
    this.#applier.enqueue(ready.committed);
    for (const outcome of ready.outcomes) this.#desk.onOutcome(outcome);
    for (const result of ready.reads) {
      const done = this.#reads.get(result.id);
      this.#reads.delete(result.id);
      done?.(result);
    }
  }

  #write(batch: WriteBatch<ConsensusMessage>): void {
    this.#init.log.write(batch, (failure) => {
      if (this.#halted || this.#stopped) return;
      if (failure !== undefined) {
        this.#halt(failure);
        return;
      }
      this.#postAll(batch.after);
      this.#core.persisted(batch.id, this.now());
      this.#wake();
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

  #postAll(envelopes: readonly Envelope<ConsensusMessage>[]): void {
    for (const envelope of envelopes) this.#post(envelope.to, { kind: "consensus", envelope });
  }

  #post(to: NodeId, message: PeerMessage): void {
    const messages = this.#outbox.get(to);
    if (messages === undefined) this.#outbox.set(to, [message]);
    else messages.push(message);
  }

  #sendOutbox(): void {
    if (this.#outbox.size === 0) return;
    const outbox = this.#outbox;
    this.#outbox = new Map();
    for (const [to, messages] of outbox) this.#init.transport.send(to, messages);
  }

  /** Log time moves with this leader's monotonic clock from where the log stood: never by wall time (R9). */
  #logTime(epoch: Epoch): LogTimeMs {
    const now = this.now();
    if (!sameEpoch(this.#logTimeAnchor.epoch, epoch)) {
      this.#logTimeAnchor = { epoch, logTime: this.#init.machine.logTime, now };
    }
    return Math.floor(this.#logTimeAnchor.logTime + (now - this.#logTimeAnchor.now)) as LogTimeMs;
  }

  #checkClock(now: MonotonicMs): void {
    const wall = this.#init.clock.wallMs();
    const ahead = wall - this.#lastLook.wall - (now - this.#lastLook.now);
    this.#lastLook = { now, wall };
    if (ahead <= this.#init.limits.wallAheadMaxMs) return;
    this.#clockBreaks += 1;
    this.#core.clockUncertain(now);
    this.#wake();
    this.#init.journal.warn("wall time ran ahead of monotonic time: lease and stamps dropped", {
      aheadMs: Math.round(ahead),
    });
  }

  #noticeLeadership(): boolean {
    const { epoch, leader, role } = this.#core.status();
    const seen = this.#seen;
    if (sameEpoch(seen.epoch, epoch) && seen.leader === leader && seen.role === role) return false;
    this.#seen = { epoch, leader, role };
    this.#init.journal.info("leadership changed", { role, term: epoch.round, leader: leader ?? 0 });
    return true;
  }

  #halt(failure: DiskFailure): void {
    if (this.#halted) return;
    this.#halted = true;
    this.#applier.stop();
    this.#core.storageFailed(this.now());
    // A leader's last word: its peers need not wait for its lease to end (R18).
    this.#postAll(this.#core.ready().send);
    this.#sendOutbox();
    this.#init.journal.error("halted: a disk operation failed", { ...failure });
    this.#desk.stop();
    this.#endReads();
    this.#init.onHalt(failure);
  }

  #endReads(): void {
    const ended = [...this.#reads.keys()];
    for (const id of ended) {
      const done = present(this.#reads.get(id), "a waiting read");
      this.#reads.delete(id);
      done({ id, ok: false, reason: "halted" });
    }
  }
}
