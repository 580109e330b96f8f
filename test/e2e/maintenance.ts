// What an operator does to a cluster and what it does by itself, on real processes: space that runs out and comes
// back, hashes, defragmentation and compaction under load, a member whose disk was damaged.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Client } from "../../client/index.ts";
import { KvError } from "../../base/index.ts";
import { openRocksdbEngine } from "../../store/index.ts";
import type { Engine, EngineRow } from "../../store/index.ts";
import { endOf } from "../contract/answers.ts";
import { rowsOf } from "../contract/engine.ts";
import { Cluster } from "./cluster.ts";
import type { MemberProcess, PROTOCOLS } from "./cluster.ts";
import { EtcdCluster, etcdctl } from "./etcd.ts";
import { describeWith } from "./tools.ts";
import { until } from "./until.ts";

const WAIT_MS_MAX = 60_000;
const QUOTA_BYTES = 4 * 1024 * 1024;
const VALUE = new Uint8Array(64 * 1024).map((_, at) => (at * 7919) % 251);

/** Its own state, as it lies on its disk; nothing else has it open. */
async function withState(member: MemberProcess, run: (engine: Engine) => Promise<void>) {
  const engine = await new Promise<Engine>((resolve, reject) => {
    openRocksdbEngine(join(member.dataDir, "state", "group-1"), (opening) => {
      if (opening.ok) resolve(opening.engine);
      else reject(new Error(opening.failure.message));
    });
  });
  await run(engine);
  await endOf((done) => {
    engine.close(done);
  });
}

/** Another value where `text` stands in the row of a version: what no checksum below notices. */
async function falsify(member: MemberProcess, text: string): Promise<void> {
  await withState(member, async (engine) => {
    const rows = await rowsOf(engine, 1e6);
    const holds = ({ key, value }: EngineRow): boolean =>
      key[0] === 0x76 && Buffer.from(value).includes(text);
    const row = rows.find(holds);
    if (row === undefined) throw new Error(`${member.name} has no row with ${text}`);
    const value = Buffer.from(row.value);
    value.write(text.split("").reverse().join(""), value.indexOf(text));
    await endOf((done) => {
      engine.write([{ op: "put", key: row.key, value }], true, done);
    });
  });
}

