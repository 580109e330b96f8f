// One member: a machine with its clock, disk and engine, and on it a process that boots the real log, state
// machine and replica, again after every death. Everything the world needs to do to a member is here.
import { present } from "../../base/index.ts";
import type { BootNonce, ClusterId, MemberId, NodeId, PlantedBug } from "../../base/index.ts";
import { isVoter } from "../../consensus/index.ts";
import type {
  Consensus,
  ConsensusFactory,
  ConsensusInit,
  Membership,
} from "../../consensus/index.ts";
import type { ConsensusMessage, PeerMessage } from "../../rpc/peer-message.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { MemberBackend } from "../../server/member-backend.ts";
import { MembershipDesk } from "../../server/membership-desk.ts";
import type { Journal } from "../../server/ports.ts";
import { Replica } from "../../server/replica.ts";
import { LOG_OPTIONS_DEFAULT } from "../../store/log.ts";
import type { Log, LogOpening, LogOptions, LogRecovery } from "../../store/log.ts";
import type { Machine } from "../../store/machine.ts";
import { openState } from "./boot-state.ts";
import type { Chance } from "./chance.ts";
import { SimClock } from "./clock.ts";
import type { DamageAtlas } from "./damage-atlas.ts";
import { Devices } from "./devices.ts";
import type { EventQueue } from "./events.ts";
import { Mending } from "./mending.ts";
import { Process } from "./process.ts";
import { RESTORED_GENERATION, openLogBehind } from "./restored-log.ts";
import type { RestoredState } from "./restored-log.ts";
import { StallWatch } from "./stall-watch.ts";
import type { Swarm } from "./swarm.ts";
import { demand } from "./violation.ts";
import type { SnapshotPins } from "./snapshot-pins.ts";
import { watchedCore, watchedLog } from "./watched.ts";
import type { Witness } from "./witness.ts";

/** How long a turn of the event loop lets inputs gather, in ms. */
const TURN_MAX_MS = 0.05;
const CLUSTER_ID = 0x5157n as ClusterId;

export interface SimNodeInit {
  readonly id: NodeId;
  readonly memberId: MemberId;
  /** Issued with the id (R10). */
  readonly incarnation: bigint;
  /** What an empty disk is to begin with; undefined: the node may not run on one (scenario 54). */
  readonly found: (node: SimNode) => Membership | undefined;
  readonly swarm: Swarm;
  readonly planted: PlantedBug | undefined;
  readonly events: EventQueue;
  readonly chance: Chance;
  readonly witness: Witness;
  readonly pins: SnapshotPins;
  readonly protocol: ProtocolName;
  readonly createConsensus: ConsensusFactory<ConsensusMessage>;
  /** Everybody that a damaged log can be mended from. */
  readonly others: (node: SimNode) => readonly NodeId[];
  readonly atlas: DamageAtlas;
  readonly send: (from: NodeId, to: NodeId, messages: readonly PeerMessage[]) => void;
  readonly createMachine: () => Machine;
  readonly onHalt: (node: SimNode) => void;
  /** What the member begins with, in the place of nothing. */
  readonly restored?: RestoredState;
  /** Its replica runs; and whatever ran has ended, or is about to. */
  readonly onServing?: (node: SimNode) => void;
  readonly onDown?: (node: SimNode) => void;
  readonly onJournal: (node: NodeId, message: string, fields: object) => void;
}

export interface Serving {
  readonly log: Log;
  readonly replica: Replica;
  readonly backend: MemberBackend;
  readonly desk: MembershipDesk;
}

export class SimNode {
  readonly id: NodeId;
  readonly process: Process;
  readonly clock: SimClock;
  readonly devices: Devices;
  readonly #init: SimNodeInit;
  #founded = false;
  #wiped = false;
  /** Power was lost and took a part of the state that the log cannot bring back. */
  #stateLost = false;
  /** The machine slept, and its process has not looked at the clocks since. */
  #slept = false;
  /** The state up to here was saved by a clean stop. */
  #savedIndex = 0;
  #serving: Serving | undefined;
  readonly #stalls: StallWatch;
  readonly #mending: Mending;

