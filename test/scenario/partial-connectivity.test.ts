// Links that fail one by one (scenarios 10, 11 and 13), on both cores: who leads, for how long, and the one case
// in which plain Raft with pre-vote and check-quorum finds no leader although a node reaches a quorum.
import { describe, expect, test } from "@jest/globals";
import type { LogIndex, NodeId } from "../../base/index.ts";
import type { ConsensusFactory } from "../../consensus/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import { Cluster } from "./cluster.ts";
import { SCENARIO_OPTIONS } from "./script.ts";

const TIMEOUT_MS = SCENARIO_OPTIONS.electionTimeoutMs;

class Fleet<M extends { readonly kind: string }> {
  readonly cluster: Cluster<M>;
  readonly ids: readonly NodeId[];

  constructor(create: ConsensusFactory<M>, ids: readonly number[]) {
    this.ids = ids as NodeId[];
    const index = 0 as LogIndex;
    const membership = { index, incoming: this.ids, learners: [], leaseMs: 1000 };
    this.cluster = new Cluster({ create, options: SCENARIO_OPTIONS, membership });
  }

  run(ms: number): void {
    this.cluster.pass(ms, this.ids);
  }

  /** Waits until `id` is the one that leads, making the others deaf until then. */
  lead(id: number): void {
    for (const other of this.ids) if (other !== id) this.#cutAll(other);
    const heal = (): void => this.cluster.cuts.clear();
    this.run(2 * TIMEOUT_MS);
    heal();
    this.cluster.elapse(2 * TIMEOUT_MS, this.ids);
    this.cluster.tick(id);
    this.cluster.stabilize(this.ids);
    expect(this.leaders()).toEqual([id]);
  }

  link(left: number, right: number, up: boolean): void {
    for (const way of [`${left}->${right}`, `${right}->${left}`]) {
      if (up) this.cluster.cuts.delete(way);
      else this.cluster.cuts.add(way);
    }
  }

  /** Only links to `hub` are up. */
  star(hub: number): void {
    for (const left of this.ids) {
      for (const right of this.ids) {
        if (left !== right && left !== hub && right !== hub) this.link(left, right, false);
      }
    }
  }

  /** Each node reaches its neighbours alone. */
  chain(): void {
    for (const left of this.ids) {
      for (const right of this.ids) if (left < right - 1) this.link(left, right, false);
    }
  }

  leaders(): readonly NodeId[] {
    return this.ids.filter((id) => this.cluster.node(id).core.status().role === "leader");
  }

  /** Of the highest epoch. */
  round(): number {
    return Math.max(...this.ids.map((id) => this.cluster.node(id).core.status().epoch.round));
  }

  commits(text: string): boolean {
    const [leader] = this.leaders();
    if (leader === undefined) return false;
    const before = this.cluster.node(leader).core.status().committed;
    this.cluster.propose(leader, text);
    this.cluster.stabilize(this.ids);
    return this.cluster.node(leader).core.status().committed > before;
  }

  #cutAll(id: number): void {
    for (const other of this.ids) if (other !== id) this.link(id, other, false);
  }
}

/** The tests that both protocols pass alike. */
function sharedTests<M extends { readonly kind: string }>(create: ConsensusFactory<M>): void {
  test("a follower that loses only its leader deposes nobody, for a minute (scenarios 10, 11 chained)", () => {
    const fleet = new Fleet(create, [1, 2, 3]);
    fleet.lead(1);
    const round = fleet.round();
    fleet.link(1, 3, false);
    fleet.run(60 * TIMEOUT_MS);
    expect(fleet.leaders()).toEqual([1]);
    expect(fleet.round()).toBe(round);
    expect(fleet.commits("x")).toBe(true);
  });

  test("so it is in a chain of five, whose middle leads (scenarios 10, 11 chained)", () => {
    const fleet = new Fleet(create, [1, 2, 3, 4, 5]);
    fleet.lead(3);
    const round = fleet.round();
    fleet.chain();
    fleet.link(3, 1, true);
    fleet.run(60 * TIMEOUT_MS);
    expect(fleet.leaders()).toEqual([3]);
    expect(fleet.round()).toBe(round);
    expect(fleet.commits("x")).toBe(true);
  });

  test("the one node that reaches a quorum leads within four timeouts (scenario 11, quorum loss)", () => {
    const fleet = new Fleet(create, [1, 2, 3, 4, 5]);
    fleet.lead(1);
    fleet.star(3);
    fleet.run(4 * TIMEOUT_MS);
    expect(fleet.leaders()).toEqual([3]);
    expect(fleet.commits("x")).toBe(true);
  });

  test("two nodes that campaign at once: one wins in the end and nothing is lost (scenario 13)", () => {
    const fleet = new Fleet(create, [1, 2, 3]);
    fleet.lead(1);
    expect(fleet.commits("x")).toBe(true);
    fleet.cluster.crash(1);
    fleet.cluster.elapse(2 * TIMEOUT_MS, [2, 3]);
    fleet.cluster.tick(2);
    fleet.cluster.tick(3);
    fleet.cluster.stabilize([2, 3]);
    fleet.run(4 * TIMEOUT_MS);
    const [leader] = fleet.leaders().filter((id) => id !== 1);
    expect(leader).toBeDefined();
    expect(fleet.cluster.node(leader ?? 0).applied.map(({ kind }) => kind)).toContain("command");
  });
}

/** Node 3 alone reaches a quorum, and lacks an entry that is committed; node 1, which led, reaches nobody. */
function constrained<M extends { readonly kind: string }>(create: ConsensusFactory<M>): Fleet<M> {
  const fleet = new Fleet(create, [1, 2, 3, 4, 5]);
  fleet.lead(1);
  for (const other of [1, 2, 4, 5]) fleet.link(3, other, false);
  expect(fleet.commits("x")).toBe(true);
  fleet.cluster.cuts.clear();
  fleet.star(3);
  for (const id of fleet.ids) fleet.link(1, id, false);
  return fleet;
}

describe("partial connectivity, Raft", () => {
  sharedTests(createRaft);

  // Raft 5.4.1 bars node 3, whose log is behind; and no other reaches a quorum.
  test("a node whose log is behind does not lead: the documented limit (scenario 11, constrained election)", () => {
    const fleet = constrained(createRaft);
    fleet.run(8 * TIMEOUT_MS);
    expect(fleet.leaders()).toEqual([]);
    fleet.cluster.cuts.clear();
    fleet.run(4 * TIMEOUT_MS);
    expect(fleet.commits("y")).toBe(true);
  });
});

describe("partial connectivity, Paxos", () => {
  sharedTests(createPaxos);

  // Phase 1 brings node 3 what it lacks: whoever reaches a quorum may lead.
  test("a node whose log is behind leads within four timeouts (scenario 11, constrained election)", () => {
    const fleet = constrained(createPaxos);
    fleet.run(4 * TIMEOUT_MS);
    expect(fleet.leaders()).toEqual([3]);
    expect(fleet.commits("y")).toBe(true);
    expect(fleet.cluster.node(3).applied.filter(({ kind }) => kind === "command")).toHaveLength(2);
  });
});
