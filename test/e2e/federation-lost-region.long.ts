// A region is lost, on three regions and a directory of real processes: its home moves without it and keeps what two
// regions acknowledged (federation 12, scenario 34), and nobody parts it but the federation itself (federation 10). With `npm run e2e`.
import { describe, expect, test } from "@jest/globals";
import { op, when } from "../../client/index.ts";
import { DEADLINE_MS, REGIONS, foundedForTests } from "./federation-processes.ts";
import type { RegionName } from "./federation-processes.ts";
import { until } from "./until.ts";
import { bytes } from "./wire-client.ts";

const CLAIMS = 20;
/** The shortest there is. */
const AWAY_S = 10;

describe("a region that is lost", () => {
  const regions = foundedForTests();

  function claim(name: RegionName, key: string, writeRegions: number) {
    const claimed = { if: [when.missing(key)], then: [op.put(key, name)] };
    return regions.at(name).txn(claimed, { writeRegions });
  }

  test(
    "a stand-in outside of the placement has its writes meanwhile, and hands them on (scenarios 31 and 32)",
    async () => {
      const prefix = bytes("f/placed/");
      await regions.ordered("eu", { placement: { prefix, regions: ["ap", "eu"] } });
      await regions.settled();
      regions.member("ap").signal("SIGSTOP");
      const { header } = await regions.at("eu").put("f/placed/a", "1", { writeRegions: 2 });
      expect(header.reach).toMatchObject({ reached: 2, sloppy: true, names: ["eu", "us"] });
      // The stand-in is none of the regions whose word counts for a read, though it is the one that is asked.
      const read = { readRegions: 2, deadlineMs: 2_000 };
      const alone = regions.at("us").get("f/placed/a", read);
      await expect(alone).rejects.toMatchObject({ code: "regions-not-reached" });
      regions.member("ap").signal("SIGCONT");
      const seen = await until("the placement answers", DEADLINE_MS, () =>
        regions.at("us").get("f/placed/a", read),
      );
      expect(seen.kv?.text()).toBe("1");
      await until("ap has what it was kept for", DEADLINE_MS, async () => {
        const { kv } = await regions.at("ap").get("f/placed/a", { mode: "local" });
        return kv?.text() === "1" || undefined;
      });
    },
    2 * DEADLINE_MS,
  );

  test(
    "its home moves to a region that has to hear first of what another one acknowledged (scenario 34)",
    async () => {
      const prefix = bytes("f/claims/");
      await regions.ordered("eu", { home: { prefix, region: "eu" } });
      await regions.settled();
      await until("eu takes claims", DEADLINE_MS, () => claim("eu", "f/claims/first", 2));
      regions.member("ap").signal("SIGSTOP");
      for (let at = 0; at < CLAIMS; at += 1) {
        const { succeeded, header } = await claim("eu", `f/claims/${at}`, 2);
        expect([succeeded, header.reach?.reached]).toEqual([true, 2]);
      }
      await regions.member("eu").kill();
      regions.member("ap").signal("SIGCONT");
      await regions.ordered("us", { move_home: { prefix, to: "ap", unplanned: true } });
      const home = await until("ap is the home", DEADLINE_MS, async () => {
        const found = await regions.homeOf("f/claims/", "us");
        return found?.region === "ap" ? found : undefined;
      });
      expect(home).toMatchObject({ taken: 1, unplanned: false, movingTo: "" });
      await until("ap takes writes", DEADLINE_MS, () => claim("ap", "f/claims/next", 1));
      for (let at = 0; at < CLAIMS; at += 1) {
        const { succeeded } = await claim("ap", `f/claims/${at}`, 1);
        expect(succeeded).toBe(false);
      }
      const { kvs } = await regions.at("ap").range({ prefix: "f/claims/" });
      expect(kvs.filter((kv) => kv.text() === "eu")).toHaveLength(CLAIMS + 1);
    },
    3 * DEADLINE_MS,
  );

  test(
    "comes back, and hands on",
    async () => {
      regions.member("eu").start();
      await regions.member("eu").ready();
      const back = await until("eu hands on", DEADLINE_MS, () =>
        regions.at("eu").put("f/claims/back", "1"),
      );
      expect(back.header.home).toBe("ap");
    },
    2 * DEADLINE_MS,
  );

  test(
    "is parted by nobody's command, once nobody hears of it",
    async () => {
      await regions.ordered("us", { auto_part: { after_s: AWAY_S } });
      await regions.settled();
      const standing = async (): Promise<readonly string[]> => {
        const { regions: all } = await regions.at("us").federation.status();
        return all.map(({ name, standing: now }) => `${name} ${now}`).sort();
      };
      const { autoPart } = await regions.at("ap").federation.status();
      expect(autoPart).toEqual({ afterS: AWAY_S, bytes: 0 });
      expect(await standing()).toEqual(["ap live", "eu live", "us live"]);
      await regions.member("eu").kill();
      await until("eu is parted", DEADLINE_MS, async () => {
        const now = await standing();
        return now.includes("eu parted") ? now : undefined;
      });
      expect(await standing()).toEqual(["ap live", "eu parted", "us live"]);
      for (const name of REGIONS.filter((one) => one !== "eu")) {
        await regions.at(name).put(`f/after/${name}`, "1", { writeRegions: 2 });
      }
    },
    3 * DEADLINE_MS,
  );
});
