// The client library on a real cluster: whom it asks in each mode, sessions across a lost leader, its own
// writes read from a learner.
import { afterAll, beforeAll, expect, describe, test } from "@jest/globals";
import { Client, op } from "../../client/index.ts";
import type { ReadMode, Role } from "../../client/index.ts";
import { Cluster, protocolsFor } from "./cluster.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 20_000;

describe.each(protocolsFor("paxos"))(
  "the client on three voters and a learner over %s",
  (protocol) => {
    let cluster: Cluster;
    let client: Client;

    beforeAll(async () => {
      cluster = await Cluster.start({ voters: 3, learners: 1, flags: ["--consensus", protocol] });
      await cluster.leader();
      // One endpoint: the others are found.
      const [first] = cluster.voters;
      client = new Client({ endpoints: [first?.endpoint ?? ""], deadlineMs: WAIT_MS_MAX });
      await client.put("k", "v");
    });

    afterAll(async () => {
      await client.close();
      await cluster.stop();
    });

    async function allKnown(): Promise<void> {
      await until("all members and their roles are known", WAIT_MS_MAX, async () => {
        await client.get("k", { mode: "local" });
        const roles = client.knownMembers().map(({ role }) => role);
        return roles.sort().join() === "follower,follower,leader,learner" ? true : undefined;
      });
    }

    test("from one endpoint it finds all members, the learner too", async () => {
      await allKnown();
      const addresses = client.knownMembers().map(({ address }) => address);
      expect(addresses.sort()).toEqual(cluster.members.map(({ endpoint }) => endpoint).sort());
    });

    test.each<[ReadMode, Role]>([
      ["quorum", "leader"],
      ["index", "leader"],
      ["lease", "leader"],
      ["follower", "follower"],
      ["learner", "learner"],
    ])("a %s read is asked of a %s, and proves itself", async (mode, role) => {
      await allKnown();
      const { proof, header, revision } = await client.get("k", { mode });
      expect(proof).toMatchObject({ asked: mode, used: mode, role, revision });
      expect(proof?.memberId).toBe(header.memberId);
    });

    test("a lease read is answered by the leader, whoever is asked", async () => {
      for (const { endpoint } of cluster.members) {
        const alone = new Client({ endpoints: [endpoint], discover: false });
        try {
          const { proof } = await alone.get("k", { mode: "lease", deadlineMs: WAIT_MS_MAX });
          expect(proof).toMatchObject({ asked: "lease", used: "lease", role: "leader" });
        } finally {
          await alone.close();
        }
      }
    });

    test("local reads are spread over all members", async () => {
      await allKnown();
      const asked = new Set<bigint>();
      for (let at = 0; at < 8; at += 1) {
        asked.add((await client.get("k", { mode: "local" })).header.memberId);
      }
      expect(asked.size).toBe(4);
    });

    test("a monotonic client reads its own writes from a learner, each time", async () => {
      const read = { mode: "learner" } as const;
      const endpoints = cluster.members.map(({ endpoint }) => endpoint);
      const own = new Client({ endpoints, monotonic: true, read });
      try {
        for (let at = 1; at <= 50; at += 1) {
          await own.put("own", String(at));
          const { kv, proof } = await own.get("own");
          expect(kv?.text()).toBe(String(at));
          expect(proof?.role).toBe("learner");
        }
      } finally {
        await own.close();
      }
    });

    test("misses are the server's to judge", async () => {
      const future = { minRevision: 1_000_000, mode: "learner" } as const;
      await expect(client.get("k", { ...future, onMiss: "fail" })).rejects.toMatchObject({
        code: "not-committed",
        outcome: "not-applied",
      });
      const waiting = { ...future, onMiss: "wait", deadlineMs: 2_000 } as const;
      await expect(client.get("k", waiting)).rejects.toMatchObject({ code: "not-committed" });
    });

    test("a thousand writes at once are each applied once", async () => {
      const counter = "counter";
      const puts = Array.from({ length: 1_000 }, () => client.put(counter, "x"));
      await Promise.all(puts);
      expect((await client.get(counter)).kv?.version).toBe(1_000);
    });

    test("the leader is killed under numbered writes: each is acknowledged, each applied once", async () => {
      const leader = await cluster.leader();
      const writers = Array.from({ length: 16 }, (_, at) => `w${at}`);
      const acknowledged = new Map(writers.map((writer) => [writer, 0]));
      let stopping = false;
      const running = writers.map(async (writer) => {
        while (!stopping) {
          await client.put(writer, "x");
          acknowledged.set(writer, (acknowledged.get(writer) ?? 0) + 1);
        }
      });
      const total = (): number => [...acknowledged.values()].reduce((sum, count) => sum + count, 0);
      await until("writes flow", WAIT_MS_MAX, () => (total() > 200 ? true : undefined));
      await leader.kill();
      const atKill = total();
      await until("writes flow again", WAIT_MS_MAX, () =>
        total() > atKill + 200 ? true : undefined,
      );
      stopping = true;
      await Promise.all(running);
      const { kvs } = await client.range({ prefix: "w" });
      for (const kv of kvs) expect(kv.version).toBe(acknowledged.get(kv.keyText()));
      expect(kvs).toHaveLength(writers.length);
      leader.start();
      await leader.ready();
    });

    test("a transaction is typed, and read-only ones write nothing", async () => {
      const { revision } = await client.put("t", "1");
      const read = await client.txn({ then: [op.get("t"), op.range({ prefix: "t" })] });
      if (!read.succeeded) throw new Error("a transaction without conditions succeeds");
      expect(read.results[0]?.text()).toBe("1");
      expect(read.revision).toBe(revision);
    });
  },
);
