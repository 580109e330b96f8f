// One seed's world: members, network, clients and faults on one event queue. It runs a given number of
// events under faults, then heals everything and demands that the cluster serves and agrees.
import { AssertionError, present } from "../../base/index.ts";
import type { NodeId, PlantedBug } from "../../base/index.ts";
import type { ConsensusFactory, Membership } from "../../consensus/index.ts";
import { decodeFrame, messagesFrame } from "../../rpc/peer-codec.ts";
import type { ConsensusMessage, PeerMessage } from "../../rpc/peer-message.ts";
import { storeCodec } from "../../rpc/store-codec.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { Chance } from "./chance.ts";
import { Client } from "./client.ts";
import { EventQueue } from "./events.ts";
import { Judge } from "./judge.ts";
import { Nemesis } from "./nemesis.ts";
import { SimNetwork } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { Recovery } from "./recovery.ts";
import { SimNode } from "./sim-node.ts";
import type { Swarm } from "./swarm.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";
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
  readonly #nodes: readonly SimNode[];
  readonly #clients: readonly Client[];
  readonly #witness: Witness;
  readonly #oracle: Oracle;
  readonly #judge: Judge;
  readonly #nemesis: Nemesis;
  #quiet = false;
  #steps = 0;

  constructor(init: WorldInit) {
    const { swarm } = init;
    this.#init = init;
    this.#chance = new Chance(init.seed ^ 0x5eed);
    const nowMs = (): number => this.#events.nowMs;
    const membership = membershipOf(swarm);
    this.#oracle = new Oracle(storeCodec);
    this.#witness = new Witness(this.#oracle, membership.incoming, nowMs, init.protocol);
    this.#judge = new Judge(this.#oracle, this.#witness, nowMs, !swarm.clocksWild);
    this.#network = new SimNetwork(
      this.#events,
      this.#chance.stream(),
      swarm.network,
      (from, to, packet) => this.#deliver(from, to, packet),
    );
    this.#nodes = [...membership.incoming, ...membership.learners].map((id) =>
      this.#node(id, membership),
    );
    this.#nemesis = new Nemesis({
      swarm,
      nodes: this.#nodes,
      network: this.#network,
      events: this.#events,
      chance: this.#chance.stream(),
      note: (what) => this.#note(what),
      leader: () => this.#witness.leader(),
    });
    this.#witness.onMoment = (on, node) => this.#nemesis.onMoment(on, node);
    this.#clients = Array.from({ length: swarm.workload.clients }, (_, at) => this.#client(at));
  }

  /** @throws nothing: whatever breaks is in the totals. */
  run(): RunTotals {
    let violation: Violation | undefined;
    let undecided = 0;
    try {
      for (const node of this.#nodes) node.start();
      for (const client of this.#clients) client.begin();
      this.#nemesis.begin();
      while (this.#steps < this.#init.steps) this.#step();
      this.#recovery().run();
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
      undecided,
      ...(violation === undefined ? {} : { violation }),
    };
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

  #node(id: NodeId, membership: Membership): SimNode {
    const { swarm, planted, createConsensus } = this.#init;
    return new SimNode({
      id,
      membership,
      swarm,
      planted,
      createConsensus,
      events: this.#events,
      chance: this.#chance.stream(),
      witness: this.#witness,
      send: (from, to, messages) => this.#send(from, to, messages),
      onHalt: (node) => {
        node.kill();
        this.#nemesis.restartLater(node);
      },
      onJournal: (node, message, fields) => {
        this.#note(() => `n${node} ${message} ${JSON.stringify(fields)}`);
      },
    });
  }

  #client(at: number): Client {
    return new Client({
      name: `c${at}`,
      swarm: this.#init.swarm,
      nodes: this.#nodes,
      events: this.#events,
      chance: this.#chance.stream(),
      judge: this.#judge,
      note: (what) => this.#note(what),
      quiet: () => this.#quiet,
    });
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
    const broken = this.#network.isCut(from, to) || !this.#nodeOf(to).process.running;
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
    if (body.kind === "append-ack" || body.kind === "accepted") this.#nemesis.onMoment("ack", from);
  }

  #deliver(from: NodeId, to: NodeId, frame: Uint8Array): void {
    const { messages } = decodeFrame(frame);
    if (this.#init.trace.readable) {
      for (const message of messages) this.#line(`n${to} < n${from} ${describe(message)}`);
    }
    this.#nodeOf(to).receive(messages);
  }

  #nodeOf(id: NodeId): SimNode {
    return present(this.#nodes[id - 1], `node ${id}`);
  }
}

function membershipOf(swarm: Swarm): Membership {
  const ids = Array.from({ length: swarm.voters + swarm.learners }, (_, at) => (at + 1) as NodeId);
  return {
    index: 0 as Membership["index"],
    incoming: ids.slice(0, swarm.voters),
    learners: ids.slice(swarm.voters),
    leaseMs: swarm.leaseMs,
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
