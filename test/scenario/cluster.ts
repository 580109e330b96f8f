// A handful of cores over a network, disks and clocks that do nothing until a scenario says so. Knows the
// consensus contract and no protocol.
import { Mulberry32, present } from "../../base/index.ts";
import type { BootNonce, LogIndex, MonotonicMs, NodeId } from "../../base/index.ts";
import type {
  Consensus,
  ConsensusFactory,
  ConsensusOptions,
  Entry,
  Envelope,
  Membership,
  ProposeResult,
  ReadMode,
  Ready,
  SnapshotMeta,
  Status,
  WriteBatch,
} from "../../consensus/index.ts";
import { MemoryLog } from "./memory-log.ts";
import { WIRE, tell, tellByNode } from "./voice.ts";
import type { Line, Voice } from "./voice.ts";

type Message = { readonly kind: string };

/** Half a heartbeat of the scenarios: how often time that passes is looked at. */
const PASS_MS = 50;

/** A message that left and has not arrived. Numbers are never reused, so a scenario can name one. */
export interface Flight<M> {
  readonly number: number;
  readonly envelope: Envelope<M>;
}

class Node<M extends Message> {
  readonly id: NodeId;
  core: Consensus<M>;
  log: MemoryLog;
  durable: MemoryLog;
  now: MonotonicMs;
  /** As the transcript knows it. */
  told: Status;
  boots = 1;
  up = true;
  writes: WriteBatch<M>[] = [];
  applyQueue: Entry[] = [];
  /** Everything applied, of all boots: applied state is as durable as the scenario's memory. */
  applied: Entry[] = [];
  /** States beside it, by their generation, to be in force once the log says so. */
  staged = new Map<number, Entry[]>();

  constructor(id: NodeId, core: Consensus<M>, log: MemoryLog, now: MonotonicMs) {
    this.id = id;
    this.core = core;
    this.told = core.status();
    this.log = log;
    this.durable = log.copy();
    this.now = now;
  }
}

export interface ClusterInit<M> {
  readonly create: ConsensusFactory<M>;
  readonly options: ConsensusOptions;
  readonly membership: Membership;
  /** WIRE unless said. */
  readonly voice?: Voice;
}

export class Cluster<M extends Message> {
  readonly #init: ClusterInit<M>;
  readonly voice: Voice;
  readonly nodes = new Map<NodeId, Node<M>>();
  flights: Flight<M>[] = [];
  /** "1->2": what is sent that way is lost. */
  readonly cuts = new Set<string>();
  /** Snapshots that were asked for, until whoever runs the cluster does something about them. */
  readonly wants: { readonly from: NodeId; readonly to: NodeId; readonly meta: SnapshotMeta }[] =
    [];
  /** Inputs that come while this is set end in one drain: an event-loop turn. */
  #turn: Set<Node<M>> | undefined;
  readonly #delivered = new Map<string, number>();
  #flightNumber = 0;
  #trace: Line[] = [];
  /** What was proposed where: "node index round". */
  readonly #proposed = new Map<string, string>();
  #readId = 0;

  constructor(init: ClusterInit<M>) {
    this.#init = init;
    this.voice = init.voice ?? WIRE;
    const { incoming, outgoing = [], learners } = init.membership;
    for (const id of new Set([...incoming, ...outgoing, ...learners])) {
      const log = new MemoryLog(init.membership);
      this.nodes.set(id, new Node(id, this.#boot(id, log, 1, 0, 0), log, 0 as MonotonicMs));
    }
  }

  node(id: number): Node<M> {
    return present(this.nodes.get(id as NodeId), `node ${id}`);
  }

  /** Starts `id` as if its disk held `log`; for scenarios that begin in the middle. */
  startWith(id: number, log: MemoryLog): void {
    const node = this.node(id);
    node.durable = log.copy();
    node.applied = [];
    this.crash(id);
    this.restart(id);
  }

  elapse(ms: number, ids: readonly number[]): void {
    for (const id of ids) this.node(id).now = (this.node(id).now + ms) as MonotonicMs;
  }

  tick(id: number): void {
    const node = this.node(id);
    if (node.up) this.#input(node, () => node.core.tick(node.now));
  }

  propose(id: number, text: string): void {
    const data = new TextEncoder().encode(text);
    this.ask(id, "proposal", (core, now) => core.propose(data, now), text);
  }

  /** Whatever the core refuses is said; `text` is what else the end of it is told of. */
  ask(
    id: number,
    what: string,
    input: (core: Consensus<M>, now: MonotonicMs) => ProposeResult,
    text = `the ${what}`,
  ): void {
    const node = this.node(id);
    this.#input(node, () => {
      const result = input(node.core, node.now);
      if (!result.ok) this.#say(id, `refuses the ${what}: ${result.reason}`);
      else this.#proposed.set(`${id} ${result.index} ${result.epoch.round}`, text);
    });
  }

