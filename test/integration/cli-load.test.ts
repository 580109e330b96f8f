// `hansa make-mirror` and `hansa bench`, on two etcd servers: what they leave behind, and what they tell.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { EtcdCluster, etcdctl } from "../e2e/etcd.ts";
import { describeWith } from "../e2e/tools.ts";
import { until } from "../e2e/until.ts";
import { hansa } from "./cli-run.ts";

describeWith(["etcd", "etcdctl"], "load from the command line", () => {
  let etcds: readonly EtcdCluster[];
  let source = "";
  let copy = "";

  beforeAll(async () => {
    etcds = await Promise.all([EtcdCluster.start(1), EtcdCluster.start(1)]);
    [source = "", copy = ""] = etcds.map(({ endpoints }) => endpoints[0] ?? "");
  });

  afterAll(async () => {
    await Promise.all(etcds.map((etcd) => etcd.stop()));
  });

  describe("make-mirror", () => {
    test("copies what stands, then each revision as one transaction", async () => {
      for (const line of ["put m/a 1", "put m/b 2", "put other x", "put m/gone x"]) {
        await etcdctl(source, line.split(" "));
      }
      const mirror = hansa(source, [
        ...["make-mirror", copy, "--prefix", "m/", "--dest-prefix", "to/", "--count", "7"],
      ]);
      const { stdout: standing } = await untilCopied("to/gone");
      expect(standing).toBe("to/a\n1\nto/b\n2\nto/gone\nx\n");
      await etcdctl(source, ["txn"], "\nput m/a 11\nput m/c 3\ndel m/gone\n\n\n");
      await etcdctl(source, ["put", "other", "y"]);
      await etcdctl(source, ["put", "m/b", "22"]);
      expect(await mirror).toEqual({ code: 0, stdout: "7\n", stderr: "" });
      const { stdout } = await etcdctl(copy, ["get", "", "--prefix", "-w", "json"]);
      const { kvs } = JSON.parse(stdout) as { kvs: { key: string; mod_revision: number }[] };
      const named = kvs.map(({ key, mod_revision: at }) => [
        Buffer.from(key, "base64").toString(),
        at,
      ]);
      const atOnce = named.find(([key]) => key === "to/a")?.[1];
      expect(named).toEqual([
        ["to/a", atOnce],
        ["to/b", Number(atOnce) + 1],
        ["to/c", atOnce],
      ]);
    });

    test("at the root, and pages of a larger prefix", async () => {
      await etcdctl(copy, ["del", "", "--prefix"]);
      const puts = Array.from({ length: 100 }, (_, at) => `put p/${String(at).padStart(4, "0")} v`);
      for (let times = 0; times < 11; times += 1) {
        const lines = puts.map((line) => line.replace("p/", `p/${String(times).padStart(2, "0")}`));
        await etcdctl(source, ["txn"], `\n${lines.join("\n")}\n\n\n`);
      }
      const own = await hansa(source, [
        ...["make-mirror", copy, "--prefix", "p/", "--no-dest-prefix", "--count", "1100"],
      ]);
      expect(own).toEqual({ code: 0, stdout: "1100\n", stderr: "" });
      const { stdout } = await etcdctl(copy, ["get", "", "--prefix", "--keys-only"]);
      expect(stdout.split("\n").filter((line) => line !== "")).toHaveLength(1_100);
      expect(stdout.startsWith("000000\n")).toBe(true);
    });

    test("names what is wrong with the destination", async () => {
      const own = await hansa(source, ["make-mirror", "nonsense"]);
      expect(own).toMatchObject({ code: 2, stdout: "" });
      expect(own.stderr).toMatch(/^Error: destination: endpoint "nonsense"/);
    });
  });

  test.each(["put", "get", "watch"])(
    "bench %s tells rate and percentiles, and leaves no key",
    async (kind) => {
      const own = await hansa(source, [
        ...["bench", kind, "--duration", "300ms", "--callers", "4", "--keys", "20"],
        ...["--watchers", "2", "-w", "json"],
      ]);
      expect(own).toMatchObject({ code: 0, stderr: "" });
      const told = JSON.parse(own.stdout) as {
        count: number;
        latencyMs: Record<string, number>;
        failures: object;
      };
      expect(told).toMatchObject({ load: kind, callers: 4, failures: {} });
      expect(told.count).toBeGreaterThan(0);
      const { p50 = 0, p99 = 0, max = 0 } = told.latencyMs;
      expect(p50).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(p50);
      expect(max).toBeGreaterThanOrEqual(p99);
      expect((await etcdctl(source, ["get", "hansa-bench/", "--prefix"])).stdout).toBe("");
    },
  );

  test("bench of nobody fails", async () => {
    const own = await hansa("127.0.0.1:1", [
      "bench",
      "put",
      "--duration",
      "100ms",
      "--timeout",
      "200ms",
    ]);
    expect(own).toMatchObject({ code: 1 });
    expect(own.stderr).toContain("UNAVAILABLE");
  });

  async function untilCopied(key: string): Promise<{ stdout: string }> {
    return until("the copy", 20_000, async () => {
      const all = await etcdctl(copy, ["get", "", "--prefix"]);
      return all.stdout.includes(key) ? all : undefined;
    });
  }
});
