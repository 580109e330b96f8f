// One seed's world: members, network, clients and faults on one event queue. It runs a given number of
// events under faults, then heals everything and demands that the cluster serves and agrees.
import { AssertionError, present } from "../../base/index.ts";
import type { NodeId, PlantedBug } from "../../base/index.ts";
import { isMember } from "../../consensus/index.ts";
import type { ConsensusFactory, MemberRow, Membership } from "../../consensus/index.ts";
import { decodeFrame, messagesFrame } from "../../rpc/peer-codec.ts";
import type { ConsensusMessage, PeerMessage } from "../../rpc/peer-message.ts";
import { storeCodec } from "../../rpc/store-codec.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { Chance } from "./chance.ts";
import { Client } from "./client.ts";
import { Crew, foundersOf, nodeLastOf } from "./crew.ts";
import { DamageAtlas } from "./damage-atlas.ts";
import { EventQueue } from "./events.ts";
import { Holder } from "./holder.ts";
import { Judge } from "./judge.ts";
import { LeaseBook } from "./lease-book.ts";
import { Nemesis } from "./nemesis.ts";
import { SimNetwork } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { Recovery } from "./recovery.ts";
import { SimNode } from "./sim-node.ts";
import { demandStreams } from "./streams-judge.ts";
import type { Swarm } from "./swarm.ts";
import type { Trace } from "./trace.ts";
import { SnapshotPins } from "./snapshot-pins.ts";
import { Violation } from "./violation.ts";
import { Watcher } from "./watcher.ts";
import { Witness } from "./witness.ts";

/** A peer is told of a broken way at most this often, as a transport that reconnects would. */
const UNREACHABLE_RATE = 0.1;

export interface WorldInit {
  readonly seed: number;
  readonly steps: number;
  readonly swarm: Swarm;
  readonly planted: PlantedBug | undefined;
  readonly protocol: ProtocolName;
  readonly createConsensus: ConsensusFactory<ConsensusMessage>;
  readonly trace: Trace;
}

export interface RunTotals {
  readonly steps: number;
  readonly simulatedMs: number;
  readonly hash: string;
  readonly operations: number;
  readonly reads: number;
  /** Answers that watches got, and leases that were asked for. */
  readonly told: number;
  readonly leases: number;
  /** Keys whose linearizability search met its bound. */
  readonly undecided: number;
  readonly violation?: Violation;
}

export class World {
  readonly #init: WorldInit;
  readonly #events = new EventQueue();
  readonly #chance: Chance;
  /** Carries frames as the peers' codec writes them. */
  readonly #network: SimNetwork<Uint8Array>;
  /** By id, every machine there is by now. */
  readonly #nodes: SimNode[] = [];
  readonly #crew: Crew;
  readonly #clients: readonly Client[];
  readonly #watchers: readonly Watcher[];
  readonly #holders: readonly Holder[];
  readonly #book: LeaseBook;
  readonly #witness: Witness;
  readonly #pins: SnapshotPins;
  readonly #oracle: Oracle;
  readonly #judge: Judge;
  readonly #nemesis: Nemesis;
  readonly #atlas: DamageAtlas;
  #quiet = false;
  #steps = 0;

