// `hansa watch` and `hansa lease` beside etcdctl's on the same etcd: line for line in the simple format.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { EtcdCluster, etcdctl } from "../e2e/etcd.ts";
import { Child } from "../e2e/child.ts";
import { describeWith } from "../e2e/tools.ts";
import { hansa } from "./cli-run.ts";

const LINE_MS_MAX = 20_000;

describeWith(["etcd", "etcdctl"], "watch and lease beside etcdctl's", () => {
  let etcd: EtcdCluster;
  let endpoint = "";

  beforeAll(async () => {
    etcd = await EtcdCluster.start(1);
    [endpoint = ""] = etcd.endpoints;
  });

  afterAll(async () => {
    await etcd.stop();
  });

  test("watch prints what etcdctl prints", async () => {
    for (const line of ["put w/a 1", "put w/b 2", "put w/a 3", "del w/b", "put w/c last"]) {
      expect((await hansa(endpoint, line.split(" "))).code).toBe(0);
    }
    for (const flags of [
      ["--rev", "2"],
      ["--rev", "2", "--prev-kv"],
      ["--rev", "4", "--hex"],
    ]) {
      const args = ["watch", "w/", "--prefix", ...flags];
      const child = new Child("etcdctl", ["--endpoints", endpoint, ...args], { ETCDCTL_API: "3" });
      await child.line(/^last$|x6c\\x61\\x73\\x74/, LINE_MS_MAX);
      child.signal("SIGKILL");
      await child.exited;
      const count = flags.includes("4") ? "3" : "5";
      const own = await hansa(endpoint, [...args, "--count", count]);
      expect(own).toMatchObject({ code: 0, stderr: "" });
      expect(own.stdout.trimEnd()).toBe(child.output.trimEnd());
    }
    const json = await hansa(endpoint, [
      ...["watch", "w/", "--prefix", "--rev", "2", "--only", "deletes"],
      ...["--count", "1", "-w", "json"],
    ]);
    const [event] = (JSON.parse(json.stdout) as { events: object[] }).events;
    const key = Buffer.from("w/b").toString("base64");
    expect(event).toEqual({ type: "DELETE", kv: { key, mod_revision: 5 } });
  });

  test("watch of what is compacted fails with the revision to begin at", async () => {
    await hansa(endpoint, ["compaction", "3"]);
    const own = await hansa(endpoint, ["watch", "w/a", "--rev", "1"]);
    expect(own.code).toBe(1);
    expect(own.stderr).toMatch(/^Error: COMPACTED .*begin at 3/);
  });

  test("lease prints what etcdctl prints", async () => {
    const id = "000000000000007b";
    const granted = await hansa(endpoint, ["lease", "grant", "600", "--id", "7b"]);
    expect(granted.stdout).toBe(`lease ${id} granted with TTL(600s)\n`);
    await hansa(endpoint, ["put", "k1", "v", "--lease", "7b"]);
    const alike = async (...args: string[]): Promise<void> => {
      const own = await hansa(endpoint, ["lease", ...args]);
      const other = await etcdctl(endpoint, ["lease", ...args]);
      const left = /remaining\(\d+s\)/g;
      expect(own.stdout.replace(left, "left")).toBe(other.stdout.replace(left, "left"));
      expect(own.code).toBe(other.exit.code);
    };
    await alike("timetolive", "7b");
    await alike("timetolive", "7b", "--keys");
    await alike("list");
    await alike("keep-alive", "7b", "--once");
    const state = await hansa(endpoint, ["lease", "timetolive", "7b", "--keys", "-w", "json"]);
    expect(JSON.parse(state.stdout)).toMatchObject({ ID: "123", grantedTTL: 600, keys: ["azE="] });
    expect((await hansa(endpoint, ["lease", "revoke", "7b"])).stdout).toBe(`lease ${id} revoked\n`);
    await alike("timetolive", "7b");
    await alike("list");
    const again = await hansa(endpoint, ["lease", "revoke", "7b"]);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toContain("requested lease not found");
    const gone = await hansa(endpoint, ["lease", "keep-alive", "7b"]);
    expect(gone).toMatchObject({ code: 1, stdout: `lease ${id} expired or revoked.\n` });
    expect(await hansa(endpoint, ["lease", "grant", "x"])).toMatchObject({ code: 2, stdout: "" });
  });
});
