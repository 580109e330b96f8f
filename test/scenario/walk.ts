// One random walk over a cluster of bare cores: messages, disks, clocks and power as chance has it, and if the walk is
// restless members that come and go, leadership that moves, logs that are cut and snapshots that travel. After every
// step one leader an epoch, one value an index (for Raft all of Fig. 3), and nothing committed that a quorum's disks
// do not hold; in the end peace and progress. The full simulator (test/sim) has the driver, the store and time.
import { Mulberry32, assert, present } from "../../base/index.ts";
import type { LogIndex, NodeId, PlantedBug, Random } from "../../base/index.ts";
import { isQuorum, membersOf } from "../../consensus/index.ts";
import type { ConsensusFactory, Entry, Membership } from "../../consensus/index.ts";
import { Cluster } from "./cluster.ts";
import { describeEpoch } from "./describe.ts";
import type { MemoryLog } from "./memory-log.ts";
import { SCENARIO_OPTIONS } from "./script.ts";

const VOTERS = [1, 2, 3] as NodeId[];
const LEARNER = 4 as NodeId;
/** In no configuration at first, and with an empty disk. */
const STRANGER = 5 as NodeId;

export interface WalkInit<M> {
  readonly protocol: "raft" | "paxos";
  readonly create: ConsensusFactory<M>;
  readonly seed: number;
  readonly restless: boolean;
  readonly planted?: PlantedBug;
}

export class Walk<M extends { readonly kind: string }> {
  readonly cluster: Cluster<M>;
  readonly #protocol: "raft" | "paxos";
  readonly #restless: boolean;
  readonly #random: Random;
  readonly #all: readonly NodeId[];
  /** By index: what some node has applied there. */
  readonly #chosen: Entry[] = [];
  readonly #leaders = new Map<string, NodeId>();
  readonly #appliedSeen = new Map<NodeId, number>();
  readonly #committedSeen = new Map<NodeId, number>();
  /** Committed, by the index of their entry; 0 is the first. */
  readonly #configs: Map<number, Membership>;
  #written = 0;

  constructor({ protocol, create, seed, restless, planted }: WalkInit<M>) {
    this.#protocol = protocol;
    this.#restless = restless;
    this.#random = new Mulberry32(seed);
    const membership: Membership = {
      index: 0 as LogIndex,
      incoming: VOTERS,
      learners: [LEARNER],
      leaseMs: 1000,
    };
    const options = {
      ...SCENARIO_OPTIONS,
      appendBytesMax: 64,
      inflightMessagesMax: 3,
      ...(planted === undefined ? {} : { planted }),
    };
    this.cluster = new Cluster({ create, options, membership });
    this.#configs = new Map([[0, membership]]);
    if (restless) this.cluster.add(STRANGER);
    this.#all = [...this.cluster.nodes.keys()];
  }

  get applied(): number {
    return this.#chosen.length;
  }

  /** Configurations behind the first, and those entries' snapshots that were installed. */
  get restlessness(): { readonly changes: number; readonly installs: number } {
    const changes = this.#chosen.filter(({ kind }) => kind === "config").length;
    const installs = this.#all.map((id) => this.cluster.node(id).log.generation);
    return { changes, installs: Math.max(...installs) };
  }