  constructor(init: SimNodeInit) {
    const { id, events, chance, swarm } = init;
    const name = `n${id}`;
    this.#init = init;
    this.#stalls = new StallWatch(swarm.options);
    this.id = id;
    this.process = new Process(name, events, chance.stream());
    const skewMs = chance.between(-60_000, 60_000);
    this.clock = new SimClock(() => events.nowMs, chance.between(0, 1e6), skewMs);
    this.devices = new Devices(name, events, chance.stream(), swarm);
    if (init.restored) this.devices.engines.of(RESTORED_GENERATION).fill(init.restored.rows);
    this.#mending = new Mending({
      id,
      incarnation: init.incarnation,
      process: this.process,
      protocol: init.protocol,
      limits: swarm.limits,
      now: () => this.clock.monotonicMs(),
      peers: () => init.others(this),
      send: (to, message) => init.send(id, to, [message]),
      journal: this.#journal,
    });
  }

  get memberId(): MemberId {
    return this.#init.memberId;
  }

  /** It has run before, and its disk was lost since. */
  get wiped(): boolean {
    return this.#wiped;
  }

  /** Its state is not whole, or will be found so. */
  get stateLost(): boolean {
    return this.#stateLost;
  }

  /** Whether the process takes itself for the holder of a lease, at this very moment (R7). */
  get believesLease(): boolean {
    const replica = this.serving?.replica;
    if (replica === undefined || this.#slept) return false;
    return replica.leaseHolds(replica.status().epoch);
  }

  /** Undefined while down or booting. */
  get serving(): Serving | undefined {
    return this.process.running ? this.#serving : undefined;
  }

  /** @returns false if it may not run: its disk is empty, and the cluster knows it from before. */
  start(): boolean {
    const { chance, swarm, planted, found } = this.#init;
    const bootstrap = this.#founded ? undefined : found(this);
    if (!this.#founded && bootstrap === undefined) return false;
    // Only a planted bug lets one vote again that voted on the disk before.
    if (bootstrap !== undefined && isVoter(bootstrap, this.id)) this.#wiped = false;
    if (this.#founded) this.#init.atlas.onStart(this);
    this.process.start();
    this.#stalls.restart();
    this.#serving = undefined;
    const boot = chance.u64() as BootNonce;
    const options: LogOptions = {
      ...LOG_OPTIONS_DEFAULT,
      segmentBytes: swarm.segmentBytes,
      cacheBytesMax: swarm.logCacheBytes,
      loadBytesMax: 4096,
      ...(bootstrap === undefined ? {} : { create: { bootstrap, salt: chance.u32() } }),
      ...(planted === undefined ? {} : { planted }),
    };
    this.#open(boot, options);
    return true;
  }

  #open(boot: BootNonce, options: LogOptions): void {
    openLogBehind(this.#init.restored, this.devices.disk.open(this.process), options, (opening) => {
      if (opening.ok || opening.damaged === undefined) {
        this.#onLog(boot, opening);
        return;
      }
      this.#mending.begin(boot, opening.damaged, (failure) => {
        if (failure === undefined) this.#open(boot, options);
        else this.#init.onHalt(this);
      });
    });
  }

  /** The machine's disk is replaced by an empty one. */
  wipe(): void {
    if (this.process.running) this.kill();
    this.devices.replace();
    this.#savedIndex = 0;
    this.#founded = false;
    this.#wiped = true;
    this.#init.witness.onWiped(this.id);
  }

  suspend(): void {
    this.clock.suspend();
    this.#slept = true;
  }

  /** SIGKILL: what the process had written stays with the machine. */
  kill(): void {
    this.process.die();
    this.#mending.end();
    this.devices.processDied();
    this.#ended();
  }

  /** SIGTERM: the replica ends its calls and writes its state; the process exits when all is closed. */
  shutDown(onExit: () => void): void {
    const serving = this.serving;
    if (serving === undefined || this.process.stopped) return;
    const { replica, log } = serving;
    this.#ended();
    replica.stop((failure) => {
      if (failure === undefined) this.#savedIndex = replica.machine.applied;
      replica.engine.close(() => {
        log.close(() => {
          this.kill();
          onExit();
        });
      });
    });
  }

  /** `mayLoseState`: somebody else has what the log here could not bring back. */
  cutPower(mayLoseState: boolean): void {
    const { witness, swarm } = this.#init;
    this.process.die();
    this.#mending.end();
    const compacted = witness.durableOf(this.id).base.index > 0;
    const gap = this.devices.powerLost(swarm.nemesis.crashLoss, !compacted || mayLoseState);
    this.#stateLost ||= compacted && gap;
    this.clock.restart();
    this.#ended();
  }

  #ended(): void {
    this.#serving = undefined;
    this.#init.witness.onDown(this.id);
    this.#init.onDown?.(this);
  }

  receive(messages: readonly PeerMessage[]): void {
    this.process.arrive("receive", () => {
      for (const message of messages) this.#mending.receive(message);
      const replica = this.#serving?.replica;
      if (replica === undefined) return;
      for (const message of messages) replica.receive(message);
    });
  }

  #onLog(boot: BootNonce, opening: LogOpening): void {
    const { witness } = this.#init;
    if (!opening.ok) {
      const { kind, message } = opening.failure;
      const refused = (): string => `node ${this.id} cannot open its log: ${message}`;
      // A write may fail while the log is opened; but what was synced is never damaged here.
      demand(kind === "io" || kind === "full", "log-durability", refused);
      this.#init.onHalt(this);
      return;
    }
    const isRestored = !this.#founded && this.#init.restored !== undefined;
    this.#founded = true;
    const { log, recovery } = opening;
    this.#init.atlas.onWhole(this);
    const anew = this.#mending.takeAnew() || isRestored;
    // Known until a start has come so far as to see for itself.
    this.#stateLost ||= anew;
    witness.onOpened(this.id, this.process.life, log.reader, recovery, { anew });
    this.devices.generation = recovery.generation;
    this.devices.engines.keepOnly(recovery.generation);
    const engine = this.devices.engine.open(this.process);
    openState({
      engine,
      create: this.#init.createMachine,
      discard: () => this.devices.engine.discard(),
      onFailure: () => this.#init.onHalt(this),
      done: (machine, gap) => {
        if (gap !== undefined) this.#journal.error("the state is rebuilt", { gap });
        this.#checkState(machine, log, anew);
        this.#stateLost = machine.applied < log.reader.first() - 1;
        this.#serve(boot, log, recovery, machine);
      },
    });
  }

  /** `anew`: the log was written by its peers, and may begin behind what is applied here. */
  #checkState(machine: Machine, log: Log, anew: boolean): void {
    const { applied } = machine;
    const base = log.reader.first() - 1;
    demand(applied >= base || this.#stateLost || anew, "durability", () => {
      return `node ${this.id} restored ${applied} entries; its log holds what comes behind ${base}`;
    });
    demand(applied <= log.reader.last(), "log-durability", () => {
      return `node ${this.id} applied ${applied} entries; its log ends at ${log.reader.last()}`;
    });
    demand(applied >= this.#savedIndex, "durability", () => {
      return `node ${this.id} restored ${applied} entries; a clean stop saved ${this.#savedIndex}`;
    });
    this.#savedIndex = 0;
    this.#init.witness.onState(this.id, applied, machine.revision, machine.hash());
  }

  #serve(boot: BootNonce, log: Log, recovery: LogRecovery, machine: Machine): void {
    const { id, incarnation, swarm, planted, send, onHalt } = this.#init;
    const rng = this.#init.chance.stream();
    const replica = new Replica({
      id,
      incarnation,
      boot,
      log: this.#witnessed(log),
      recovery,
      engine: this.devices.engine.open(this.process),
      machine,
      engines: this.devices.engines.open(this.process),
      createMachine: this.#init.createMachine,
      clusterId: CLUSTER_ID,
      group: 1,
      createConsensus: (init) => this.#watched(init),
      options: { ...swarm.options, ...(planted === undefined ? {} : { planted }) },
      limits: swarm.limits,
      clock: this.clock,
      endOfTurn: (run) => this.process.schedule(rng.between(0, TURN_MAX_MS), "turn", run),
      transport: { send: (to, messages) => send(id, to, messages) },
      journal: this.#journal,
      rng: rng.stream(),
      onHalt: () => onHalt(this),
    });
    const desk = new MembershipDesk({
      replica,
      electionTimeoutMs: swarm.options.electionTimeoutMs,
      rules: { strict: swarm.changes.strict, learnersMax: 2 },
    });
    const backend = new MemberBackend({
      replica,
      clusterId: CLUSTER_ID,
      memberId: this.memberId,
      protocol: this.#init.protocol,
      region: "",
      version: "0.0.0",
      desk,
      members: new Map(),
      dbSizeBytes: () => 0,
    });
    replica.onChange(() => desk.poll());
    this.#serving = { log, replica, backend, desk };
    this.#init.onServing?.(this);
    this.#tick(replica, rng);
  }

  #tick(replica: Replica, rng: Chance): void {
    const periodMs = this.#init.swarm.options.heartbeatMs / 2;
    this.process.schedule(periodMs * rng.between(0.8, 1.05), "tick", () => {
      replica.tick();
      // One that is told to stop takes no further part, whatever its core was.
      if (this.#serving?.replica === replica) {
        this.#stalls.demandYield(this.id, replica.status(), this.clock.monotonicMs());
      }
      this.#tick(replica, rng);
    });
  }

  #witnessed(log: Log): Log {
    return watchedLog(log, {
      node: this.id,
      witness: this.#init.witness,
      onWrite: () => this.#stalls.onWrite(this.clock.monotonicMs()),
      onFlip: (generation) => {
        this.devices.generation = generation;
      },
      onFlipped: () => this.#onInstalled(),
    });
  }

  /** The state of the snapshot is in force: it is what its peers have there. */
  #onInstalled(): void {
    const machine = this.#serving?.replica.machine;
    if (machine === undefined) return;
    this.#stateLost = false;
    const { applied, revision } = machine;
    this.#init.witness.onState(this.id, applied, revision, machine.hash());
  }

  #watched(init: ConsensusInit): Consensus<ConsensusMessage> {
    const { witness, createConsensus, pins } = this.#init;
    const onDrain = (): void => {
      this.#slept = false;
    };
    return watchedCore(createConsensus(init), { node: this.id, witness, pins, onDrain });
  }

  get #journal(): Journal {
    const note = (message: string, fields: object): void =>
      this.#init.onJournal(this.id, message, fields);
    return { info: note, warn: note, error: note };
  }
}

/** Of a member that is known to serve. */
export function servingOf(node: SimNode): Serving {
  return present(node.serving, `node ${node.id}'s replica`);
}