  /** A member that the configuration is yet to hold: an empty disk that knows of no voter. */
  add(id: number): void {
    const { leaseMs } = this.#init.membership;
    const log = new MemoryLog({ index: 0 as LogIndex, incoming: [], learners: [], leaseMs });
    const now = Math.max(...[...this.nodes.values()].map((node) => node.now)) as MonotonicMs;
    const node = new Node(id as NodeId, this.#boot(id as NodeId, log, 1, now, 0), log, now);
    this.nodes.set(id as NodeId, node);
    this.#drain(node);
  }

  read(id: number, mode: ReadMode, deadlineMs: number): number {
    const node = this.node(id);
    this.#readId += 1;
    const read = { id: this.#readId, mode, deadlineAtMs: (node.now + deadlineMs) as MonotonicMs };
    this.#input(node, () => node.core.read(read, node.now));
    return this.#readId;
  }

  /** Any input that the DSL has no word of its own for. */
  act(id: number, input: (core: Consensus<M>, now: MonotonicMs) => void): void {
    const node = this.node(id);
    this.#input(node, () => input(node.core, node.now));
  }

  deliver(flight: Flight<M>, options: { readonly keep: boolean }): void {
    if (!options.keep) this.flights = this.flights.filter((other) => other !== flight);
    const node = this.nodes.get(flight.envelope.to);
    if (node?.up !== true) return;
    const { from, body } = flight.envelope;
    const sort = `${body.kind} from ${from}`;
    this.#delivered.set(sort, (this.#delivered.get(sort) ?? 0) + 1);
    this.#say(0, this.voice.message(flight.envelope));
    this.#input(node, () => node.core.step(flight.envelope, node.now));
  }

  drop(flight: Flight<M>): void {
    this.flights = this.flights.filter((other) => other !== flight);
  }

  /** The oldest outstanding write becomes durable. */
  persist(id: number): boolean {
    const node = this.node(id);
    const write = node.writes.shift();
    if (write === undefined) return false;
    node.durable.take(write.ops);
    if (write.ops.length > 0) this.#say(id, this.voice.persists(write.ops));
    this.#post(write.after);
    this.#input(node, () => node.core.persisted(write.id, node.now));
    const installed = write.ops.find((op) => op.op === "install-snapshot");
    if (installed !== undefined) this.#flip(node, installed.meta.index, installed.generation);
    return true;
  }

  /** A snapshot of `from`'s state at `index` stands complete at `id`; its core says what becomes of it. */
  install(id: number, from: number, index: number): void {
    this.receive(id, from, this.node(from).core.markAt(index as LogIndex));
  }

  receive(id: number, from: number, meta: SnapshotMeta): void {
    const node = this.node(id);
    const state = this.node(from).applied.filter((entry) => entry.index <= meta.index);
    this.#input(node, () => {
      const generation = node.log.generation + 1;
      const taken = node.core.install(meta, generation, node.now);
      if (taken) node.staged.set(generation, state);
      else this.#say(id, `does not need the snapshot at ${meta.index}`);
    });
  }

