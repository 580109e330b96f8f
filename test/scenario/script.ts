// The language of scenarios: one word a command, for any core behind the consensus contract.
//
//   nodes 1 2 3 [learners=4] [lease=1000] [option=value ...]   a fresh cluster; options by their contract names,
//                     quorums=PHASE1,PHASE2 among them
//   start 2 terms=1,-,2 [term=2] [vote=0] [hint=0]              node 2's disk holds these entries
//           [voters=1,2 [outgoing=2,3] [learners=4]]            and, behind them, this configuration
//   elapse MS [ids]   tick [ids]   campaign ID   elect ID       clocks; elect also settles, and prints little
//   pass MS [ids]     clocks run, and all that can happen does
//   add ID            a member with an empty disk, in no configuration yet
//   change ID voters=1,2,3 [learners=4] [expect=INDEX]    transfer ID TO    peers ID    config [ids]
//   propose ID TEXT   read ID MODE [deadline=MS]
//   deliver / drop [FROM->TO] [KIND] [#NUMBER] [keep]           messages under way, all that match; a kind by
//                     its name, or by what it is for in either protocol: poll, candidacy, entries (voice.ts)
//   network           what is under way
//   persist ID   apply ID   stabilize [ids]
//   cut A B | cut A->B   isolate ID   heal   crash ID   restart ID
//   unreachable ID PEER   storage-failed ID   clock-uncertain ID   compact ID INDEX   page-out ID INDEX   load ID
//   snapshot-sent ID TO ok|failed   checkpoint ID INDEX   install ID FROM INDEX   lose-state ID   in-force [ids]
//   turn begin|end    inputs in between are one event-loop turn
//   lease ID   status [ids]   epoch [ids]   log [ids]   disk ID   count KIND
import { present } from "../../base/index.ts";
import type { LogIndex, NodeId } from "../../base/index.ts";
import type {
  ConsensusFactory,
  ConsensusOptions,
  Entry,
  Epoch,
  Membership,
  ReadMode,
} from "../../consensus/index.ts";
import { Cluster } from "./cluster.ts";
import type { Flight } from "./cluster.ts";
import type { Command, Commands } from "./datadriven.ts";
import { describeConfig } from "./describe.ts";
import { MemoryLog } from "./memory-log.ts";
import { WIRE, purposeOf } from "./voice.ts";
import type { Voice } from "./voice.ts";

export const SCENARIO_OPTIONS: ConsensusOptions = {
  electionTimeoutMs: 1000,
  heartbeatMs: 100,
  clockDriftMax: 0,
  leaseMarginMs: 0,
  appendBytesMax: 1 << 20,
  inflightMessagesMax: 64,
  inflightBytesMax: 1 << 22,
  uncommittedBytesMax: 1 << 22,
  readsWaitingMax: 1000,
  readLagEntriesMax: 1000,
};

/** Scenarios name an index and a term; the epoch is the protocol's. */
export type EpochOf = (term: number) => Epoch;

export class Script<M extends { readonly kind: string }> {
  readonly #create: ConsensusFactory<M>;
  readonly #epochOf: EpochOf;
  #cluster: Cluster<M> | undefined;
  readonly #voice: Voice;
  #membership: Membership | undefined;
  #options = SCENARIO_OPTIONS;

  constructor(create: ConsensusFactory<M>, epochOf: EpochOf, voice = WIRE) {
    this.#create = create;
    this.#epochOf = epochOf;
    this.#voice = voice;
  }