export function maintenanceSuite(protocol: (typeof PROTOCOLS)[number]): void {
  describe(`upkeep over ${protocol}`, () => {
    let cluster: Cluster;
    let client: Client;

    beforeAll(async () => {
      const quota = ["--quota-backend-bytes", String(QUOTA_BYTES)];
      const checks = ["--corrupt-check-time", "1s", "--auto-compaction-retention", "0"];
      const flags = ["--consensus", protocol, ...quota, ...checks];
      cluster = await Cluster.start({ voters: 3, learners: 1, flags });
      client = new Client({ endpoints: cluster.voters.map(({ endpoint }) => endpoint) });
    });

    afterAll(async () => {
      await client.close();
      await cluster.stop();
    });

    async function alarms(): Promise<readonly string[]> {
      return (await client.maintenance.alarms()).alarms.map(({ type }) => type);
    }

    /** Of every member, the learner too, at one revision. */
    async function hashes(revision: number): Promise<readonly number[]> {
      return Promise.all(
        cluster.members.map(({ endpoint }) =>
          until(`${endpoint} has hashed`, WAIT_MS_MAX, async () => {
            const { hash } = await client.maintenance.hashKv({ endpoint, revision });
            return hash;
          }),
        ),
      );
    }

    test("without space puts are refused, the rest goes on, and a compaction alone brings it back", async () => {
      const refused = await until("the quota is reached", WAIT_MS_MAX, async () => {
        try {
          await client.put("big", VALUE);
          return undefined;
        } catch (error) {
          return error instanceof KvError ? error : undefined;
        }
      });
      expect(refused.code).toBe("no-space");
      expect(refused.message).toContain("etcdserver: mvcc: database space exceeded");
      expect(await alarms()).toContain("no-space");
      const { revision } = await client.get("big");
      const status = await client.status(cluster.voters[0]?.endpoint);
      expect(status.errors.join()).toContain("alarm:NOSPACE");
      await expect(client.leases.grant(60)).rejects.toMatchObject({ code: "no-space" });
      await client.delete("nothing-there");
      await client.compact(revision, { physical: true });
      await until("the alarms end by themselves", WAIT_MS_MAX, async () =>
        (await alarms()).length === 0 ? true : undefined,
      );
      await client.put("small", "fits");
    }, 120_000);

    test("hashes are equal on all members, while they are written, compacted and defragmented", async () => {
      let stop = false;
      let writes = 0;
      const load = (async () => {
        while (!stop) {
          writes += 1;
          await client.put(`load${writes % 50}`, String(writes));
          if (writes % 7 === 0) await client.delete(`load${writes % 50}`);
        }
      })();
      const before = await until("there is history", WAIT_MS_MAX, async () => {
        const { revision } = await client.get("small");
        return writes > 50 ? revision : undefined;
      });
      const compacted = client.compact(before, { physical: true });
      const writesBefore = writes;
      for (const { endpoint } of cluster.members) {
        await client.maintenance.defragment({ endpoint, deadlineMs: WAIT_MS_MAX });
      }
      await compacted;
      // Writes and linearizable reads went on meanwhile.
      expect(writes).toBeGreaterThan(writesBefore);
      const { revision } = await client.get("small");
      expect(new Set(await hashes(revision)).size).toBe(1);
      stop = true;
      await load;
      expect(new Set(await hashes((await client.get("small")).revision)).size).toBe(1);
      await expect(client.maintenance.hashKv({ revision: 1 })).rejects.toMatchObject({
        code: "compacted",
      });
    }, 120_000);

    test("a member whose disk holds something else is named, and nothing is changed any more", async () => {
      await client.put("victim", "the-truth");
      const leader = await cluster.leader();
      const victim = cluster.voters.find((member) => member !== leader);
      if (victim === undefined) throw new Error("there are three voters");
      // It holds the row when it has applied it; a clean stop writes it.
      const { revision } = await client.get("victim");
      await until("it has applied the row", WAIT_MS_MAX, async () => {
        const status = await client.status(victim.endpoint);
        return status.revision >= revision ? true : undefined;
      });
      expect(await victim.terminate()).toEqual({ code: 0 });
      await falsify(victim, "the-truth");

      // Where it checks itself first, it does not serve at all.
      const checked = cluster.again(victim, ["--experimental-initial-corrupt-check"]);
      checked.start();
      await until("it refuses to start", WAIT_MS_MAX, () => checked.exit);
      expect(checked.exit).toEqual({ code: 5 });
      expect(checked.output).toContain("differ from those of the peers");

      const again = cluster.again(checked, ["--experimental-initial-corrupt-check=false"]);
      again.start();
      await again.ready();
      await until("it is found", WAIT_MS_MAX, async () =>
        (await alarms()).includes("corrupt") ? true : undefined,
      );
      const { alarms: raised } = await client.maintenance.alarms();
      const { header } = await client.status(again.endpoint);
      expect(raised).toEqual([{ memberId: header.memberId, type: "corrupt" }]);
      const corrupt = "etcdserver: corrupt cluster";
      await expect(client.put("a", "1")).rejects.toThrow(corrupt);
      await expect(client.get("victim")).rejects.toThrow(corrupt);
      await expect(client.delete("victim")).rejects.toThrow(corrupt);

      // The way out: the damaged member goes, and the operator says that it is over.
      await again.kill();
      await client.membership.remove(header.memberId);
      for (const alarm of raised) await client.maintenance.disarm(alarm);
      rmSync(again.dataDir, { recursive: true });
      await client.put("a", "1");
      expect((await client.get("victim")).kv?.text()).toBe("the-truth");
    }, 180_000);
  });
}

