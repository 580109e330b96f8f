// Random walks over a cluster of bare cores of either protocol: after every step one leader an epoch, one value an
// index (for Raft all of Fig. 3), and nothing committed that a majority's disks do not hold; then peace and progress.
// The full simulator (test/sim) has the driver, the store and time; this one is small enough to run always.
import { expect, test } from "@jest/globals";
import { Mulberry32, assert, present } from "../../base/index.ts";
import type { LogIndex, NodeId, Random } from "../../base/index.ts";
import type { ConsensusFactory, Entry, Membership } from "../../consensus/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import { Cluster } from "./cluster.ts";
import { describeEpoch } from "./describe.ts";
import type { MemoryLog } from "./memory-log.ts";
import { SCENARIO_OPTIONS } from "./script.ts";

const STEPS = 600;
const SEEDS = 60;
const VOTERS = [1, 2, 3] as NodeId[];
const LEARNER = 4 as NodeId;
const ALL = [...VOTERS, LEARNER];

class Walk<M extends { readonly kind: string }> {
  readonly cluster: Cluster<M>;
  readonly #protocol: "raft" | "paxos";
  readonly #random: Random;
  /** By index: what some node has applied there. */
  readonly #chosen: Entry[] = [];
  readonly #leaders = new Map<string, NodeId>();
  #written = 0;

  constructor(protocol: "raft" | "paxos", create: ConsensusFactory<M>, seed: number) {
    this.#protocol = protocol;
    this.#random = new Mulberry32(seed);
    const membership: Membership = {
      index: 0 as LogIndex,
      incoming: VOTERS,
      learners: [LEARNER],
      leaseMs: 1000,
    };
    const options = { ...SCENARIO_OPTIONS, appendBytesMax: 64, inflightMessagesMax: 3 };
    this.cluster = new Cluster({ create, options, membership });
  }

  step(): void {
    const node = present(ALL[this.#below(ALL.length)], "a node");
    const { up } = this.cluster.node(node);
    const dice = this.#below(100);
    if (!up) {
      if (dice < 20) this.cluster.restart(node);
    } else if (dice < 45) this.#deliver();
    else if (dice < 60) this.cluster.persist(node);
    else if (dice < 68) this.cluster.apply(node);
    else if (dice < 80) {
      this.cluster.elapse(this.#below(150), ALL);
      this.cluster.tick(node);
    } else if (dice < 90) this.#write(node);
    else if (dice < 92) this.cluster.crash(node);
    else if (dice < 94) this.cluster.cuts.clear();
    else if (dice < 96) this.cluster.cuts.add(`${node}->${ALL[this.#below(ALL.length)] ?? 0}`);
    else if (dice < 98) this.cluster.read(node, dice < 97 ? "index" : "quorum", 5000);
    else this.cluster.elapse(this.#below(1500), [node]);
    this.check();
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

  /** Scenario 27: counted on the disks themselves, by nobody's bookkeeping. */
  #checkCommitted(id: NodeId): void {
    const { core, log } = this.cluster.node(id);
    const { committed } = core.status();
    for (let index = (this.#committedSeen.get(id) ?? 0) + 1; index <= committed; index += 1) {
      const entry = present(entryAt(log, index), "a committed entry");
      const holders = VOTERS.filter((voter) => {
        const held = entryAt(this.cluster.node(voter).durable, index);
        return held !== undefined && this.#same(held, entry);
      });
      assert(
        holders.length > VOTERS.length / 2,
        `node ${id} commits ${index}, held by ${holders.join(" ")}`,
      );
      this.#committedSeen.set(id, index);
    }
  }

  /** Heals everything; then a write must reach everybody. */
  settle(): void {
    this.cluster.cuts.clear();
    for (const id of ALL) if (!this.cluster.node(id).up) this.cluster.restart(id);
    this.cluster.stabilize(ALL);
    const leads = (): NodeId | undefined =>
      VOTERS.find((id) => this.cluster.node(id).core.status().role === "leader");
    for (let at = 0; at < 400 && (leads() === undefined || at < 20); at += 1) this.#pass();
    const leader = present(leads(), "a leader after everything healed");
    this.cluster.propose(leader, "last");
    // What a lost message would have brought is asked for again within an election timeout.
    for (let at = 0; at < 20; at += 1) this.#pass();
    const applied = ALL.map((id) => this.cluster.node(id).applied.length);
    expect(new Set(applied).size).toBe(1);
    expect(applied[0]).toBe(this.cluster.node(leader).log.last());
  }

  get applied(): number {
    return this.#chosen.length;
  }

  /** Everybody lives through 50 ms without a fault. */
  #pass(): void {
    for (const id of ALL) {
      this.cluster.elapse(50, [id]);
      this.cluster.tick(id);
      this.cluster.stabilize(ALL);
      this.check();
    }
  }

  /** Replicas of a Paxos group may hold one value in different ballots. */
  #same(left: Entry, right: Entry): boolean {
    if (this.#protocol === "raft" && left.epoch.round !== right.epoch.round) return false;
    if (left.kind !== "command" || right.kind !== "command") return left.kind === right.kind;
    return String(left.data) === String(right.data);
  }

  readonly #appliedSeen = new Map<NodeId, number>();
  readonly #committedSeen = new Map<NodeId, number>();

  #checkComplete(leader: NodeId): void {
    const { log } = this.cluster.node(leader);
    const newest = this.#chosen.at(-1);
    if (newest === undefined || newest.epoch.round > (this.#termOf(leader) ?? 0)) return;
    const held = log.epochAt(newest.index)?.round;
    assert(held === newest.epoch.round, `leader ${leader} lacks committed entry ${newest.index}`);
  }

  #termOf(id: NodeId): number | undefined {
    return this.cluster.nodes.get(id)?.core.status().epoch.round;
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

  #below(count: number): number {
    return Math.floor((this.#random.u32() / 2 ** 32) * count);
  }
}

function entryAt(log: MemoryLog, index: number): Entry | undefined {
  const slice = log.slice(index as LogIndex, (index + 1) as LogIndex, 1);
  return typeof slice === "string" ? undefined : slice[0];
}

function walkAll<M extends { readonly kind: string }>(
  protocol: "raft" | "paxos",
  create: ConsensusFactory<M>,
): void {
  let applied = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const walk = new Walk(protocol, create, seed);
    try {
      for (let at = 0; at < STEPS; at += 1) walk.step();
      walk.settle();
    } catch (cause) {
      const story = walk.cluster.takeTrace().slice(-40).join("\n");
      throw new Error(`seed ${seed}\n${story}`, { cause });
    }
    applied += walk.applied;
  }
  expect(applied).toBeGreaterThan(SEEDS);
}

test("random walks over Raft keep the properties of Raft Fig. 3 and then make progress", () => {
  walkAll("raft", createRaft);
});

test("random walks over Paxos choose one value a slot and then make progress", () => {
  walkAll("paxos", createPaxos);
});