  #flip(node: Node<M>, index: LogIndex, generation: number): void {
    node.applied = present(node.staged.get(generation), "the state that was installed");
    node.staged.delete(generation);
    node.applyQueue = [];
    this.#say(node.id, this.voice.changesOver(index, node.applied));
    this.#input(node, () => node.core.applied(index, node.now));
  }

  /** The disk's applied state is gone; log and promise are whole. */
  loseState(id: number): void {
    this.node(id).applied = [];
  }

  apply(id: number): boolean {
    const node = this.node(id);
    const last = node.applyQueue.at(-1);
    if (last === undefined) return false;
    node.applied.push(...node.applyQueue);
    this.#say(id, this.voice.applies(node.applyQueue));
    node.applyQueue = [];
    this.#input(node, () => node.core.applied(last.index, node.now));
    return true;
  }

  /** Power fails: what was not durable is lost, and what was to leave after it never does. */
  crash(id: number): void {
    const node = this.node(id);
    node.up = false;
    node.writes = [];
    node.applyQueue = [];
    node.staged.clear();
  }

  restart(id: number): void {
    const node = this.node(id);
    node.boots += 1;
    node.up = true;
    node.log = node.durable.copy();
    const applied = node.applied.at(-1)?.index ?? 0;
    node.core = this.#boot(node.id, node.log, node.boots, node.now, applied);
    node.told = node.core.status();
    this.#drain(node);
  }

  /** Delivers, persists and applies until nothing is left to do; cut ways lose what is sent on them. */
  stabilize(ids: readonly number[]): void {
    for (let wave = 0; ; wave += 1) {
      if (wave > 1000) throw new Error("the cluster does not come to rest");
      let moved = false;
      for (const id of ids) while (this.persist(id)) moved = true;
      for (const id of ids) while (this.apply(id)) moved = true;
      for (const flight of this.flights.filter(({ envelope }) => ids.includes(envelope.to))) {
        this.deliver(flight, { keep: false });
        moved = true;
      }
      if (!moved) return;
    }
  }

  /** These nodes live through `ms` without a fault of their own: clocks run, and all that can arrive arrives. */
  pass(ms: number, ids: readonly number[]): void {
    for (let passed = 0; passed < ms; passed += PASS_MS) {
      this.elapse(PASS_MS, ids);
      for (const id of ids) {
        this.tick(id);
        this.stabilize(ids);
      }
    }
  }

  beginTurn(): void {
    this.#turn = new Set();
  }

  endTurn(): void {
    const turn = this.#turn ?? [];
    this.#turn = undefined;
    for (const node of turn) this.#drain(node);
  }

  /** Messages of this kind delivered so far, by sender. */
  delivered(kind: string): readonly string[] {
    return [...this.#delivered]
      .filter(([sort]) => sort.startsWith(`${kind} `))
      .map(([sort, count]) => `${count} ${sort}`)
      .sort();
  }

  describe(flight: Flight<M>): string {
    return this.voice.flight(flight.number, flight.envelope);
  }

  say(line: string): void {
    this.#say(0, line);
  }

  status(id: number): string {
    const { up, core, applied } = this.node(id);
    return up ? this.voice.status(core.status(), applied) : "is down";
  }

  takeTrace(): readonly string[] {
    const taken = this.#trace;
    this.#trace = [];
    if (this.voice.byNode) return tellByNode(taken);
    return taken.map(tell);
  }

  #boot(id: NodeId, log: MemoryLog, boots: number, now: number, applied: number): Consensus<M> {
    return this.#init.create({
      id,
      incarnation: 1n,
      boot: BigInt(id * 10 + boots) as BootNonce,
      log,
      promised: log.promised,
      votedFor: log.votedFor,
      commitHint: log.commitHint,
      applied: applied as LogIndex,
      configs: log.configs(),
      rng: new Mulberry32(id * 1000 + boots),
      bootAtMs: now as MonotonicMs,
      options: this.#init.options,
    });
  }

  #input(node: Node<M>, run: () => void): void {
    run();
    this.#noteRole(node);
    if (this.#turn === undefined) this.#drain(node);
    else this.#turn.add(node);
  }

  #noteRole(node: Node<M>): void {
    const before = node.told;
    const after = node.core.status();
    node.told = after;
    if (this.voice.differs(before, after)) this.#say(node.id, this.voice.role(after));
  }

  #drain(node: Node<M>): void {
    while (node.core.hasReady()) {
      const ready = node.core.ready();
      this.#noteRole(node);
      if (ready.write !== undefined) {
        node.log.take(ready.write.ops);
        node.writes.push(ready.write);
      }
      this.#post(ready.send);
      node.applyQueue.push(...ready.committed);
      this.#tell(node, ready);
    }
  }

  #tell(node: Node<M>, { outcomes, reads, sendSnapshot, load }: Ready<M>): void {
    const { id, now, applied } = node;
    for (const outcome of outcomes) {
      const text = this.#proposed.get(`${id} ${outcome.index} ${outcome.epoch.round}`) ?? "nobody";
      this.#say(id, this.voice.outcome(outcome, text));
    }
    for (const read of reads) this.#say(id, this.voice.read(read, now, applied));
    for (const { to, meta } of sendSnapshot) {
      this.#say(id, this.voice.wantsSnapshot(to, meta.index));
      this.wants.push({ from: id, to, meta });
    }
    if (load !== undefined) this.#say(id, this.voice.loads(load.from, load.until));
  }

  #post(envelopes: readonly Envelope<M>[]): void {
    for (const envelope of envelopes) {
      if (this.cuts.has(`${envelope.from}->${envelope.to}`)) continue;
      this.#flightNumber += 1;
      this.flights.push({ number: this.#flightNumber, envelope });
    }
  }

  #say(node: number, text: string | undefined): void {
    if (text !== undefined) this.#trace.push({ node, text });
  }
}
