// Three regions as processes: writes everywhere, a region that is killed and comes back, how far a write came, reads
// that ask other regions, tokens carried between regions (federation 3, 4, 13; scenarios 1, 31, 42).
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { policy } from "../federation/document.ts";
import { Cluster } from "./cluster.ts";
import { describeClients, policiesOfClients } from "./federation-clients.ts";
import { startWithFile } from "./federation-file.ts";
import { describeHandlers, handlersOfTests, policiesOfHandlers } from "./federation-handlers.ts";
import { describeHomes, homesOfTests, policiesOfHomes } from "./federation-homes.ts";
import { describeVerify, policiesOfVerify } from "./federation-verify.ts";
import { until } from "./until.ts";
import { bytes, WireClient } from "./wire-client.ts";

const DEADLINE_MS = 60_000;
const CALL_MS_MAX = 10_000;
const REGIONS = ["eu", "us", "ap"] as const;
type Name = (typeof REGIONS)[number];

/** `members`: of the first region; the others have one. */
export function describeRegions(members: number): void {
  describe(`three regions, the first of ${members}`, () => {
    const clusters = new Map<Name, Cluster>();
    const clients = new Map<Name, WireClient>();

    beforeAll(async () => {
      for (const name of REGIONS) {
        const flags = ["--region", name, "--initial-cluster-token", name];
        const voters = name === "eu" ? members : 1;
        clusters.set(name, await Cluster.plan({ voters, flags }));
      }
      const policies = [
        ...policiesOfHandlers(),
        policy("f/"),
        ...policiesOfHomes(),
        ...policiesOfClients(),
        ...policiesOfVerify(),
      ].sort(({ prefix: left }, { prefix: right }) => (left < right ? -1 : 1));
      const [homes, handlers] = [homesOfTests(), handlersOfTests()];
      await startWithFile(clusters, { policies, homes, handlers });
      for (const name of REGIONS) clients.set(name, new WireClient(memberOf(name).endpoint));
      for (const name of REGIONS)
        await until(`${name} is configured`, DEADLINE_MS, () => put(name, `f/at-${name}`, "1"));
    }, 2 * DEADLINE_MS);

    afterAll(async () => {
      for (const client of clients.values()) client.close();
      for (const cluster of clusters.values()) await cluster.stop();
    });

    function clusterOf(name: Name): Cluster {
      const cluster = clusters.get(name);
      if (cluster === undefined) throw new Error(`no region ${name}`);
      return cluster;
    }

    function memberOf(name: Name): Cluster["members"][number] {
      return clusterOf(name).member("n1");
    }

    function clientOf(name: Name): WireClient {
      const client = clients.get(name);
      if (client === undefined) throw new Error(`no client of ${name}`);
      return client;
    }

    function put(
      name: Name,
      key: string,
      value: string,
      writeRegions = 0,
      deadlineMs = CALL_MS_MAX,
    ) {
      const regions = writeRegions === 0 ? {} : { write_regions: writeRegions };
      return clientOf(name).put({ key: bytes(key), value: bytes(value), ...regions }, deadlineMs);
    }

    async function shown(name: Name): Promise<string> {
      const { kvs } = await clientOf(name).range(
        { key: bytes("f/"), range_end: bytes("f0") },
        CALL_MS_MAX,
      );
      const text = (part: Uint8Array | undefined | null): string =>
        Buffer.from(part ?? []).toString();
      return (kvs ?? []).map(({ key, value }) => `${text(key)}=${text(value)}`).join(" ");
    }

    /** All given regions show the same keys and values, so many of them. */
    async function converged(names: readonly Name[], count: number): Promise<string> {
      return until(`${names.join(", ")} show the same ${count} keys`, DEADLINE_MS, async () => {
        const views = await Promise.all(names.map(shown));
        const [first = ""] = views;
        const same = views.every((view) => view === first) && first.split(" ").length === count;
        return same ? first : undefined;
      });
    }

    test("what each writes all show; of concurrent writes to a key all show the same one", async () => {
      const rounds = Array.from({ length: 10 }, (_, at) => at);
      await Promise.all(
        REGIONS.flatMap((name) => rounds.map((at) => put(name, `f/${name}-${at}`, `${name}${at}`))),
      );
      await Promise.all(REGIONS.map((name) => put(name, "f/shared", name)));
      const view = await converged(REGIONS, 3 + 30 + 1);
      expect(view).toMatch(/f\/shared=(?:eu|us|ap)\b/);
    });

    test("a key outside of the federated prefix stays in its region", async () => {
      await put("eu", "local", "1");
      await put("eu", "f/after-local", "1");
      await converged(REGIONS, 35);
      const { count } = await clientOf("us").range({ key: bytes("local") }, CALL_MS_MAX);
      expect(Number(count ?? 0)).toBe(0);
      await expect(put("eu", "local", "2", 2)).rejects.toThrow(/federated prefixes/);
    });

    test(
      "a region is killed: the others go on, and it catches up; how far a write came is told",
      async () => {
        const away = memberOf("ap");
        await away.kill();
        const { header } = await put("eu", "f/without-ap", "1", 3, 3_000);
        expect(header?.regions).toMatchObject({ asked: 3, reached: 2, names: ["eu", "us"] });
        for (let at = 0; at < 20; at += 1) await put("us", `f/away-${at}`, String(at));
        await put("eu", "f/shared", "ap-away");
        await converged(["eu", "us"], 56);
        away.start();
        await away.ready();
        const view = await converged(REGIONS, 56);
        expect(view).toContain("f/shared=ap-away");
        const all = await until("a write reaches all three", DEADLINE_MS, async () => {
          const answer = await put("ap", "f/shared", "all", 3);
          return answer.header?.regions?.reached === 3 ? answer : undefined;
        });
        expect(all.header?.regions?.sloppy ?? false).toBe(false);
        await expect(put("eu", "f/four", "1", 4)).rejects.toThrow(/the federation has 3/);
      },
      2 * DEADLINE_MS,
    );

    if (members > 1)
      test(
        "a region's leader is killed: the next one pulls and is pulled from",
        async () => {
          const cluster = clusterOf("eu");
          const before = await converged(REGIONS, 56);
          const leader = await cluster.leader();
          await put("eu", "f/shared", "shipped-or-not");
          await leader.kill();
          const next = await cluster.leader();
          const client = new WireClient(next.endpoint);
          await client.put({ key: bytes("f/after-kill"), value: bytes("1") }, CALL_MS_MAX);
          await put("us", "f/for-the-next", "1");
          const views = await until(
            "what the next leader shows is everywhere",
            DEADLINE_MS,
            async () => {
              const asked = { key: bytes("f/"), range_end: bytes("f0") };
              const there = await client.range(asked, CALL_MS_MAX);
              const [us, ap] = [await shown("us"), await shown("ap")];
              return us === ap && us.split(" ").length === 58 && there.kvs?.length === 58
                ? us
                : undefined;
            },
          );
          client.close();
          expect(views).toContain("f/shared=shipped-or-not");
          expect(views).not.toBe(before);
          leader.start();
          await leader.ready();
        },
        2 * DEADLINE_MS,
      );

    test("W = 2 and R = 2 of three: what was acknowledged is read anywhere", async () => {
      for (let at = 0; at < 10; at += 1) {
        const { header } = await put("eu", "f/quorum", String(at), 2);
        expect(header?.regions?.reached).toBeGreaterThanOrEqual(2);
        const { kvs } = await clientOf("ap").range(
          { key: bytes("f/quorum"), read_regions: 2 },
          CALL_MS_MAX,
        );
        expect(Buffer.from(kvs?.[0]?.value ?? []).toString()).toBe(String(at));
      }
    });

    test("a client that carries its token sees in one region what it wrote in another", async () => {
      for (let at = 0; at < 10; at += 1) {
        const { header } = await put("us", "f/carried", String(at), 1);
        const token = header?.causal_token ?? new Uint8Array(0);
        expect(token.length).toBeGreaterThan(16);
        const answer = await clientOf("eu").range(
          { key: bytes("f/carried"), causal_token: token },
          CALL_MS_MAX,
        );
        expect(Buffer.from(answer.kvs?.[0]?.value ?? []).toString()).toBe(String(at));
        expect((answer.header?.causal_token ?? []).length).toBeGreaterThan(16);
      }
      const foreign = { key: bytes("f/carried"), causal_token: bytes("not a token") };
      await expect(clientOf("eu").range(foreign, CALL_MS_MAX)).rejects.toThrow(/causal token/);
    });

    describeHomes((name) => clusterOf(name as Name).member("n1").endpoint);
    describeHandlers((name) => clusterOf(name as Name).member("n1").endpoint);
    describeVerify((name) => clusterOf(name as Name).member("n1").endpoint);
    describeClients((name) => clusterOf(name as Name).member("n1").endpoint);
  });
}
