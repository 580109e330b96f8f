// Ids against those that etcd 3.4.23 printed for the same clusters, and every way a list can be wrong.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { bootstrapCluster, clusterIdOf, hexId, memberIdOf } from "./cluster.ts";
import type { BootstrapRequest } from "./cluster.ts";

const three: BootstrapRequest = {
  name: "a",
  initialCluster:
    "a=http://127.0.0.1:24180,b=http://127.0.0.1:24280,c=http://127.0.0.1:24380,c=http://127.0.0.1:14380",
  initialAdvertisePeerUrls: ["http://127.0.0.1:24180"],
  initialLearners: [],
  token: "hansa-test",
  protocol: "raft",
  leaseMs: 1000,
};

function made(request: BootstrapRequest) {
  const result = bootstrapCluster(request);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.bootstrap;
}

function problems(change: Partial<BootstrapRequest>): string[] {
  const result = bootstrapCluster({ ...three, ...change });
  if (result.ok) throw new Error("expected issues");
  return result.issues.map(({ option, problem }) => `${option}: ${problem}`);
}

describe("ids", () => {
  test("three members have the ids that etcd 3.4.23 gives them", () => {
    const { clusterId, members } = made(three);
    expect(hexId(clusterId)).toBe("54f36c4536fc1563");
    expect(members.map(({ node, id, name }) => `${node} ${hexId(id)} ${name}`)).toEqual([
      "1 25620b0fa9cc8580 a",
      "2 b62eae754f30f6e0 b",
      "3 bf2018cbdeb4bcd6 c",
    ]);
  });

  test("etcd's default cluster has the ids that everybody knows", () => {
    const id = memberIdOf(["http://localhost:2380"], "etcd-cluster");
    expect(hexId(id)).toBe("8e9e05c52164694d");
    expect(hexId(clusterIdOf([id]))).toBe("cdf818194e3a8c32");
  });

  test("every member computes the same cluster, whatever the order of the list", () => {
    const parts = three.initialCluster.split(",");
    fc.assert(
      fc.property(fc.shuffledSubarray(parts, { minLength: parts.length }), (shuffled) => {
        const cluster = made({ ...three, initialCluster: shuffled.join(",") });
        expect(cluster).toEqual(made(three));
      }),
    );
  });
});

describe("the first configuration", () => {
  test("holds voters and learners by ordinal, at index 0, with the lease constant", () => {
    const { membership, self } = made({ ...three, initialLearners: ["b"], leaseMs: 750 });
    expect(membership).toMatchObject({ index: 0, incoming: [1, 3], learners: [2], leaseMs: 750 });
    expect(membership.roster?.nodeLast).toBe(3);
    expect(membership.roster?.members.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(self.node).toBe(1);
  });

  test("another token, learner, or lease constant gives every member another incarnation", () => {
    const incarnations = (change: Partial<BootstrapRequest>): bigint[] =>
      made({ ...three, ...change }).members.map((member) => member.incarnation);
    const all = [{}, { token: "other" }, { initialLearners: ["c"] }, { leaseMs: 999 }].flatMap(
      incarnations,
    );
    expect(new Set(all).size).toBe(all.length);
    expect(incarnations({})).toEqual(incarnations({}));
  });
});

describe("mistakes", () => {
  test("the own name is absent, in etcd's words", () => {
    expect(problems({ name: "x" })).toEqual([
      '--initial-cluster: couldn\'t find local name "x" (--name) in the initial cluster configuration',
    ]);
  });

  test("the own URLs differ from those advertised, in etcd's words", () => {
    expect(problems({ initialAdvertisePeerUrls: ["http://127.0.0.1:24181"] })).toEqual([
      "--initial-advertise-peer-urls: --initial-cluster has a=http://127.0.0.1:24180 but missing from --initial-advertise-peer-urls",
      "--initial-advertise-peer-urls: --initial-advertise-peer-urls has http://127.0.0.1:24181 but missing from --initial-cluster=a=http://127.0.0.1:24180",
    ]);
  });

  test("a URL is given twice, a part is no pair, a URL is none: all at once", () => {
    const initialCluster =
      "a=http://127.0.0.1:24180,b=http://127.0.0.1:24180,c,d=127.0.0.1:1,e=unix://h:1,f=http://h:1/x";
    expect(problems({ initialCluster })).toEqual([
      "--initial-cluster: initial cluster has duplicate url",
      "--initial-cluster: expected NAME=PEER-URL",
      "--initial-cluster: expected the peer URL as http(s)://host:port",
      "--initial-cluster: expected the peer URL as http(s)://host:port (members speak over the network: unix sockets are for clients)",
      "--initial-cluster: expected the peer URL as http(s)://host:port without a path",
    ]);
  });

  test("a learner is unknown, or nobody votes", () => {
    expect(problems({ initialLearners: ["x", "y"] })).toEqual([
      '--initial-learners: "x" is not in --initial-cluster',
      '--initial-learners: "y" is not in --initial-cluster',
    ]);
    expect(problems({ initialLearners: ["c", "b", "a"] })).toEqual([
      "--initial-learners: expected at least one member that votes",
    ]);
  });
});
