// One member: a machine with its clock, disk and engine, and on it a process that boots the real log, state
// machine and replica, again after every death. Everything the world needs to do to a member is here.
import { present } from "../../base/index.ts";
import type { BootNonce, ClusterId, MemberId, NodeId, PlantedBug } from "../../base/index.ts";
import type {
  Consensus,
  ConsensusFactory,
  ConsensusInit,
  Entry,
  Membership,
  Ready,
} from "../../consensus/index.ts";
import type { Member } from "../../rpc/backend.ts";
import type { ConsensusMessage, PeerMessage } from "../../rpc/peer-message.ts";
import { storeCodec } from "../../rpc/store-codec.ts";
import { MemberBackend } from "../../server/member-backend.ts";
import { MembershipDesk } from "../../server/membership-desk.ts";
import type { Journal } from "../../server/ports.ts";
import { Replica } from "../../server/replica.ts";
import type { Engine } from "../../store/engine.ts";
import { LOG_OPTIONS_DEFAULT } from "../../store/log.ts";
import type { Log, LogOpening, LogOptions, LogRecovery } from "../../store/log.ts";
import { Machine } from "../../store/machine.ts";
import { openLog } from "../../store/segment-log.ts";
import { openState } from "./boot-state.ts";
import type { Chance } from "./chance.ts";
import { SimClock } from "./clock.ts";
import type { EventQueue } from "./events.ts";
import { Process } from "./process.ts";
import { SimDisk } from "./sim-disk.ts";
import { SimEngine } from "./sim-engine.ts";
import { SimEngines } from "./sim-engines.ts";
import type { Swarm } from "./swarm.ts";
import { demand } from "./violation.ts";
import type { Witness } from "./witness.ts";

/** How long a turn of the event loop lets inputs gather, in ms. */
const TURN_MAX_MS = 0.05;
/** State hashes are compared at every so many applied entries. */
const HASH_EVERY_ENTRIES = 16;
const CLUSTER_ID = 0x5157n as ClusterId;

export interface SimNodeInit {
  readonly id: NodeId;
  readonly membership: Membership;
  readonly swarm: Swarm;
  readonly planted: PlantedBug | undefined;
  readonly events: EventQueue;
  readonly chance: Chance;
  readonly witness: Witness;
  readonly createConsensus: ConsensusFactory<ConsensusMessage>;
  readonly send: (from: NodeId, to: NodeId, messages: readonly PeerMessage[]) => void;
  readonly onHalt: (node: SimNode) => void;
  readonly onJournal: (node: NodeId, message: string, fields: object) => void;
}

export interface Serving {
  readonly log: Log;
  readonly engine: Engine;
  readonly replica: Replica;
  readonly backend: MemberBackend;
  readonly machine: Machine;
}

export class SimNode {
  readonly id: NodeId;
  readonly process: Process;
  readonly clock: SimClock;
  readonly disk: SimDisk;
  readonly engines: SimEngines;
  /** Of the state in force at the last boot. */
  #generation = 0;
  readonly #init: SimNodeInit;
  #founded = false;
  /** The state up to here was saved by a clean stop. */
  #savedIndex = 0;
  #serving: Serving | undefined;

  constructor(init: SimNodeInit) {
    const { id, events, chance, swarm } = init;
    const name = `n${id}`;
    this.#init = init;
    this.id = id;
    this.process = new Process(name, events, chance.stream());
    const skewMs = chance.between(-60_000, 60_000);
    this.clock = new SimClock(() => events.nowMs, chance.between(0, 1e6), skewMs);
    this.disk = new SimDisk(name, events, chance.stream(), swarm.disk);
    this.engines = new SimEngines(
      () => new SimEngine(name, events, chance.stream(), swarm.engine, swarm.gapRate),
    );
  }