  constructor(init: WorldInit) {
    const { swarm } = init;
    this.#init = init;
    this.#chance = new Chance(init.seed ^ 0x5eed);
    const nowMs = (): number => this.#events.nowMs;
    const founding = foundingOf(swarm);
    this.#oracle = new Oracle(storeCodec);
    this.#witness = new Witness({
      oracle: this.#oracle,
      founding,
      nowMs,
      protocol: init.protocol,
      quorums: swarm.options.quorums,
      believesLease: (node) => !swarm.clocksWild && (this.#find(node)?.believesLease ?? false),
    });
    this.#pins = new SnapshotPins({
      firstOf: (node) => this.#witness.shownOf(node).base.index + 1,
      lastOf: (node) => this.#witness.shownOf(node).last,
    });
    this.#judge = new Judge(this.#oracle, this.#witness, nowMs, !swarm.clocksWild);
    this.#network = new SimNetwork(
      this.#events,
      this.#chance.stream(),
      swarm.network,
      (from, to, packet) => this.#deliver(from, to, packet),
    );
    const shared = {
      swarm,
      nodes: () => this.#nodes,
      events: this.#events,
      note: (what: () => string) => this.#note(what),
      leader: () => this.#witness.leader(),
      config: () => this.#witness.config,
    };
    this.#atlas = new DamageAtlas({
      swarm,
      nodes: () => this.#nodes,
      config: () => this.#witness.config,
      committed: (index) => this.#witness.committedAt(index),
      chance: new Chance(init.seed ^ 0xa71a5),
      note: (what) => this.#note(what),
    });
    this.#crew = new Crew({
      ...shared,
      planted: init.planted,
      founding,
      chance: this.#chance.stream(),
      build: (row) => {
        const node = this.#build(row);
        this.#nemesis.spare(node);
        return node;
      },
    });
    for (const row of founding.roster?.members ?? []) this.#build(row);
    this.#nemesis = new Nemesis({
      ...shared,
      network: this.#network,
      chance: this.#chance.stream(),
    });
    this.#witness.onMoment = (on, node) => this.#nemesis.onMoment(on, node);
    this.#witness.onConfig = (config) => this.#crew.onConfig(config);
    this.#clients = Array.from({ length: swarm.workload.clients }, (_, at) => this.#client(at));
    const { watch, leases } = swarm.streams;
    const chance = new Chance(init.seed ^ 0x57a7c4);
    this.#book = new LeaseBook(nowMs);
    this.#oracle.onLeases = (turns) => this.#book.onTurns(turns);
    this.#watchers = Array.from({ length: watch.watchers }, (_, at) => this.#watcher(at, chance));
    this.#holders = Array.from({ length: leases.holders }, (_, at) => this.#holder(at, chance));
  }

  /** @throws nothing: whatever breaks is in the totals. */
  run(): RunTotals {
    let violation: Violation | undefined;
    let undecided = 0;
    try {
      for (const node of this.#nodes) node.start();
      for (const client of this.#clients) client.begin();
      for (const watcher of this.#watchers) watcher.begin();
      for (const holder of this.#holders) holder.begin();
      this.#nemesis.begin();
      while (this.#steps < this.#init.steps) this.#step();
      this.#recovery().run();
      this.#demandStreams();
      undecided = this.#judge.demandLinearizable();
    } catch (error) {
      violation = violationOf(error);
      this.#note(() => `VIOLATION ${violation?.message}`);
    }
    return {
      steps: this.#steps,
      simulatedMs: this.#events.nowMs,
      hash: this.#init.trace.hash,
      operations: this.#judge.operations,
      reads: this.#judge.reads,
      told: this.#watchers.reduce((sum, { answers }) => sum + answers, 0),
      leases: this.#book.records.length,
      undecided,
      ...(violation === undefined ? {} : { violation }),
    };
  }

  #demandStreams(): void {
    const { swarm } = this.#init;
    demandStreams({
      oracle: this.#oracle,
      watchers: this.#watchers,
      book: this.#book,
      clockDriftMax: swarm.clocksWild ? undefined : swarm.options.clockDriftMax,
    });
  }

  #step(): void {
    const event = present(this.#events.next(), "the next event: members tick for ever");
    const { trace } = this.#init;
    trace.note(event.atMs);
    trace.note(event.label);
    this.#steps += 1;
    event.run();
  }

  #recovery(): Recovery {
    return new Recovery({
      swarm: this.#init.swarm,
      nodes: this.#nodes,
      clients: this.#clients,
      watchers: this.#watchers,
      holders: this.#holders,
      crew: this.#crew,
      witness: this.#witness,
      oracle: this.#oracle,
      judge: this.#judge,
      nowMs: () => this.#events.nowMs,
      step: () => this.#step(),
      note: (what) => this.#note(what),
      heal: () => {
        this.#quiet = true;
        this.#nemesis.heal();
      },
    });
  }

  #note(what: () => string): void {
    const { trace } = this.#init;
    const text = what();
    trace.note(text);
    if (trace.readable) trace.line(`${this.#events.nowMs.toFixed(3).padStart(10)} ${text}`);
  }

  #build({ node: id, id: memberId, incarnation }: MemberRow): SimNode {
    const { swarm, planted, protocol, createConsensus } = this.#init;
    const node = new SimNode({
      id,
      memberId,
      incarnation,
      found: (asking) => this.#crew.found(asking),
      swarm,
      planted,
      protocol,
      createConsensus,
      events: this.#events,
      chance: this.#chance.stream(),
      pins: this.#pins,
      witness: this.#witness,
      others: (asking) => this.#nodes.filter((other) => other !== asking).map((other) => other.id),
      atlas: this.#atlas,
      send: (from, to, messages) => this.#send(from, to, messages),
      onHalt: (node) => {
        node.kill();
        this.#nemesis.restartLater(node);
      },
      onJournal: (about, message, fields) => {
        this.#note(() => `n${about} ${message} ${JSON.stringify(fields)}`);
      },
    });
    this.#nodes.push(node);
    return node;
  }

  #client(at: number): Client {
    const { swarm } = this.#init;
    const shared = this.#sharedByClients(this.#chance.stream());
    return new Client({ ...shared, name: `c${at}`, swarm, judge: this.#judge });
  }

  #watcher(at: number, chance: Chance): Watcher {
    const { planted, swarm } = this.#init;
    const plan = swarm.streams.watch;
    const shared = this.#sharedByClients(chance.stream());
    return new Watcher({ ...shared, name: `w${at}`, plan, planted, judge: this.#judge });
  }

  #holder(at: number, chance: Chance): Holder {
    const { streams, workload } = this.#init.swarm;
    return new Holder({
      ...this.#sharedByClients(chance.stream()),
      name: `h${at}`,
      number: at + 1,
      plan: streams.leases,
      timeoutMs: workload.timeoutMs,
      book: this.#book,
    });
  }

  #sharedByClients(chance: Chance) {
    return {
      nodes: () => this.#nodes,
      events: this.#events,
      chance,
      note: (what: () => string) => this.#note(what),
      quiet: () => this.#quiet,
      isMember: ({ id }: SimNode) => isMember(this.#witness.config, id),
    };
  }

  #send(from: NodeId, to: NodeId, messages: readonly PeerMessage[]): void {
    const { trace } = this.#init;
    for (const message of messages) {
      if (trace.readable) this.#line(`n${from} > n${to} ${describe(message)}`);
      this.#react(from, message);
    }
    const packets = this.#network.faults.inOrder
      ? [messages]
      : messages.map((message) => [message]);
    for (const packet of packets) {
      const frame = messagesFrame(packet);
      trace.note(frame);
      this.#network.send(from, to, frame);
    }
    const broken = this.#network.isCut(from, to) || this.#find(to)?.process.running !== true;
    if (!broken || !this.#chance.hits(UNREACHABLE_RATE)) return;
    this.#nodeOf(from).process.schedule(1, `unreachable n${to}`, () => {
      this.#nodeOf(from).serving?.replica.unreachable(to);
    });
  }

  #line(text: string): void {
    this.#init.trace.line(`${this.#events.nowMs.toFixed(3).padStart(10)} ${text}`);
  }

  #react(from: NodeId, message: PeerMessage): void {
    if (message.kind !== "consensus") return;
    const { body } = message.envelope;
    if (body.kind === "vote" && body.granted) this.#nemesis.onMoment("vote", from);
    if (body.kind === "promise") this.#nemesis.onMoment("vote", from);
    if (body.kind === "timeout-now") this.#nemesis.onMoment("transfer", from);
    if (body.kind === "append-ack" || body.kind === "accepted") this.#nemesis.onMoment("ack", from);
  }

  #deliver(from: NodeId, to: NodeId, frame: Uint8Array): void {
    const { messages } = decodeFrame(frame);
    if (this.#init.trace.readable) {
      for (const message of messages) this.#line(`n${to} < n${from} ${describe(message)}`);
    }
    this.#find(to)?.receive(messages.filter((message) => this.#isAccepted(to, message)));
  }

  /** A member speaks under the incarnation that its row in the receiver's table names (R10). */
  #isAccepted(to: NodeId, message: PeerMessage): boolean {
    if (message.kind !== "consensus") return true;
    const { from, incarnation } = message.envelope;
    const roster = this.#find(to)?.serving?.replica.status().config.roster;
    const row = roster?.members.find(({ node }) => node === from);
    return row === undefined || row.incarnation === incarnation;
  }

  /** Nobody, while it has no machine. */
  #find(id: NodeId): SimNode | undefined {
    return this.#nodes.find((node) => node.id === id);
  }

  #nodeOf(id: NodeId): SimNode {
    return present(this.#find(id), `node ${id}`);
  }
}