  get cluster(): Cluster<M> {
    return present(this.#cluster, "a cluster: `nodes` comes first");
  }

  commands(): Commands {
    return { ...this.#clusterCommands(), ...this.#networkCommands(), ...this.#faultCommands() };
  }

  /** Each command prints what it caused. */
  traced(run: (args: readonly string[]) => void): Command {
    return (args) => {
      run(args);
      return this.cluster.takeTrace();
    };
  }

  #clusterCommands(): Record<string, Command> {
    return {
      nodes: (args) => this.#begin(args),
      start: this.traced((args) => this.#start(args)),
      elapse: this.traced(([ms, ...ids]) => this.cluster.elapse(Number(ms), this.#ids(ids))),
      tick: this.traced((args) => this.#ids(args).forEach((id) => this.cluster.tick(id))),
      pass: this.traced(([ms, ...ids]) => this.cluster.pass(Number(ms), this.#ids(ids))),
      campaign: this.traced(([id]) => this.#campaign(Number(id))),
      elect: ([id]) => this.#elect(Number(id)),
      propose: this.traced(([id, ...text]) => this.cluster.propose(Number(id), text.join(" "))),
      read: this.traced((args) => this.#read(args)),
      add: this.traced((args) => args.forEach((id) => this.cluster.add(Number(id)))),
      change: this.traced((args) => this.#change(args)),
      transfer: this.traced(([id, to]) =>
        this.cluster.ask(Number(id), "transfer", (core, now) =>
          core.transferTo(Number(to) as NodeId, now),
        ),
      ),
      peers: ([id]) => this.#peers(Number(id)),
      config: (args) => this.#ids(args).map((id) => this.#config(id)),
      persist: this.traced(([id]) => void this.cluster.persist(Number(id))),
      apply: this.traced(([id]) => void this.cluster.apply(Number(id))),
      stabilize: this.traced((args) => this.cluster.stabilize(this.#ids(args))),
      turn: this.traced(([edge]) => {
        if (edge === "begin") this.cluster.beginTurn();
        else this.cluster.endTurn();
      }),
      lease: ([id]) => this.#lease(Number(id)),
      disk: ([id]) => this.#disk(Number(id)),
      count: ([kind = ""]) => this.cluster.delivered(kind),
      status: (args) => this.#statuses(args),
      epoch: (args) => this.#ids(args).map((id) => `${id} is in epoch ${this.#epoch(id)}`),
      log: (args) => this.#ids(args).map((id) => this.#describeLog(id)),
    };
  }

  #networkCommands(): Record<string, Command> {
    return {
      deliver: this.traced((args) => {
        const keep = args.includes("keep");
        for (const flight of this.#flights(args)) this.cluster.deliver(flight, { keep });
      }),
      drop: this.traced((args) => {
        for (const flight of this.#flights(args)) this.cluster.drop(flight);
      }),
      network: () => this.#network(),
      cut: this.traced((args) => this.#cut(args)),
      isolate: this.traced(([id = ""]) => {
        for (const other of this.cluster.nodes.keys()) this.#cut([id, String(other)]);
      }),
      heal: this.traced(() => this.cluster.cuts.clear()),
    };
  }

  #faultCommands(): Record<string, Command> {
    const traced = this.traced.bind(this);
    return {
      crash: traced(([id]) => this.cluster.crash(Number(id))),
      restart: traced(([id]) => {
        this.cluster.restart(Number(id));
        this.cluster.say(`${id} ${this.cluster.status(Number(id))}`);
      }),
      unreachable: traced(([id, peer]) =>
        this.cluster.act(Number(id), (core, now) => core.unreachable(Number(peer) as NodeId, now)),
      ),
      "storage-failed": traced(([id]) =>
        this.cluster.act(Number(id), (core, now) => core.storageFailed(now)),
      ),
      "clock-uncertain": traced(([id]) =>
        this.cluster.act(Number(id), (core, now) => core.clockUncertain(now)),
      ),
      compact: traced(([id, index]) => this.#compact(Number(id), Number(index))),
      "page-out": traced(([id, index]) => {
        this.cluster.node(Number(id)).log.loadedFrom = Number(index);
      }),
      load: traced(([id]) => this.#load(Number(id))),
      checkpoint: traced(([id, index]) =>
        this.cluster.act(Number(id), (core, now) => core.compactTo(Number(index) as LogIndex, now)),
      ),
      install: traced(([id, from, index]) =>
        this.cluster.install(Number(id), Number(from), Number(index)),
      ),
      "lose-state": traced(([id]) => this.cluster.loseState(Number(id))),
      "in-force": (args) =>
        this.#ids(args).map((id) => {
          const { config } = this.cluster.node(id).core.status();
          return `${id} ${describeConfig(config)} of entry ${config.index}`;
        }),
      "snapshot-sent": traced(([id, to, how]) =>
        this.cluster.act(Number(id), (core, now) =>
          core.snapshotSent(Number(to) as NodeId, how === "ok", now),
        ),
      ),
    };
  }

  #begin(args: readonly string[]): readonly string[] {
    const { plain, named } = parse(args);
    const { learners = "", lease = "1000", quorums, ...options } = named;
    const overrides = Object.entries(options).map(([name, value]) => {
      if (name !== "planted" && !(name in SCENARIO_OPTIONS)) throw new Error(`no option ${name}`);
      return [name, name === "planted" ? value : Number(value)] as const;
    });
    const [phase1 = 0, phase2 = 0] = quorums?.split(",").map(Number) ?? [];
    this.#options = {
      ...SCENARIO_OPTIONS,
      ...Object.fromEntries(overrides),
      ...(quorums === undefined ? {} : { quorums: { phase1, phase2 } }),
    };
    this.#membership = {
      index: 0 as LogIndex,
      incoming: plain.map((id) => Number(id) as NodeId),
      learners: learners === "" ? [] : learners.split(",").map((id) => Number(id) as NodeId),
      leaseMs: Number(lease),
    };
    this.#cluster = new Cluster({
      create: this.#create,
      options: this.#options,
      membership: this.#membership,
      voice: this.#voice,
    });
    return [describeConfig(this.#membership)];
  }

  #start(args: readonly string[]): void {
    const { plain, named } = parse(args);
    const log = new MemoryLog(present(this.#membership, "a membership"));
    const terms = (named["terms"] ?? "").split(",").filter((term) => term !== "");
    const entries = terms.flatMap((term, at): Entry[] => {
      if (term === "-") return [];
      const index = (at + 1) as LogIndex;
      const data = new TextEncoder().encode(`${index}/${term}`);
      return [{ kind: "command", index, epoch: this.#epochOf(Number(term)), data }];
    });
    if (named["voters"] !== undefined) entries.push(this.#configEntry(entries, named));
    const promised = this.#epochOf(Number(named["term"] ?? terms.at(-1) ?? 0));
    log.take([
      { op: "promise", promised, votedFor: Number(named["vote"] ?? 0) as NodeId | 0 },
      ...entries.map((entry) => ({ op: "put", entry }) as const),
      { op: "commit-hint", index: Number(named["hint"] ?? 0) as LogIndex },
    ]);
    this.cluster.startWith(Number(plain[0]), log);
  }

  /** Every lease runs out first, leaders notice that nobody answered, and of the rest only this node. */
  #campaign(id: number): void {
    this.cluster.elapse(2 * this.#options.electionTimeoutMs, this.#ids([]));
    for (const other of this.#ids([])) {
      const { core, up } = this.cluster.node(other);
      if (up && core.status().role === "leader") this.cluster.tick(other);
    }
    this.cluster.tick(id);
  }

  #elect(id: number): readonly string[] {
    this.#campaign(id);
    this.cluster.stabilize(this.#ids([]));
    this.cluster.takeTrace();
    return this.#statuses([]);
  }

  #configEntry(before: readonly Entry[], named: Readonly<Record<string, string>>): Entry {
    const last = present(before.at(-1), "an entry before the configuration");
    const index = (last.index + 1) as LogIndex;
    const config = {
      ...present(this.#membership, "a membership"),
      index,
      incoming: nodesIn(named["voters"]),
      ...(named["outgoing"] === undefined ? {} : { outgoing: nodesIn(named["outgoing"]) }),
      learners: nodesIn(named["learners"]),
    };
    return { kind: "config", index, epoch: last.epoch, config };
  }

  #disk(id: number): readonly string[] {
    return [`${id} ${this.#voice.disk(this.cluster.node(id).durable)}`];
  }

  #read(args: readonly string[]): void {
    const { plain, named } = parse(args);
    const [id, mode] = plain;
    const number = this.cluster.read(
      Number(id),
      mode as ReadMode,
      Number(named["deadline"] ?? 60_000),
    );
    this.cluster.say(`read ${number}: ${mode} at ${id}`);
  }

  /** `expect`: by default the index of the configuration that the node has. */
  #change(args: readonly string[]): void {
    const { plain, named } = parse(args);
    const id = Number(plain[0]);
    const { index } = this.cluster.node(id).core.status().config;
    const expect = Number(named["expect"] ?? index) as LogIndex;
    const wish = { voters: nodesIn(named["voters"]), learners: nodesIn(named["learners"]) };
    this.cluster.ask(id, "change", (core, now) => core.proposeConfig(wish, expect, now));
  }

  #peers(id: number): readonly string[] {
    return this.cluster
      .node(id)
      .core.peers()
      .map(({ node, match, caughtUp }) => {
        return `${node} matches ${match}${caughtUp ? ", caught up" : ""}`;
      });
  }

  #config(id: number): string {
    const { config, transferee } = this.cluster.node(id).core.status();
    const handing = transferee === undefined ? "" : `, handing over to ${transferee}`;
    return `${id} has ${this.#voice.config(config)}${handing}`;
  }

  #lease(id: number): readonly string[] {
    const { core, now } = this.cluster.node(id);
    return [core.leaseHolds(core.status().epoch, now) ? "holds" : "does not hold"];
  }

  #compact(id: number, index: number): void {
    const { log, core } = this.cluster.node(id);
    const epoch = present(log.epochAt(index as LogIndex), `the epoch at ${index}`);
    const meta = { index: index as LogIndex, epoch, config: core.status().config };
    log.take([{ op: "compact-to", meta }]);
  }

  #load(id: number): void {
    const { log } = this.cluster.node(id);
    log.loadedFrom = 0;
    this.cluster.act(id, (core, now) => core.loaded(log.first(), log.last(), now));
  }

  #cut(args: readonly string[]): void {
    const [first = "", second] = args;
    if (second === undefined) this.cluster.cuts.add(first);
    else this.cluster.cuts.add(`${first}->${second}`).add(`${second}->${first}`);
  }

  #network(): readonly string[] {
    if (this.cluster.flights.length === 0) return ["nothing is under way"];
    const told = this.cluster.flights.map((flight) => this.cluster.describe(flight));
    return this.#voice.byNode ? told.sort() : told;
  }

  #flights(args: readonly string[]): readonly Flight<M>[] {
    const wanted = args.filter((arg) => arg !== "keep");
    return this.cluster.flights.filter((flight) =>
      wanted.every((arg) => {
        const { from, to, body } = flight.envelope;
        const names = [`#${flight.number}`, `${from}->${to}`, body.kind, purposeOf(body.kind)];
        return names.includes(arg);
      }),
    );
  }

  #statuses(args: readonly string[]): readonly string[] {
    return this.#ids(args).map((id) => `${id} ${this.cluster.status(id)}`);
  }

  #epoch(id: number): number {
    return this.cluster.node(id).core.status().epoch.round;
  }

  #describeLog(id: number): string {
    const { log } = this.cluster.node(id);
    const head = log.first() > 1 ? `snapshot to ${log.first() - 1}, ` : "";
    return `${id} ${head}${this.#voice.entries(log.entries())}`;
  }

  #ids(args: readonly string[]): readonly number[] {
    return args.length > 0 ? args.map(Number) : [...this.cluster.nodes.keys()];
  }
}

function nodesIn(list = ""): readonly NodeId[] {
  return list
    .split(",")
    .filter((id) => id !== "")
    .map((id) => Number(id) as NodeId);
}

function parse(args: readonly string[]): {
  readonly plain: readonly string[];
  readonly named: Readonly<Record<string, string>>;
} {
  const named: Record<string, string> = {};
  for (const arg of args) {
    const at = arg.indexOf("=");
    if (at > 0) named[arg.slice(0, at)] = arg.slice(at + 1);
  }
  return { plain: args.filter((arg) => !arg.includes("=")), named };
}
