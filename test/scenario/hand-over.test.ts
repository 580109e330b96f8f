// To whom a leader that stops hands over: the voter that is alive and holds most, so that it leads with the least
// delay (scenario 85). A core that leads, and the desk that asks it.
import { expect, test } from "@jest/globals";
import type { LogIndex, MemberId, MonotonicMs, NodeId } from "../../base/index.ts";
import type { ConsensusFactory, MemberRow, Membership } from "../../consensus/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import { MembershipDesk } from "../../server/membership-desk.ts";
import { Cluster } from "./cluster.ts";
import { SCENARIO_OPTIONS } from "./script.ts";

const VOTERS = [1, 2, 3, 4] as NodeId[];
const LEARNER = 5 as NodeId;
const ALL = [...VOTERS, LEARNER];

function row(node: NodeId): MemberRow {
  const id = BigInt(100 + node) as MemberId;
  return { node, id, incarnation: 1n, name: "", peerUrls: [], clientUrls: [], votesNext: false };
}

/** Node 1 leads. Node 2 is alive and lacks the last entry, node 3 is dead, 4 holds all, 5 too but has no vote. */
function uneven<M extends { readonly kind: string }>(create: ConsensusFactory<M>): Cluster<M> {
  const membership: Membership = {
    index: 0 as LogIndex,
    incoming: VOTERS,
    learners: [LEARNER],
    leaseMs: 1000,
    roster: { nodeLast: LEARNER, members: ALL.map(row) },
  };
  const cluster = new Cluster({ create, options: SCENARIO_OPTIONS, membership });
  cluster.elapse(2 * SCENARIO_OPTIONS.electionTimeoutMs, ALL);
  cluster.tick(1);
  cluster.stabilize(ALL);
  cluster.crash(3);
  cluster.pass(SCENARIO_OPTIONS.electionTimeoutMs, [1, 2, 4, 5]);
  cluster.cuts.add("1->2");
  cluster.propose(1, "a");
  cluster.stabilize(ALL);
  cluster.cuts.clear();
  expect(cluster.node(4).applied).toHaveLength(cluster.node(1).applied.length);
  expect(cluster.node(2).log.last()).toBeLessThan(cluster.node(4).log.last());
  return cluster;
}

function handsOverToWhoHoldsMost<M extends { readonly kind: string }>(
  create: ConsensusFactory<M>,
): void {
  const cluster = uneven(create);
  const node = cluster.node(1);
  expect(node.core.status().role).toBe("leader");
  const desk = new MembershipDesk({
    replica: {
      id: node.id,
      now: () => node.now,
      status: () => node.core.status(),
      peers: () => node.core.peers(),
      proposeConfig: (wish, expected) => node.core.proposeConfig(wish, expected, node.now),
      transferTo: (target) => node.core.transferTo(target, node.now),
    },
    electionTimeoutMs: SCENARIO_OPTIONS.electionTimeoutMs,
    rules: { strict: true, learnersMax: 1 },
  });
  const ended: unknown[] = [];
  const deadlineAtMs = (node.now + 5_000) as MonotonicMs;
  expect(desk.handOver(deadlineAtMs, (result) => ended.push(result))).toBe(true);
  expect(node.core.status().transferee).toBe(4);
  cluster.act(1, () => undefined);
  cluster.stabilize(ALL);
  desk.poll();
  expect(ended).toEqual([{ ok: true }]);
  expect(cluster.node(4).core.status().role).toBe("leader");
}

test("a Raft leader hands over to the voter that holds most (scenario 85)", () => {
  handsOverToWhoHoldsMost(createRaft);
});

test("a Paxos leader hands over to the voter that holds most (scenario 85)", () => {
  handsOverToWhoHoldsMost(createPaxos);
});