function foundingOf(swarm: Swarm): Membership {
  const ids = Array.from({ length: swarm.voters + swarm.learners }, (_, at) => (at + 1) as NodeId);
  return {
    index: 0 as Membership["index"],
    incoming: ids.slice(0, swarm.voters),
    learners: ids.slice(swarm.voters),
    leaseMs: swarm.leaseMs,
    roster: { nodeLast: nodeLastOf(ids), members: foundersOf(ids) },
  };
}

function violationOf(error: unknown): Violation {
  if (error instanceof Violation) return error;
  if (error instanceof AssertionError || error instanceof Error) {
    const where = error.stack?.split("\n").slice(1, 6).join("\n") ?? "";
    return new Violation("core-assertion", `${error.message}\n${where}`, { cause: error });
  }
  return new Violation("core-assertion", `something that is no error was thrown: ${String(error)}`);
}

function describe(message: PeerMessage): string {
  if (message.kind === "snapshot-wanted") return message.kind;
  if (message.kind !== "consensus") return `${message.kind} ${message.id.counter}`;
  const { epoch, body } = message.envelope;
  const fields = Object.entries(body)
    .filter(([name]) => name !== "kind")
    .map(([name, field]) => `${name}=${shown(field)}`);
  return `t${epoch.round} ${body.kind} ${fields.join(" ")}`;
}

function shown(field: unknown): string {
  return JSON.stringify(field, (name, value: unknown) => {
    if (typeof value === "bigint") return value.toString(36).slice(0, 4);
    if (value instanceof Uint8Array) return `${value.length} bytes`;
    return name === "epoch" && typeof value === "object" && value !== null && "round" in value
      ? `t${String(value.round)}`
      : value;
  });
}
