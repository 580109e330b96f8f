// What users of the client library and of the command line do in a federation, on the regions that federation.test.ts
// has started: siblings and their contexts, kinds, how far writes came, conflicts, ids (federation 5, 9, 12, 13).
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client, KvError, op, operation, textFrom } from "../../client/index.ts";
import type { SettledConflict } from "../../client/index.ts";
import type { Policy } from "../../federation/index.ts";
import { policy } from "../federation/document.ts";
import { hansa as commandLine } from "../integration/cli-run.ts";
import { parseExposition } from "./exposition.ts";
import { metricsNamedIn, scraped } from "./scrape.ts";
import { until } from "./until.ts";

const DEADLINE_MS = 60_000;

/** Of the prefixes that these tests write to. */
export function policiesOfClients(): readonly Policy[] {
  const kinds = ["bounded-counter", "counter", "flag", "map", "register", "set"] as const;
  return [
    ...kinds.map((kind) => policy(`k/${kind}/`, { kind })),
    policy("s/", { policy: "siblings" }),
  ];
}

/** `endpointOf`: of the regions "eu", "us" and "ap". */
export function describeClients(endpointOf: (region: string) => string): void {
  describe("for its clients", () => {
    const clients = new Map<string, Client>();
    let [eu, us]: Client[] = [];

    beforeAll(() => {
      for (const region of ["eu", "us", "ap"]) {
        clients.set(region, new Client({ endpoints: [endpointOf(region)] }));
      }
      [eu, us] = [...clients.values()];
    });

    afterAll(async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
    });

    function at(region: "eu" | "us"): Client {
      const client = region === "eu" ? eu : us;
      if (client === undefined) throw new Error(`no client of ${region}`);
      return client;
    }

    async function hansa(...args: readonly string[]): Promise<string> {
      const { code, stdout, stderr } = await commandLine(endpointOf("eu"), args);
      expect([code, stderr]).toEqual([0, ""]);
      return stdout;
    }

    /** Writes of both that have not seen each other; once more, if one had seen the other's. */
    async function contested(key: string): Promise<void> {
      await until(`${key} has two siblings`, DEADLINE_MS, async () => {
        await Promise.all([at("eu").put(key, "from eu"), at("us").put(key, "from us")]);
        const shown = await until(`both show the same of ${key}`, DEADLINE_MS, async () => {
          const [ours, theirs] = await Promise.all([writersAt("eu", key), writersAt("us", key)]);
          return ours.join() === theirs.join() ? ours : undefined;
        });
        return shown.length === 2 || undefined;
      });
    }

    async function writersAt(region: "eu" | "us", key: string): Promise<readonly string[]> {
      const { siblings } = await at(region).get(key, { siblings: true });
      return siblings?.siblings.map(({ region: writer }) => writer) ?? [];
    }

    test("siblings are read with a context, and the write that carries it resolves them everywhere (scenario 3)", async () => {
      await contested("s/one");
      const { siblings, kv } = await at("eu").get("s/one", { siblings: true });
      expect(siblings?.policy).toBe("siblings");
      const values = siblings?.siblings.map(({ value }) => textFrom(value ?? new Uint8Array(0)));
      expect([...(values ?? [])].sort()).toEqual(["from eu", "from us"]);
      expect(values).toContain(kv?.text());
      expect(siblings?.siblings.map(({ region }) => region).sort()).toEqual(["eu", "us"]);
      const { conflicts } = await at("us").conflicts.open({ keys: { prefix: "s/" } });
      expect(conflicts.map(({ key }) => textFrom(key))).toEqual(["s/one"]);
      const metrics = await scraped(endpointOf("eu"));
      const open = 'hansa_federation_conflicts_open{prefix="s/",policy="siblings"} 1';
      expect(metrics.split("\n")).toContain(open);
      expect(metrics).toMatch(/hansa_federation_writes_lost_total\{prefix="s\/",[^}]*\} \d/);

      const context = siblings?.context ?? new Uint8Array(0);
      const answer = await at("eu").put("s/one", "both", {
        siblingContext: context,
        writeRegions: 3,
      });
      expect(answer.header.reach).toMatchObject({ outcome: "reached", asked: 3, reached: 3 });
      const there = await at("us").get("s/one", {
        siblings: true,
        causalToken: answer.header.causalToken ?? new Uint8Array(0),
      });
      expect(there.siblings?.siblings.map(({ value }) => textFrom(value ?? context))).toEqual([
        "both",
      ]);
      await expect(at("eu").get("not-federated", { siblings: true })).rejects.toMatchObject({
        code: "federation-refused",
      });
    });

    test("the record of a settled conflict is listed, and told as it grows, from a number on", async () => {
      const before = await at("us").conflicts.settled();
      const told: SettledConflict[] = [];
      const opened: string[] = [];
      const abort = new AbortController();
      const watching = (async () => {
        const asked = { keys: { prefix: "s/" }, from: before.next, open: true };
        const options = { ...asked, signal: abort.signal };
        for await (const { open, settled } of at("us").conflicts.watch(options)) {
          opened.push(...open.map(({ key }) => textFrom(key)));
          told.push(...settled);
        }
      })();
      await contested("s/two");
      await until("it is told of", DEADLINE_MS, () => opened.includes("s/two") || undefined);
      const { siblings } = await at("eu").get("s/two", { siblings: true });
      const context = siblings?.context ?? new Uint8Array(0);
      await at("eu").delete("s/two", { siblingContext: context });
      await until("the decision is told", DEADLINE_MS, () => told.length > 0 || undefined);
      abort.abort();
      await expect(watching).rejects.toMatchObject({ code: "cancelled" });
      const [one] = told;
      expect(one).toMatchObject({ region: "eu", decidedBy: "delete" });
      expect(one?.lost.map(({ region }) => region).sort()).toEqual(["eu", "us"]);
      const listed = await at("us").conflicts.settled({ from: one?.number ?? 0, limit: 1 });
      expect(listed.conflicts).toEqual([one]);
      expect(listed.next).toBe((one?.number ?? 0) + 1);
    });

    test("kinds: what regions do at the same time is kept, once each", async () => {
      const [counters, others] = [at("eu").kinds, at("us").kinds];
      const ten = Array.from({ length: 10 });
      await Promise.all(
        [counters, others].flatMap((kinds) => ten.map(() => kinds.counter("k/counter/n").add(3n))),
      );
      await counters.map("k/map/m").put({ a: "1" });
      await others.map("k/map/m").put({ b: "2" });
      await counters.set("k/set/s").add(["x", "y"]);
      await others.set("k/set/s").add(["z"]);
      await counters.flag("k/flag/f").enable();
      await counters.register("k/register/r").write("from eu");
      const last = await others.register("k/register/r").write("from us", { writeRegions: 1 });
      const seen = { causalToken: last.header.causalToken ?? new Uint8Array(0) };
      await until("both regions agree", DEADLINE_MS, async () => {
        const { value } = await others.counter("k/counter/n").get();
        const { elements } = await others.set("k/set/s").get();
        const { fields } = await others.map("k/map/m").get();
        const isAll = value === 60n && elements.size === 3 && fields.size === 2;
        return isAll || undefined;
      });
      const { elements } = await counters.set("k/set/s").get(seen);
      expect([...elements]).toEqual(["x", "y", "z"]);
      expect((await others.flag("k/flag/f").get()).enabled).toBe(true);
      const { values } = await counters.register("k/register/r").get(seen);
      expect(values.map((value) => textFrom(value))).toContain("from us");
      await expect(at("eu").put("k/counter/n", "5")).rejects.toThrow(/operated on and never put/);
      await expect(counters.flag("k/counter/n").enable()).rejects.toThrow(/counter.*flag/);
      await expect(counters.counter("not-federated").add(1n)).rejects.toBeInstanceOf(KvError);
    });

    test("a transaction operates and reads what it came to; a bounded counter keeps its rights", async () => {
      const answer = await at("eu").txn({
        then: [
          op.operate("k/counter/t", operation.addToCounter(7n)),
          op.get("k/counter/t"),
          op.operate("k/bounded-counter/b", operation.addToBoundedCounter(5n)),
        ],
      });
      expect(answer.succeeded && answer.results[1]?.text()).toBe("7");
      const bounded = at("eu").kinds.boundedCounter("k/bounded-counter/b");
      await bounded.transfer(2n, "us");
      await expect(bounded.take(4n)).rejects.toThrow(/right to 3, less than the 4/);
      const taken = await bounded.take(3n, { writeRegions: 2 });
      expect(taken.header.reach?.reached).toBeGreaterThanOrEqual(2);
      const there = at("us").kinds.boundedCounter("k/bounded-counter/b");
      const seen = { causalToken: taken.header.causalToken ?? new Uint8Array(0) };
      expect(await there.get(seen)).toMatchObject({ value: 2n, rights: 2n });
      await expect(bounded.transfer(1n, "nowhere")).rejects.toThrow(/no region is named "nowhere"/);
    });

    test("ids of regions that do not ask each other are never the same", async () => {
      const [mine, theirs] = await Promise.all([
        at("eu").ids.allocate(1_000),
        at("us").ids.allocate(1_000),
      ]);
      const ids = [...mine.ids, ...theirs.ids, ...(await at("eu").ids.allocate(1)).ids];
      expect(new Set(ids).size).toBe(2_001);
      expect([...mine.ids].sort((left, right) => (left < right ? -1 : 1))).toEqual(mine.ids);
      expect((ids.at(-1) ?? 0n) > (mine.ids.at(-1) ?? 0n)).toBe(true);
      await expect(at("eu").ids.allocate(65_537)).rejects.toMatchObject({
        code: "invalid-argument",
      });
    });

    test("alerts and the guide speak of metrics that are there", async () => {
      const known = parseExposition(await scraped(endpointOf("eu")));
      const missing = (path: string): readonly string[] => {
        const names = metricsNamedIn(path, "Regions that pull from each other");
        expect(names.length).toBeGreaterThan(8);
        return names.filter((name) => !known.has(name));
      };
      expect(missing("deploy/monitoring/prometheus-rules-federation.yaml")).toEqual([]);
      expect(missing("deploy/monitoring/grafana-federation.json")).toEqual([]);
      expect(missing("docs/operations.md")).toEqual([]);
    });

    test("the same by the command line", async () => {
      expect(await hansa("put", "f/cli", "1", "--write-regions", "2")).toMatch(
        /^OK\n\d of 2 regions asked for have it: (?:eu|us|ap)/,
      );
      const put = await hansa("put", "f/cli", "2", "--write-regions", "1", "-w", "json");
      const [, token = ""] = /"causal_token":"([^"]+)"/.exec(put) ?? [];
      expect(await hansa("get", "f/cli", "--causal-token", token)).toBe("f/cli\n2\n");
      expect(await hansa("kind", "counter", "add", "k/counter/cli", "5")).toBe("OK\n");
      expect(await hansa("kind", "counter", "add", "k/counter/cli", "--", "-2")).toBe("OK\n");
      expect(await hansa("get", "k/counter/cli", "--print-value-only")).toBe("3\n");
      expect(await hansa("ids", "--count", "2")).toMatch(/^\d+\n\d+\n$/);
      await contested("s/cli");
      expect(await hansa("conflicts", "list")).toContain("s/cli");
      const shown = await hansa("conflicts", "show", "s/cli");
      expect(shown).toContain("from eu");
      await hansa("conflicts", "resolve", "s/cli", "--value", "settled");
      expect(await hansa("get", "s/cli", "--print-value-only")).toBe("settled\n");
      expect(await hansa("conflicts", "list", "--settled")).toContain("s/cli");
    });
  });
}
