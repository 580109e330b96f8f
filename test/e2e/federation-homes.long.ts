// Homes that move while all write, by plan and by lease, on three regions and a directory of real processes
// (federation 12; federation scenarios 34 and 35). With `npm run e2e`: leases take seconds to end.
import { describe, expect, test } from "@jest/globals";
import { KvError } from "../../base/index.ts";
import { op, when } from "../../client/index.ts";
import { DEADLINE_MS, REGIONS, foundedForTests } from "./federation-processes.ts";
import type { RegionName } from "./federation-processes.ts";
import { until } from "./until.ts";
import { bytes } from "./wire-client.ts";

const LEASE_S = 3;
const REFUSED = "home-unreachable not-applied";

describe("a home that moves", () => {
  const regions = foundedForTests();

  /** Claims names until `done`, from one region; puts those that it was told are its own into `own`. */
  async function claim(name: RegionName, prefix: string, own: string[], done: () => boolean) {
    for (let number = 0; !done(); number += 1) {
      const key = `${prefix}${number}`;
      try {
        const claimed = { if: [when.missing(key)], then: [op.put(key, name)] };
        if ((await regions.at(name).txn(claimed)).succeeded) own.push(key);
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
      await regions.ordered("eu", { home: { prefix, region: "eu", elsewhere: "forward" } });
      await regions.settled();
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
        await regions.ordered("ap", { move_home: { prefix, to } });
        await until(`${to} is the home`, DEADLINE_MS, async () =>
          (await regions.homeOf("f/planned/", "ap"))?.region === to ? true : undefined,
        );
      }
      isOver = true;
      await Promise.all(claiming);
      const all = owned.flat();
      expect(new Set(all).size).toBe(all.length);
      expect(all.length).toBeGreaterThan(2);
      for (const name of REGIONS) {
        await until(`${name} shows every owner`, DEADLINE_MS, async () => {
          const { kvs } = await regions.at(name).range({ prefix: "f/planned/" });
          const owners = new Map(kvs.map((kv) => [kv.keyText(), kv.text()]));
          const isEvery = owned.every((keys, index) =>
            keys.every((key) => owners.get(key) === REGIONS[index]),
          );
          return isEvery || undefined;
        });
      }
      expect((await regions.homeOf("f/planned/", "eu"))?.taken).toBe(0);
    },
    3 * DEADLINE_MS,
  );

  test(
    "a leased home takes writes while the directory answers it, and none after (scenario 35)",
    async () => {
      const prefix = bytes("f/leased/");
      await regions.ordered("us", { home: { prefix, region: "us" } });
      await regions.ordered("us", {
        lease_home: { prefix, ttl_s: LEASE_S, heirs: ["us", "eu", "ap"] },
      });
      await regions.settled();
      await until("us holds its home", DEADLINE_MS, () =>
        regions.at("us").put("f/leased/a", "held"),
      );
      expect((await regions.at("ap").put("f/leased/a", "handed on")).header.home).toBe("us");
      regions.member("directory").signal("SIGSTOP");
      // What was under way when the lease ended is late; what comes then is refused.
      await until("us takes no more writes", DEADLINE_MS, async () => {
        const put = regions.at("us").put("f/leased/a", "alone", { attemptsMax: 1 });
        const { code, outcome } = await put.then(
          () => ({ code: "taken", outcome: "applied" }),
          (cause: unknown) => cause as KvError,
        );
        expect(["taken applied", "home-late unknown", REFUSED]).toContain(`${code} ${outcome}`);
        return `${code} ${outcome}` === REFUSED || undefined;
      });
      const elsewhere = await regions
        .at("ap")
        .put("f/leased/a", "alone", { attemptsMax: 1 })
        .catch((cause: unknown) => cause as KvError);
      expect(elsewhere).toMatchObject({ code: "home-unreachable", outcome: "not-applied" });
      regions.member("directory").signal("SIGCONT");
      await until("it takes them again", DEADLINE_MS, () =>
        regions.at("ap").put("f/leased/a", "again"),
      );
    },
    3 * DEADLINE_MS,
  );

  test(
    "its region is killed: the first heir that hears enough has it, and the old one hands on to it",
    async () => {
      const before = await regions.homeOf("f/leased/", "eu");
      const lost = before?.region as RegionName;
      const others = REGIONS.filter((name) => name !== lost);
      const [first] = others;
      if (first === undefined) throw new Error("no heir");
      await regions.at(lost).put("f/leased/kept", "1", { writeRegions: 2 });
      await regions.member(lost).kill();
      await until("an heir has the home, and takes writes", DEADLINE_MS, () =>
        regions.at(first).put("f/leased/b", "taken over"),
      );
      const home = await regions.homeOf("f/leased/", first);
      expect(others).toContain(home?.region);
      expect(home?.taken).toBeGreaterThan(before?.taken ?? 0);
      expect((await regions.at(first).get("f/leased/kept")).kv?.text()).toBe("1");
      regions.member(lost).start();
      await regions.member(lost).ready();
      const back = await until("the old home hands on", DEADLINE_MS, () =>
        regions.at(lost).put("f/leased/b", "from the old home"),
      );
      expect(back.header.home).toBe(home?.region);
      await until("all show it", DEADLINE_MS, async () => {
        const all = await Promise.all(REGIONS.map((name) => regions.at(name).get("f/leased/b")));
        return all.every(({ kv }) => kv?.text() === "from the old home") || undefined;
      });
    },
    3 * DEADLINE_MS,
  );
});