/** Debian's etcdctl on a cluster, and its hash of the keys beside etcd's own. */
export function etcdctlMaintenanceSuite(protocol: (typeof PROTOCOLS)[number]): void {
  describeWith(["etcd", "etcdctl"], `etcdctl's upkeep over ${protocol}`, () => {
    let cluster: Cluster;
    let etcd: EtcdCluster;

    beforeAll(async () => {
      [cluster, etcd] = await Promise.all([
        Cluster.start({ voters: 3, flags: ["--consensus", protocol] }),
        EtcdCluster.start(1),
      ]);
    });

    afterAll(async () => {
      await Promise.all([cluster.stop(), etcd.stop()]);
    });

    async function ours(...args: readonly string[]): Promise<string> {
      const { exit, stdout, stderr } = await etcdctl(cluster.endpoints, args);
      if (exit.code !== 0) throw new Error(`${args.join(" ")}: ${stdout}${stderr}`);
      return stdout;
    }

    test("the same history hashes as in etcd, before and after a compaction", async () => {
      const both = async (...args: readonly string[]): Promise<void> => {
        for (const endpoint of [cluster.endpoints, etcd.endpoints[0] ?? ""]) {
          const { exit, stderr } = await etcdctl(endpoint, args);
          if (exit.code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
        }
      };
      const hashes = async (): Promise<readonly string[]> => {
        const words = [await ours("endpoint", "hashkv", "--cluster")];
        words.push((await etcdctl(etcd.endpoints[0] ?? "", ["endpoint", "hashkv"])).stdout);
        return words.flatMap((text) => [...text.matchAll(/, (\d+)/g)].map(([, hash = ""]) => hash));
      };
      const history = ["put a 1", "put b 22", "del a", "put a again", "put c 3", "del b"];
      for (const line of history) await both(...line.split(" "));
      const equal = async (): Promise<true | undefined> => {
        const all = await hashes();
        return all.length === 4 && new Set(all).size === 1 ? true : undefined;
      };
      await until("all four hash alike", WAIT_MS_MAX, equal);
      await both("compaction", "7", "--physical");
      await until("all four hash alike when compacted", WAIT_MS_MAX, equal);
    }, 60_000);

    test("alarms, defragmentation and moving the leader work", async () => {
      const [one] = cluster.voters;
      if (one === undefined) throw new Error("there are three voters");
      await ours("defrag", "--cluster");
      expect(await ours("alarm", "list")).toBe("");
      const { stdout } = await cluster.hansa(["member", "list", "-w", "json"]);
      const ids = [...stdout.matchAll(/"ID":"(\d+)"/g)].map(([, id = ""]) => id);
      expect(ids).toHaveLength(3);
      const client = new Client({ endpoints: [one.endpoint] });
      await client.maintenance.raise({ memberId: BigInt(ids[0] ?? 0), type: "no-space" });
      expect(await ours("alarm", "list")).toBe(`memberID:${ids[0]} alarm:NOSPACE \n`);
      expect((await cluster.hansa(["alarm", "list"])).stdout).toBe(
        `memberID:${ids[0]} alarm:NOSPACE \n`,
      );
      const unhealthy = await cluster.hansa(["endpoint", "health"]);
      expect([unhealthy.exit.code, unhealthy.stdout]).toEqual([
        1,
        expect.stringContaining("alarm:NOSPACE"),
      ]);
      expect(await ours("alarm", "disarm")).toBe(`memberID:${ids[0]} alarm:NOSPACE \n`);
      await ours("put", "after", "1");
      const hashes = await cluster.hansa(["endpoint", "hashkv", "--cluster"]);
      expect(
        new Set(
          hashes.stdout
            .trim()
            .split("\n")
            .map((line) => line.split(", ")[1]),
        ).size,
      ).toBe(1);
      expect((await cluster.hansa(["defrag"])).stdout.match(/Finished/g)).toHaveLength(3);
      const leader = await cluster.leader();
      const { leader: leaderId } = await client.status(leader.endpoint);
      const target = ids.map(BigInt).find((id) => id !== leaderId) ?? 0n;
      const moved = await etcdctl(leader.endpoint, ["move-leader", target.toString(16)]);
      expect(moved.exit.code).toBe(0);
      await client.close();
    }, 60_000);
  });
}