  /** Of the state that the last boot found in force. */
  get engine(): SimEngine {
    return this.engines.of(this.#generation);
  }

  /** Undefined while down or booting. */
  get serving(): Serving | undefined {
    return this.process.running ? this.#serving : undefined;
  }

  start(): void {
    const { chance, swarm, planted, membership } = this.#init;
    this.process.start();
    this.#serving = undefined;
    const boot = chance.u64() as BootNonce;
    const options: LogOptions = {
      ...LOG_OPTIONS_DEFAULT,
      segmentBytes: swarm.segmentBytes,
      cacheBytesMax: swarm.logCacheBytes,
      loadBytesMax: 4096,
      ...(this.#founded ? {} : { create: { bootstrap: membership, salt: chance.u32() } }),
      ...(planted === undefined ? {} : { planted }),
    };
    openLog(this.disk.open(this.process), options, (opening) => this.#onLog(boot, opening));
  }

  /** SIGKILL: what the process had written stays with the machine. */
  kill(): void {
    this.process.die();
    this.disk.processDied();
    for (const engine of this.engines.all) engine.processDied();
    this.#serving = undefined;
    this.#init.witness.onDown(this.id);
  }

  /** SIGTERM: the replica ends its calls and writes its state; the process exits when all is closed. */
  shutDown(onExit: () => void): void {
    const serving = this.serving;
    if (serving === undefined || this.process.stopped) return;
    const { replica, engine, log, machine } = serving;
    this.#serving = undefined;
    this.#init.witness.onDown(this.id);
    replica.stop((failure) => {
      if (failure === undefined) this.#savedIndex = machine.applied;
      engine.close(() => {
        log.close(() => {
          this.kill();
          onExit();
        });
      });
    });
  }

  cutPower(): void {
    this.process.die();
    this.disk.powerLost(this.#init.swarm.nemesis.crashLoss);
    for (const engine of this.engines.all) engine.powerLost();
    this.clock.restart();
    this.#serving = undefined;
    this.#init.witness.onDown(this.id);
  }

  receive(messages: readonly PeerMessage[]): void {
    this.process.arrive("receive", () => {
      const replica = this.#serving?.replica;
      if (replica === undefined) return;
      for (const message of messages) replica.receive(message);
    });
  }

  #onLog(boot: BootNonce, opening: LogOpening): void {
    const { chance, witness } = this.#init;
    if (!opening.ok) {
      const { kind, message } = opening.failure;
      // A write may fail while the log is opened; but what was synced is never damaged here.
      demand(
        kind === "io",
        "log-durability",
        () => `node ${this.id} cannot open its log: ${message}`,
      );
      this.#init.onHalt(this);
      return;
    }
    this.#founded = true;
    const { log, recovery } = opening;
    witness.onOpened(this.id, this.process.life, log.reader, recovery);
    this.#generation = recovery.generation;
    this.engines.keepOnly(recovery.generation);
    const engine = this.engine.open(this.process);
    const create = (): Machine => this.#createMachine();
    openState({
      engine,
      create,
      discard: () => this.engine.discard(),
      onFailure: () => this.#init.onHalt(this),
      done: (machine, gap) => {
        if (gap !== undefined) this.#journal.error("the state is rebuilt", { gap });
        this.#checkState(machine, log);
        this.#serve(boot, log, recovery, engine, machine, chance.stream());
      },
    });
  }

  #createMachine(): Machine {
    const { swarm, planted, witness } = this.#init;
    const options = {
      codec: storeCodec,
      valueCacheBytesMax: swarm.valueCacheBytes,
      ...(planted === undefined ? {} : { planted }),
    };
    return new WitnessedMachine(options, this.id, witness);
  }

  #checkState(machine: Machine, log: Log): void {
    const { applied } = machine;
    demand(applied <= log.reader.last(), "log-durability", () => {
      return `node ${this.id} applied ${applied} entries; its log ends at ${log.reader.last()}`;
    });
    demand(applied >= this.#savedIndex, "durability", () => {
      return `node ${this.id} restored ${applied} entries; a clean stop saved ${this.#savedIndex}`;
    });
    this.#savedIndex = 0;
    this.#init.witness.onState(this.id, applied, machine.revision, machine.hash());
  }

