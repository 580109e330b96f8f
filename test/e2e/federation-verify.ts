// Regions that compare what they keep, asked of any member, and keys that end with a lease of the region that put them, on
// the regions that federation.test.ts has started (federation 15, 17; scenarios 24, 29 and 30).
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client, KvError } from "../../client/index.ts";
import type { Policy } from "../../federation/index.ts";
import { policy } from "../federation/document.ts";
import { hansa } from "../integration/cli-run.ts";
import { QueueClient } from "./queue-client.ts";
import { until } from "./until.ts";

const DEADLINE_MS = 60_000;
const CALL = { deadlineMs: 20_000 };
const REGIONS = ["eu", "us", "ap"] as const;
const KEYS = 60;

export function policiesOfVerify(): readonly Policy[] {
  return [policy("owned/", { ttl: "owner" }), policy("sound/")];
}

/** `endpointOf`: of the regions "eu", "us" and "ap". */
export function describeVerify(endpointOf: (region: string) => string): void {
  describe("compared with each other", () => {
    const clients = new Map<string, Client>();

    beforeAll(() => {
      for (const name of REGIONS) {
        clients.set(name, new Client({ endpoints: [endpointOf(name)] }));
      }
    });

    afterAll(async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
    });

    function clientOf(name: string): Client {
      const client = clients.get(name);
      if (client === undefined) throw new Error(`no client of ${name}`);
      return client;
    }

    test(
      "regions that are being written find nothing, and are equal once they are not",
      async () => {
        let writing = true;
        const writes = REGIONS.map(async (name) => {
          for (let at = 0; writing || at < KEYS; at += 1) {
            await clientOf(name).put(`sound/${at % KEYS}`, `${name}${at}`);
          }
        });
        const damaged: unknown[] = [];
        // A way to a region that was away may still be found anew.
        const underWay = await until("us has compared with both", DEADLINE_MS, async () => {
          const { keys, neighbours } = await clientOf("us").federation.verify({}, CALL);
          damaged.push(...keys);
          const outcomes = neighbours.map(({ outcome }) => outcome);
          return outcomes.includes("unreached") ? undefined : outcomes;
        }).finally(() => {
          writing = false;
        });
        await Promise.all(writes);
        expect(damaged).toEqual([]);
        expect(underWay).toHaveLength(2);
        for (const outcome of underWay) expect(["equal", "moving"]).toContain(outcome);
        await until("all regions are equal", DEADLINE_MS, async () => {
          const { region, neighbours, keys } = await clientOf("eu").federation.verify({}, CALL);
          expect([region, keys]).toEqual(["eu", []]);
          const areEqual = neighbours.every(({ outcome }) => outcome === "equal");
          return (neighbours.length === 2 && areEqual) || undefined;
        });
      },
      2 * DEADLINE_MS,
    );

    test("the same by the command line, for people, for scripts, and as an exit code", async () => {
      // What the tests before it wrote may still be settled meanwhile.
      await until("the command line says that all are equal", DEADLINE_MS, async () => {
        const { code, stdout } = await hansa(endpointOf("ap"), ["federation", "verify"]);
        expect(code).toBe(0);
        return stdout === "ap and eu: equal\nap and us: equal\n" || undefined;
      });
      const args = ["federation", "verify", "--check-only", "-w", "json"];
      const json = JSON.parse((await hansa(endpointOf("us"), args)).stdout) as unknown;
      expect(json).toMatchObject({ region: "us", keys: [], more: false });
    });

    test("a region that is none is refused by name as a source", async () => {
      const verified = clientOf("ap").federation.verify({ source: "mars" }, CALL);
      await expect(verified).rejects.toThrow(KvError);
      await expect(verified).rejects.toThrow("no region of the federation is named mars");
    });

    test("a lock and an election of a federated prefix are refused by name (trap 14)", async () => {
      const queue = new QueueClient(endpointOf("eu"));
      const why = /"owned\/turn" is of a federated prefix/;
      await expect(queue.lock("owned/turn", 0n)).rejects.toThrow(why);
      await expect(queue.campaign("owned/turn", 0n, "me")).rejects.toThrow(why);
      queue.close();
    });

    test("a key ends with the lease of the region that put it, everywhere (scenario 24)", async () => {
      const { id } = await clientOf("eu").leases.grant(60);
      await clientOf("eu").put("owned/a", "1", { lease: id });
      await until("others have it", DEADLINE_MS, async () => {
        const { kv } = await clientOf("us").get("owned/a");
        return kv?.lease === 0n || undefined;
      });
      await clientOf("eu").leases.revoke(id);
      for (const name of REGIONS) {
        await until(`${name} has it no more`, DEADLINE_MS, async () => {
          const { kv } = await clientOf(name).get("owned/a");
          return kv === undefined || undefined;
        });
      }
    });
  });
}
