// The plan of a development cluster: ports, names, flags.
import { describe, expect, test } from "@jest/globals";
import { devIdentity, devMembers } from "./dev-plan.ts";
import { UsageError } from "./exit-code.ts";

const OPTIONS = { nodes: 3, learners: 1, consensus: "raft", dataDir: "/data" };

describe("devMembers", () => {
  test("three nodes and a learner on etcd's ports", () => {
    const seats = devMembers(OPTIONS).map(({ name, isLearner, clientPort, peerPort }) => ({
      name,
      isLearner,
      clientPort,
      peerPort,
    }));
    expect(seats).toEqual([
      { name: "n1", isLearner: false, clientPort: 2379, peerPort: 2380 },
      { name: "n2", isLearner: false, clientPort: 22379, peerPort: 22380 },
      { name: "n3", isLearner: false, clientPort: 32379, peerPort: 32380 },
      { name: "l1", isLearner: true, clientPort: 42379, peerPort: 42380 },
    ]);
  });

  test("every member is told of the same cluster, and of its own place in it", () => {
    const members = devMembers({ ...OPTIONS, basePort: 5000 });
    const valueOf = (at: number, flag: string): string | undefined => {
      const flags = members[at]?.flags ?? [];
      return flags[flags.indexOf(flag) + 1];
    };
    const cluster =
      "n1=http://127.0.0.1:5001,n2=http://127.0.0.1:5011,n3=http://127.0.0.1:5021,l1=http://127.0.0.1:5031";
    for (const at of [0, 1, 2, 3]) {
      expect(valueOf(at, "--initial-cluster")).toBe(cluster);
      expect(valueOf(at, "--initial-learners")).toBe("l1");
    }
    expect(valueOf(1, "--listen-client-urls")).toBe("http://127.0.0.1:5010");
    expect(valueOf(1, "--data-dir")).toBe("/data/n2");
  });

  test("a cluster without learners names none", () => {
    const [first] = devMembers({ ...OPTIONS, learners: 0 });
    expect(first?.flags).not.toContain("--initial-learners");
  });

  test.each([
    [{ nodes: 7, learners: 0 }, "give --base-port"],
    [{ basePort: 65_520 }, "lower --base-port"],
  ])("ports beyond the last are refused: %j", (change, advice) => {
    expect(() => devMembers({ ...OPTIONS, ...change })).toThrow(UsageError);
    expect(() => devMembers({ ...OPTIONS, ...change })).toThrow(advice);
  });
});

test("clusters of another shape are told apart, by everything but the folder", () => {
  const changes = [{}, { nodes: 1 }, { learners: 0 }, { consensus: "paxos" }, { basePort: 1 }];
  const identities = changes.map((change) => devIdentity({ ...OPTIONS, ...change }));
  expect(new Set(identities).size).toBe(changes.length);
  expect(devIdentity({ ...OPTIONS, dataDir: "/moved" })).toBe(identities[0]);
});
