// One seed's world: members, network, clients and faults on one event queue. It runs a given number of
// events under faults, then heals everything and demands that the cluster serves and agrees.
import { AssertionError, present } from "../../base/index.ts";
import type { PlantedBug } from "../../base/index.ts";
import { isMember } from "../../consensus/index.ts";
import type { ConsensusFactory } from "../../consensus/index.ts";
import type { ConsensusMessage, PeerMessage } from "../../rpc/peer-message.ts";
import { storeCodec } from "../../rpc/store-codec.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { Chance } from "./chance.ts";
import { Client } from "./client.ts";
import { EventQueue } from "./events.ts";
import { Group } from "./group.ts";
import { Holder } from "./holder.ts";
import { Judge } from "./judge.ts";
import { LeaseBook } from "./lease-book.ts";
import { Oracle } from "./oracle.ts";
import { Recovery } from "./recovery.ts";
import type { SimNode } from "./sim-node.ts";
import { demandStreams } from "./streams-judge.ts";
import type { Swarm } from "./swarm.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";
import { Watcher } from "./watcher.ts";
import { WitnessedMachine } from "./witnessed-machine.ts";

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
  readonly #group: Group;
  readonly #clients: readonly Client[];
  readonly #watchers: readonly Watcher[];
  readonly #holders: readonly Holder[];
  readonly #book: LeaseBook;
  readonly #oracle: Oracle;
  readonly #judge: Judge;
  #quiet = false;
  #steps = 0;

  constructor(init: WorldInit) {
    const { swarm } = init;
    this.#init = init;
    this.#chance = new Chance(init.seed ^ 0x5eed);
    const nowMs = (): number => this.#events.nowMs;
    this.#oracle = new Oracle(storeCodec);
    this.#group = this.#openGroup();
    this.#judge = new Judge(this.#oracle, this.#group.witness, nowMs, !swarm.clocksWild);
    this.#clients = Array.from({ length: swarm.workload.clients }, (_, at) => this.#client(at));
    const { watch, leases } = swarm.streams;
    const chance = new Chance(init.seed ^ 0x57a7c4);
    this.#book = new LeaseBook(nowMs);
    this.#oracle.onLeases = (turns) => this.#book.onTurns(turns);
    this.#watchers = Array.from({ length: watch.watchers }, (_, at) => this.#watcher(at, chance));
    this.#holders = Array.from({ length: leases.holders }, (_, at) => this.#holder(at, chance));
  }

  #openGroup(): Group {
    const { seed, swarm, planted, trace } = this.#init;
    const machine = {
      codec: storeCodec,
      valueCacheBytesMax: swarm.valueCacheBytes,
      ...(planted === undefined ? {} : { planted }),
    };
    return new Group({
      ...this.#init,
      events: this.#events,
      chance: this.#chance,
      atlasChance: new Chance(seed ^ 0xa71a5),
      oracle: this.#oracle,
      note: (what) => this.#note(what),
      createMachine: (node, witness) => new WitnessedMachine(machine, node, witness),
      onFrame: (frame) => trace.note(frame),
      ...(trace.readable && {
        onSent: (from, to, message) => this.#line(`n${from} > n${to} ${describe(message)}`),
        onArrived: (from, to, message) => this.#line(`n${to} < n${from} ${describe(message)}`),
      }),
    });
  }

  /** @throws nothing: whatever breaks is in the totals. */
  run(): RunTotals {
    let violation: Violation | undefined;
    let undecided = 0;
    try {
      for (const node of this.#group.nodes) node.start();
      for (const client of this.#clients) client.begin();
      for (const watcher of this.#watchers) watcher.begin();
      for (const holder of this.#holders) holder.begin();
      this.#group.nemesis.begin();
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
    const { nodes, crew, witness } = this.#group;
    return new Recovery({
      swarm: this.#init.swarm,
      ...{ nodes, crew, witness },
      clients: this.#clients,
      watchers: this.#watchers,
      holders: this.#holders,
      oracle: this.#oracle,
      judge: this.#judge,
      nowMs: () => this.#events.nowMs,
      step: () => this.#step(),
      note: (what) => this.#note(what),
      heal: () => {
        this.#quiet = true;
        this.#group.nemesis.heal();
      },
    });
  }

  #note(what: () => string): void {
    const { trace } = this.#init;
    const text = what();
    trace.note(text);
    if (trace.readable) this.#line(text);
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
      nodes: () => this.#group.nodes,
      events: this.#events,
      chance,
      note: (what: () => string) => this.#note(what),
      quiet: () => this.#quiet,
      isMember: ({ id }: SimNode) => isMember(this.#group.witness.config, id),
    };
  }

  #line(text: string): void {
    this.#init.trace.line(`${this.#events.nowMs.toFixed(3).padStart(10)} ${text}`);
  }
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
