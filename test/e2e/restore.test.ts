// A snapshot's file from a cluster under load, and the new cluster that is made of it: on the same protocol with
// three members, and on the other with one.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import { Cluster, hansa, protocolsFor } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { etcdctl } from "./etcd.ts";
import { SteadyLoad } from "./steady-load.ts";
import { isInstalled } from "./tools.ts";
import { statesOf } from "./workload.ts";

const WAIT_MS_MAX = 30_000;
/** What a first start and a restore must agree on. */
const SHARED_FLAGS: ReadonlySet<string> = new Set([
  "--name",
  "--data-dir",
  "--initial-cluster",
  "--initial-advertise-peer-urls",
  "--consensus",
]);

function restoreArgs(file: string, { args }: MemberProcess): readonly string[] {
  const shared = args.flatMap((word, at) =>
    SHARED_FLAGS.has(word) ? [word, args[at + 1] ?? ""] : [],
  );
  return ["snapshot", "restore", file, ...shared];
}

describe.each(protocolsFor("paxos"))("a snapshot's file from a cluster over %s", (protocol) => {
  const clusters: Cluster[] = [];
  let file: string;
  let before: ReadonlyMap<string, string>;
  let status: { readonly revision: number; readonly totalKey: number; readonly totalSize: number };

  async function restored(
    options: { readonly voters: number; readonly consensus: string },
    ...more: readonly string[]
  ): Promise<Cluster> {
    const { voters, consensus } = options;
    const cluster = await Cluster.plan({ voters, flags: ["--consensus", consensus] });
    clusters.push(cluster);
    for (const member of cluster.members) {
      const made = await hansa([...restoreArgs(file, member), ...more]);
      expect(made).toMatchObject({ exit: { code: 0 }, stderr: "" });
      expect(made.stdout).toContain(`${status.totalKey} keys`);
    }
    await cluster.startAll();
    return cluster;
  }

  /** Under load, by `etcdctl` from one of the two protocols. */
  async function save(cluster: Cluster): Promise<void> {
    const { endpoint } = await cluster.leader();
    const asked = new Client({ endpoints: [endpoint], discover: false });
    // What a member has not applied yet is not in its file.
    await asked.get("any", { mode: "index" });
    await asked.close();
    const args = ["snapshot", "save", file];
    const theirs = protocol === "paxos" && isInstalled("etcdctl");
    const saved = theirs ? await etcdctl(endpoint, args) : await cluster.hansa(args, endpoint);
    expect(saved).toMatchObject({ exit: { code: 0 } });
  }

  beforeAll(async () => {
    const cluster = await Cluster.start({ voters: 3, flags: ["--consensus", protocol] });
    clusters.push(cluster);
    file = join(cluster.folder, "saved");
    const client = new Client({
      endpoints: cluster.endpoints.split(","),
      deadlineMs: WAIT_MS_MAX,
    });
    const load = new SteadyLoad(client);
    await load.wrote(500);
    before = new Map(load.written);
    await save(cluster);
    await load.wrote(100);
    await load.stop();
    await client.close();
    await Promise.all(cluster.members.map((member) => member.kill()));
    const said = await hansa(["snapshot", "status", file, "-w", "json"]);
    status = JSON.parse(said.stdout) as typeof status;
  }, 120_000);

  afterAll(async () => {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
  });

  test("tells its revision, keys and size; one that is damaged is refused", async () => {
    const { size } = statSync(file);
    // What `etcdctl snapshot save` asks of any server.
    expect(size % 512).toBe(32);
    expect(status.totalSize).toBe(size);
    const damaged = `${file}.damaged`;
    const bytes = Buffer.from(readFileSync(file));
    bytes[size >> 1] = (bytes[size >> 1] ?? 0) ^ 4;
    writeFileSync(damaged, bytes);
    for (const args of [["status"], ["restore", "--data-dir", `${file}.made`]]) {
      const [command = "", ...flags] = args;
      const refused = await hansa(["snapshot", command, damaged, ...flags]);
      expect(refused.exit.code).toBe(1);
      expect(refused.stderr).toContain("is damaged at byte");
    }
    expect(existsSync(`${file}.made`)).toBe(false);
  });

  test("makes a new cluster of three that holds all that was acknowledged before", async () => {
    const cluster = await restored({ voters: 3, consensus: protocol });
    const client = new Client({ endpoints: cluster.endpoints.split(",") });
    const { kvs, header } = await client.range({ prefix: "load/" }, { mode: "quorum" });
    expect(header.revision).toBe(status.revision);
    expect(kvs).toHaveLength(status.totalKey);
    const found = new Map(kvs.map((kv) => [kv.keyText(), Number(kv.text().split("-")[0])]));
    for (const [key, value] of before) {
      expect([key, (found.get(key) ?? -1) >= Number(value)]).toEqual([key, true]);
    }
    expect((await client.put("after", "restore")).revision).toBe(status.revision + 1);
    await client.close();
    const [state, ...others] = await statesOf(cluster);
    for (const other of others) expect(other).toBe(state);
    const [member] = cluster.members;
    if (member === undefined) throw new Error("a member");
    const again = await hansa(restoreArgs(file, member));
    expect(again.exit.code).toBe(1);
    expect(again.stderr).toContain("holds a member already");
  }, 60_000);

  test("makes a cluster over the other protocol, at a later revision", async () => {
    const consensus = protocol === "raft" ? "paxos" : "raft";
    const skipped = ["--bump-revision", "1000", "--mark-compacted"];
    const cluster = await restored({ voters: 1, consensus }, ...skipped);
    const client = new Client({ endpoints: cluster.endpoints.split(",") });
    const { kvs, header } = await client.range({ prefix: "load/" }, { mode: "quorum" });
    expect(kvs).toHaveLength(status.totalKey);
    expect(header.revision).toBe(status.revision + 1_000);
    const [key = ""] = before.keys();
    await expect(client.get(key, { revision: status.revision })).rejects.toMatchObject({
      code: "compacted",
    });
    await client.close();
  }, 60_000);
});
