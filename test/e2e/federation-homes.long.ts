// Homes that move while all write, by plan and by lease, on three regions and a directory of real processes
// (federation 12; federation scenarios 34 and 35). With `npm run e2e`: leases take seconds to end.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { KvError } from "../../base/index.ts";
import { Client, op, textFrom, when } from "../../client/index.ts";
import type { FederationCommand, FederationHome } from "../../client/index.ts";
import { Cluster } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { until } from "./until.ts";
import { bytes } from "./wire-client.ts";

const DEADLINE_MS = 60_000;
const REGIONS = ["eu", "us", "ap"] as const;
type Name = (typeof REGIONS)[number];
const LEASE_S = 3;
const REFUSED = "home-unreachable not-applied";

describe("a home that moves", () => {
  const clusters = new Map<string, Cluster>();
  const clients = new Map<string, Client>();

  beforeAll(async () => {
    const flags = ["--initial-cluster-token", "directory"];
    const directory = await Cluster.start({ voters: 1, flags });
    clusters.set("directory", directory);
    const told = ["--federation-directory-endpoints", directory.endpoints];
    const starts = REGIONS.map(async (name) => {
      const named = ["--region", name, "--initial-cluster-token", name];
      clusters.set(name, await Cluster.start({ voters: 1, flags: [...named, ...told] }));
      const { endpoint } = memberOf(name);
      clients.set(name, new Client({ endpoints: [endpoint], writes: "never", deadlineMs: 5_000 }));
    });
    await Promise.all(starts);
    for (const [at, name] of REGIONS.entries()) {
      const endpoints = [memberOf(name).peerUrl.replace("http://", "")];
      await ordered(name, at === 0 ? { init: { endpoints } } : { join: { endpoints } });
    }
    const prefix = bytes("f/");
    await ordered("eu", { policy: { prefix, policy: "lww" } });
    for (const name of REGIONS) {
      await until(`${name} writes`, DEADLINE_MS, () => at(name).put(`f/at/${name}`, "1"));
    }
  }, 3 * DEADLINE_MS);

  afterAll(async () => {
    memberOf("directory").signal("SIGCONT");
    await Promise.all([...clients.values()].map((client) => client.close()));
    for (const cluster of clusters.values()) await cluster.stop();
  });

  function memberOf(name: string): MemberProcess {
    const member = clusters.get(name)?.members[0];
    if (member === undefined) throw new Error(`no group ${name}`);
    return member;
  }

  function at(name: Name): Client {
    const client = clients.get(name);
    if (client === undefined) throw new Error(`no client of ${name}`);
    return client;
  }

  /** Regions come up one after the other: a command is given until it is taken. */
  function ordered(name: Name, command: FederationCommand): Promise<unknown> {
    const what = `${name} takes ${JSON.stringify(Object.keys(command))}`;
    return until(what, DEADLINE_MS, () => at(name).federation.change(command));
  }

  async function homeOf(prefix: string, name: Name): Promise<FederationHome | undefined> {
    const { homes } = await at(name).federation.status();
    return homes.find((home) => textFrom(home.prefix) === prefix);
  }

  /** Every region has logged what the directory says. */
  async function settled(): Promise<void> {
    for (const name of REGIONS) {
      await until(`${name} has logged the latest document`, DEADLINE_MS, async () => {
        const { epoch, regionEpoch } = await at(name).federation.status();
        return epoch === regionEpoch || undefined;
      });
    }
  }

  /** Claims names until `done`, from one region; puts those that it was told are its own into `own`. */
  async function claim(name: Name, prefix: string, own: string[], done: () => boolean) {
    for (let number = 0; !done(); number += 1) {
      const key = `${prefix}${number}`;
      try {
        const claimed = { if: [when.missing(key)], then: [op.put(key, name)] };
        if ((await at(name).txn(claimed)).succeeded) own.push(key);
      } catch (cause) {
        if (!(cause instanceof KvError) || cause.outcome === "applied") throw cause;
        if (cause.outcome === "not-applied") number -= 1;
      }
    }
  }

  test(
    "a planned move under traffic: every claim has one owner, and none is lost (scenario 34)",
    async () => {
      const prefix = bytes("f/planned/");
      await ordered("eu", { home: { prefix, region: "eu", elsewhere: "forward" } });
      await settled();
      let isOver = false;
      const owned = REGIONS.map((): string[] => []);
      const claiming = REGIONS.map((name, index) =>
        claim(name, "f/planned/", owned[index] ?? [], () => isOver),
      );
      for (const to of ["us", "ap", "eu"]) {
        const before = owned.flat().length;
        await until(
          "claims are made",
          DEADLINE_MS,
          () => owned.flat().length > before || undefined,
        );
        await ordered("ap", { move_home: { prefix, to } });
        await until(`${to} is the home`, DEADLINE_MS, async () =>
          (await homeOf("f/planned/", "ap"))?.region === to ? true : undefined,
        );
      }
      isOver = true;
      await Promise.all(claiming);
      const all = owned.flat();
      expect(new Set(all).size).toBe(all.length);
      expect(all.length).toBeGreaterThan(2);
      for (const name of REGIONS) {
        await until(`${name} shows every owner`, DEADLINE_MS, async () => {
          const { kvs } = await at(name).range({ prefix: "f/planned/" });
          const owners = new Map(kvs.map((kv) => [kv.keyText(), kv.text()]));
          const isEvery = owned.every((keys, index) =>
            keys.every((key) => owners.get(key) === REGIONS[index]),
          );
          return isEvery || undefined;
        });
      }
      expect((await homeOf("f/planned/", "eu"))?.taken).toBe(0);
    },
    3 * DEADLINE_MS,
  );

  test(
    "a leased home takes writes while the directory answers it, and none after (scenario 35)",
    async () => {
      const prefix = bytes("f/leased/");
      await ordered("us", { home: { prefix, region: "us" } });
      await ordered("us", { lease_home: { prefix, ttl_s: LEASE_S, heirs: ["us", "eu", "ap"] } });
      await settled();
      await until("us holds its home", DEADLINE_MS, () => at("us").put("f/leased/a", "held"));
      expect((await at("ap").put("f/leased/a", "handed on")).header.home).toBe("us");
      memberOf("directory").signal("SIGSTOP");
      // What was under way when the lease ended is late; what comes then is refused.
      await until("us takes no more writes", DEADLINE_MS, async () => {
        const put = at("us").put("f/leased/a", "alone", { attemptsMax: 1 });
        const { code, outcome } = await put.then(
          () => ({ code: "taken", outcome: "applied" }),
          (cause: unknown) => cause as KvError,
        );
        expect(["taken applied", "home-late unknown", REFUSED]).toContain(`${code} ${outcome}`);
        return `${code} ${outcome}` === REFUSED || undefined;
      });
      const elsewhere = await at("ap")
        .put("f/leased/a", "alone", { attemptsMax: 1 })
        .catch((cause: unknown) => cause as KvError);
      expect(elsewhere).toMatchObject({ code: "home-unreachable", outcome: "not-applied" });
      memberOf("directory").signal("SIGCONT");
      await until("it takes them again", DEADLINE_MS, () => at("ap").put("f/leased/a", "again"));
    },
    3 * DEADLINE_MS,
  );

  test(
    "its region is killed: the first heir that hears enough has it, and the old one hands on to it",
    async () => {
      const before = await homeOf("f/leased/", "eu");
      const lost = before?.region as Name;
      const others = REGIONS.filter((name) => name !== lost);
      const [first] = others;
      if (first === undefined) throw new Error("no heir");
      await at(lost).put("f/leased/kept", "1", { writeRegions: 2 });
      await memberOf(lost).kill();
      await until("an heir has the home, and takes writes", DEADLINE_MS, () =>
        at(first).put("f/leased/b", "taken over"),
      );
      const home = await homeOf("f/leased/", first);
      expect(others).toContain(home?.region);
      expect(home?.taken).toBeGreaterThan(before?.taken ?? 0);
      expect((await at(first).get("f/leased/kept")).kv?.text()).toBe("1");
      memberOf(lost).start();
      await memberOf(lost).ready();
      const back = await until("the old home hands on", DEADLINE_MS, () =>
        at(lost).put("f/leased/b", "from the old home"),
      );
      expect(back.header.home).toBe(home?.region);
      await until("all show it", DEADLINE_MS, async () => {
        const all = await Promise.all(REGIONS.map((name) => at(name).get("f/leased/b")));
        return all.every(({ kv }) => kv?.text() === "from the old home") || undefined;
      });
    },
    3 * DEADLINE_MS,
  );
});