  #serve(
    boot: BootNonce,
    log: Log,
    recovery: LogRecovery,
    engine: Engine,
    machine: Machine,
    rng: Chance,
  ): void {
    const { id, swarm, planted, send, onHalt } = this.#init;
    const replica = new Replica({
      id,
      incarnation: BigInt(id),
      boot,
      log: this.#witnessed(log),
      recovery,
      engine,
      machine,
      engines: this.engines.open(this.process),
      createMachine: () => this.#createMachine(),
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
    const backend = new MemberBackend({
      replica,
      clusterId: CLUSTER_ID,
      memberId: BigInt(id) as MemberId,
      region: "",
      version: "0.0.0",
      desk: new MembershipDesk({
        replica,
        electionTimeoutMs: swarm.options.electionTimeoutMs,
        rules: { strict: true, learnersMax: 1 },
      }),
      members: memberTable(this.#init.membership),
      dbSizeBytes: () => 0,
    });
    this.#serving = { log, engine, replica, backend, machine };
    this.#tick(replica, rng);
  }

  #tick(replica: Replica, rng: Chance): void {
    const periodMs = this.#init.swarm.options.heartbeatMs / 2;
    this.process.schedule(periodMs * rng.between(0.8, 1.05), "tick", () => {
      replica.tick();
      this.#tick(replica, rng);
    });
  }

  /** The log, with every reported completion noted. */
  #witnessed(log: Log): Log {
    const { witness } = this.#init;
    return {
      reader: log.reader,
      write: (batch, done) =>
        log.write(batch, (failure) => {
          if (failure === undefined) witness.onDurable(this.id);
          done(failure);
        }),
      get sizeBytes() {
        return log.sizeBytes;
      },
      newestWithin: (bytes) => log.newestWithin(bytes),
      load: (from, until, done) => log.load(from, until, done),
      close: (done) => log.close(done),
    };
  }

  /** The core, with every drain noted before its effects leave. */
  #watched(init: ConsensusInit): Consensus<ConsensusMessage> {
    const { witness, createConsensus } = this.#init;
    const core = createConsensus(init);
    const drain = core.ready.bind(core);
    core.ready = (): Ready<ConsensusMessage> => {
      const ready = drain();
      if (ready.write !== undefined) witness.onWrite(this.id, ready.write);
      witness.onDrained(this.id, core.status());
      return ready;
    };
    return core;
  }

  get #journal(): Journal {
    const note = (message: string, fields: object): void =>
      this.#init.onJournal(this.id, message, fields);
    return { info: note, warn: note, error: note };
  }
}

/** The real machine, with every apply noted. */
class WitnessedMachine extends Machine {
  readonly #node: NodeId;
  readonly #witness: Witness;

  constructor(options: ConstructorParameters<typeof Machine>[0], node: NodeId, witness: Witness) {
    super(options);
    this.#node = node;
    this.#witness = witness;
  }

  override apply(
    entry: Entry,
    loaded: readonly (Uint8Array | undefined)[],
  ): ReturnType<Machine["apply"]> {
    const response = super.apply(entry, loaded);
    this.#witness.onApplied({ node: this.#node, entry, revision: this.revision, response });
    if (entry.index % HASH_EVERY_ENTRIES === 0) {
      this.#witness.onState(this.#node, entry.index, this.revision, this.hash());
    }
    return response;
  }
}

function memberTable(membership: Membership): ReadonlyMap<NodeId, Member> {
  const learners = new Set(membership.learners);
  return new Map(
    [...membership.incoming, ...membership.learners].map((node) => [
      node,
      {
        id: BigInt(node) as MemberId,
        name: `n${node}`,
        peerUrls: [],
        clientUrls: [],
        isLearner: learners.has(node),
      },
    ]),
  );
}

/** Of a member that is known to serve. */
export function servingOf(node: SimNode): Serving {
  return present(node.serving, `node ${node.id}'s replica`);
}