  step(): void {
    const node = present(this.#all[this.#below(this.#all.length)], "a node");
    const { up } = this.cluster.node(node);
    const dice = this.#below(100);
    if (!up) {
      if (dice < 20) this.cluster.restart(node);
    } else if (dice < 45) this.#deliver();
    else if (dice < 60) this.cluster.persist(node);
    else if (dice < 68) this.cluster.apply(node);
    else if (dice < 80) {
      this.cluster.elapse(this.#below(150), this.#all);
      this.cluster.tick(node);
    } else if (dice < 90) this.#write(node);
    else if (dice < 92) this.cluster.crash(node);
    else if (dice < 94) this.cluster.cuts.clear();
    else if (dice < 96) this.cluster.cuts.add(`${node}->${this.#anybody()}`);
    else if (dice < 98) this.cluster.read(node, dice < 97 ? "index" : "quorum", 5000);
    else this.cluster.elapse(this.#below(1500), [node]);
    this.check();
    if (this.#restless && this.#below(8) === 0) {
      this.#stir();
      this.check();
    }
  }

  /** Election Safety, Log Matching, Leader Completeness (by what is applied), State Machine Safety. */
  check(): void {
    for (const [id, node] of this.cluster.nodes) {
      const { role, epoch } = node.core.status();
      if (role === "leader") {
        const name = describeEpoch(epoch);
        const other = this.#leaders.get(name) ?? id;
        assert(other === id, `nodes ${id} and ${other} both led ${name}`);
        this.#leaders.set(name, id);
        if (this.#protocol === "raft") this.#checkComplete(id);
      }
      for (let at = this.#appliedSeen.get(id) ?? 0; at < node.applied.length; at += 1) {
        const entry = present(node.applied[at], "an applied entry");
        const chosen = (this.#chosen[at] ??= entry);
        assert(entry.index === at + 1, `entry ${entry.index} applied at ${at + 1}`);
        assert(this.#same(chosen, entry), `two entries applied at ${at + 1}`);
      }
      this.#appliedSeen.set(id, node.applied.length);
      this.#checkCommitted(id);
    }
  }

  /** Heals everything; then a write must reach every member. */
  settle(): void {
    this.cluster.cuts.clear();
    for (const id of this.#all) if (!this.cluster.node(id).up) this.cluster.restart(id);
    this.#pass();
    for (let at = 0; at < 400 && (this.#leader() === undefined || at < 40); at += 1) this.#pass();
    const leader = present(this.#leader(), "a leader after everything healed");
    this.cluster.propose(leader, "last");
    // What a lost message would have brought is asked for again within an election timeout.
    for (let at = 0; at < 20; at += 1) this.#pass();
    const { log, core } = this.cluster.node(leader);
    for (const id of membersOf(core.status().config)) {
      const { applied } = this.cluster.node(id);
      assert(applied.length === log.last(), `${id} applied ${applied.length} of ${log.last()}`);
      assert(
        applied.some((entry) => entry.kind === "command" && textOf(entry.data) === "last"),
        `${id} lacks the last write`,
      );
    }
  }

  /** Everybody lives through 50 ms without a fault. */
  #pass(): void {
    for (const id of this.#all) {
      this.cluster.elapse(50, [id]);
      this.cluster.tick(id);
      this.cluster.stabilize(this.#all);
      while (this.cluster.wants.length > 0) this.#sendSnapshot({ arrives: true });
      this.check();
    }
  }

  #leader(): NodeId | undefined {
    const leads = (id: NodeId): boolean => {
      const { up, core } = this.cluster.node(id);
      return up && core.status().role === "leader";
    };
    return this.#all.find(leads);
  }

  /** A change of members, a transfer, a cut of a log, a snapshot that ends well or not, or some peace. */
  #stir(): void {
    const dice = this.#below(10);
    const leader = this.#leader();
    const node = this.#anybody();
    const { up, core } = this.cluster.node(node);
    if (dice < 2 && this.cluster.wants.length > 0) this.#sendSnapshot({ arrives: dice > 0 });
    else if (dice < 4 && up) {
      this.cluster.act(node, (replica, now) => replica.compactTo(core.status().applied, now));
    } else if (dice < 5 && leader !== undefined) {
      this.cluster.ask(leader, "transfer", (replica, now) => replica.transferTo(node, now));
    } else if (dice < 8 && leader !== undefined) this.#change(leader);
    else if (dice === 9) {
      const awake = this.#all.filter((id) => this.cluster.node(id).up);
      this.cluster.pass(50 * this.#below(12), awake);
    }
  }

  /** Of those who could vote by now some do, and most of the others learn. */
  #change(leader: NodeId): void {
    const { core } = this.cluster.node(leader);
    const ready = new Set(core.peers().flatMap(({ node, caughtUp }) => (caughtUp ? [node] : [])));
    const voters = this.#all.filter(
      (id) => (id === leader || ready.has(id)) && this.#below(10) < 8,
    );
    const learners = this.#all.filter((id) => !voters.includes(id) && this.#below(10) < 8);
    if (voters.length === 0) return;
    this.cluster.ask(leader, "change", (replica, now) =>
      replica.proposeConfig({ voters, learners }, core.status().config.index, now),
    );
  }

  #sendSnapshot({ arrives }: { readonly arrives: boolean }): void {
    const { from, to, meta } = present(this.cluster.wants.shift(), "a snapshot that is wanted");
    const { up, applied } = this.cluster.node(from);
    if (!up) return;
    // Whoever is still changing over to a state has none to send.
    const whole = (applied.at(-1)?.index ?? 0) >= meta.index;
    const receiver = this.cluster.node(to);
    const ok = arrives && whole && receiver.up && receiver.staged.size === 0;
    if (ok) this.cluster.receive(to, from, meta);
    this.cluster.act(from, (core, now) => core.snapshotSent(to, ok, now));
  }

  /** Scenario 27: counted on the disks themselves, by nobody's bookkeeping. */
  #checkCommitted(id: NodeId): void {
    const { core, log } = this.cluster.node(id);
    const { committed, role, config } = core.status();
    for (let index = (this.#committedSeen.get(id) ?? 0) + 1; index <= committed; index += 1) {
      this.#committedSeen.set(id, index);
      const entry = entryAt(log, index) ?? this.#chosen[index - 1];
      assert(entry !== undefined, `node ${id} commits ${index}, which nobody knows`);
      const holders = new Set(this.#all.filter((other) => this.#holds(other, entry)));
      // Raft commits what is before an entry with it, by the configuration that the leader has then.
      const counted = this.#protocol === "paxos" || (role === "leader" && index === committed);
      const governing = this.#protocol === "raft" ? config : this.#configBehind(index);
      if (entry.kind === "config") this.#configs.set(index, entry.config);
      if (index < log.first() || !counted) continue;
      const held = isQuorum(governing, (node) => holders.has(node));
      assert(held, `node ${id} commits ${index}, held by ${[...holders].join(" ")}`);
    }
  }

  /** P8: the configuration that governs a slot is the last before it. */
  #configBehind(slot: number): Membership {
    const before = [...this.#configs.keys()].filter((index) => index < slot);
    return present(this.#configs.get(Math.max(...before)), "the configuration of a slot");
  }

  /** What a disk has compacted it held. */
  #holds(id: NodeId, entry: Entry): boolean {
    const { durable } = this.cluster.node(id);
    if (entry.index < durable.first()) return true;
    const held = entryAt(durable, entry.index);
    return held !== undefined && this.#same(held, entry);
  }

  /** Replicas of a Paxos group may hold one value in different ballots. */
  #same(left: Entry, right: Entry): boolean {
    if (this.#protocol === "raft" && left.epoch.round !== right.epoch.round) return false;
    if (left.kind !== "command" || right.kind !== "command") return left.kind === right.kind;
    return textOf(left.data) === textOf(right.data);
  }

  #checkComplete(leader: NodeId): void {
    const { core, log } = this.cluster.node(leader);
    const newest = this.#chosen.at(-1);
    if (newest === undefined || newest.epoch.round > core.status().epoch.round) return;
    if (newest.index < log.first()) return;
    const held = log.epochAt(newest.index)?.round;
    assert(held === newest.epoch.round, `leader ${leader} lacks committed entry ${newest.index}`);
  }

  #deliver(): void {
    const { flights } = this.cluster;
    const flight = flights[this.#below(flights.length)];
    if (flight === undefined) return;
    const dice = this.#below(20);
    if (dice === 0) this.cluster.drop(flight);
    else this.cluster.deliver(flight, { keep: dice === 1 });
  }

  #write(node: NodeId): void {
    if (this.cluster.node(node).core.status().role !== "leader") return;
    this.#written += 1;
    this.cluster.propose(node, String(this.#written));
  }

  #anybody(): NodeId {
    return present(this.#all[this.#below(this.#all.length)], "a node");
  }

  #below(count: number): number {
    return Math.floor((this.#random.u32() / 2 ** 32) * count);
  }
}

function entryAt(log: MemoryLog, index: number): Entry | undefined {
  const slice = log.slice(index as LogIndex, (index + 1) as LogIndex, 1);
  return typeof slice === "string" ? undefined : slice[0];
}

function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}
