// Writes whose keys have their home in another region, on the regions that federation.test.ts has started: they are
// handed on, once, and answered when they are here too (federation 12; scenario 41, traps 13 and 19).
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { keyOf } from "../../base/index.ts";
import type { KvError } from "../../base/index.ts";
import { Client, op, textFrom, when } from "../../client/index.ts";
import type { Home, Policy } from "../../federation/index.ts";
import type { etcdserverpb } from "../../proto/index.ts";
import { hansa } from "../../proto/index.ts";
import { policy } from "../federation/document.ts";
import { bytes, WireClient } from "./wire-client.ts";
import type { WireSecurity } from "./wire-client.ts";

const CALL_MS_MAX = 10_000;
/** An answer comes after so long, though the write has not come here yet. */
const ARRIVAL_MS_MAX = 1_000;

export function policiesOfHomes(): readonly Policy[] {
  return [policy("h/")];
}

export function homesOfTests(): readonly Home[] {
  const at = (prefix: string, region: string, elsewhere: Home["elsewhere"]): Home => {
    return { prefix: keyOf(bytes(prefix)), region, elsewhere, epoch: 1 };
  };
  return [
    at("h/ap/", "ap", "forward"),
    at("h/eu/", "eu", "forward"),
    at("h/here/", "eu", "refuse"),
    at("h/us/", "us", "forward"),
  ];
}

/** `endpointOf`: of the regions "eu", "us" and "ap"; `tlsOf`: for those that are secured. */
export function describeHomes(
  endpointOf: (region: string) => string,
  tlsOf: () => WireSecurity | undefined = () => undefined,
): void {
  describe("under homes", () => {
    const clients = new Map<string, Client>();

    beforeAll(() => {
      const tls = tlsOf();
      const security = tls === undefined ? {} : { tls };
      for (const region of ["eu", "us", "ap"]) {
        const endpoints = [endpointOf(region)];
        clients.set(region, new Client({ endpoints, writes: "never", ...security }));
      }
    });

    afterAll(async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
    });

    function at(region: string): Client {
      const client = clients.get(region);
      if (client === undefined) throw new Error(`no client of ${region}`);
      return client;
    }

    async function failure(call: Promise<unknown>): Promise<Pick<KvError, "code" | "outcome">> {
      const error = await call.then(
        () => undefined,
        (cause: unknown) => cause as KvError,
      );
      return { code: error?.code ?? "internal", outcome: error?.outcome ?? "applied" };
    }

    test("a write goes to the home, is read here behind the answer, and the answer says so", async () => {
      for (let round = 0; round < 5; round += 1) {
        const value = String(round);
        const askedAtMs = performance.now();
        const { header } = await at("us").put("h/eu/a", value, { writeRegions: 1 });
        expect(header).toMatchObject({ region: "us", home: "eu" });
        if (performance.now() - askedAtMs < ARRIVAL_MS_MAX) {
          const here = await at("us").get("h/eu/a", { mode: "local" });
          expect(here.kv?.text()).toBe(value);
          expect(here.header.revision).toBeGreaterThanOrEqual(header.revision);
        }
        const { causalToken = bytes("") } = header;
        expect((await at("us").get("h/eu/a", { causalToken })).kv?.text()).toBe(value);
        expect((await at("eu").get("h/eu/a")).kv?.text()).toBe(value);
      }
      const own = await at("eu").put("h/eu/a", "own");
      expect(own.header.home).toBeUndefined();
      const { deleted, header } = await at("ap").delete("h/eu/a");
      expect([deleted, header.home]).toEqual([1, "eu"]);
    });

    test("a claim from all regions at once has exactly one owner, whom all see (scenario 41)", async () => {
      for (const name of ["h/eu/claim", "h/us/claim", "h/ap/claim"]) {
        const claims = ["eu", "us", "ap"].map(async (region) => {
          const { succeeded } = await at(region).txn({
            if: [when.missing(name)],
            then: [op.put(name, region)],
          });
          return succeeded ? [region] : [];
        });
        const owners = (await Promise.all(claims)).flat();
        expect(owners).toHaveLength(1);
        for (const region of owners) {
          expect((await at(region).get(name, { mode: "local" })).kv?.text()).toBe(region);
        }
      }
    });

    test("W regions are waited for at the home, and its token is what the answer carries", async () => {
      const { header } = await at("ap").put("h/us/w", "1", { writeRegions: 2 });
      expect(header).toMatchObject({ region: "ap", home: "us", reach: { asked: 2 } });
      expect(header.causalToken?.length).toBeGreaterThan(16);
    });

    test("what no one region can judge is refused by name, and nothing of it is done", async () => {
      const two = at("ap").txn({ then: [op.put("h/eu/x", "1"), op.put("h/us/x", "1")] });
      await expect(two).rejects.toThrow(/"h\/eu\/x".*region eu.*"h\/us\/x".*us/);
      const mixed = at("ap").txn({ if: [when.missing("f/x")], then: [op.put("h/eu/x", "1")] });
      await expect(mixed).rejects.toThrow(/under no home/);
      const revision = at("ap").txn({
        if: [when.modRevision("h/eu/x", "=", 7)],
        then: [op.put("h/eu/x", "1")],
      });
      await expect(revision).rejects.toThrow(/each region counts by itself/);
      await expect(at("us").put("h/here/x", "1")).rejects.toThrow(/its home is region eu/);
      const refused = { code: "federation-refused", outcome: "not-applied" };
      expect(await failure(at("us").put("h/here/x", "1"))).toEqual(refused);
      for (const region of ["eu", "us", "ap"]) {
        const { kvs } = await at(region).range({ prefix: "h/" });
        expect(kvs.filter((kv) => kv.keyText().endsWith("/x"))).toEqual([]);
      }
    });

    test("a range within a home goes there; one that reaches beyond is judged key by key", async () => {
      await at("eu").put("h/eu/r1", "1");
      await at("us").put("h/eu/r2", "1");
      const { deleted, header } = await at("us").delete({ prefix: "h/eu/r" });
      expect([deleted, header.home]).toEqual([2, "eu"]);
      await at("us").put("h/eu/r3", "1");
      await expect(at("us").delete({ prefix: "h/" })).rejects.toThrow(/home is region/);
    });

    test("a numbered write is handed on once, whoever sends it again and wherever", async () => {
      const wire = new WireClient(endpointOf("us"), tlsOf());
      const { session } = await wire.call(
        "/hansa.v1.Session/Open",
        { request: hansa.v1.SessionOpenRequest, answer: hansa.v1.SessionOpenResponse },
        { ttl_ms: 60_000 },
        CALL_MS_MAX,
      );
      const put = (value: string, sequence: number): Promise<etcdserverpb.PutResponse.$Shape> =>
        wire.put(
          {
            key: bytes("h/eu/numbered"),
            value: bytes(value),
            request_id: { session, sequence, acknowledged_below: 1 },
          },
          CALL_MS_MAX,
        );
      expect((await put("first", 1)).header?.home).toBe("eu");
      await at("eu").put("h/eu/numbered", "second");
      await expect(put("first", 1)).rejects.toThrow(/handed on to its home before/);
      expect((await at("eu").get("h/eu/numbered")).kv?.text()).toBe("second");
      await put("third", 2);
      expect(textFrom((await at("us").get("h/eu/numbered")).kv?.value ?? bytes(""))).toBe("third");
      wire.close();
    });
  });
}
