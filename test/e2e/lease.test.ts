// Leases of real processes: etcdctl's commands word for word as of Debian's etcd; keys that go when nobody keeps
// them; and time that neither a change of leader nor a restart gives back.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import { Cluster } from "./cluster.ts";
import { EtcdCluster, etcdctl } from "./etcd.ts";
import { describeWith } from "./tools.ts";
import { until } from "./until.ts";
import { WatchTape } from "./watch-tape.ts";
import { bytes } from "./wire-client.ts";

const WAIT_MS_MAX = 30_000;

/** Ids and what is left of a time differ from run to run, and etcd names a lease's keys in any order. */
function normalized(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.startsWith('{"level"'))
    .join("\n")
    .replace(/"(cluster_id|member_id|raft_term)":\d+/g, '"$1":0')
    .replace(/remaining\(\d+s\)/g, "remaining")
    .replace(/"ttl":\d+/g, '"ttl":0')
    .replace(/(attached keys\(\[)([^\]]*)/g, (_, head: string, keys: string) => {
      return head + keys.split(" ").sort().join(" ");
    })
    .replace(/("keys":\[)([^\]]*)/g, (_, head: string, keys: string) => {
      return head + keys.split(",").sort().join(",");
    });
}

describeWith(["etcd", "etcdctl"], "etcdctl lease sees what it sees of etcd", () => {
  let cluster: Cluster;
  let etcd: EtcdCluster;

  beforeAll(async () => {
    [cluster, etcd] = await Promise.all([Cluster.start({ voters: 3 }), EtcdCluster.start(1)]);
  });

  afterAll(async () => {
    await Promise.all([cluster.stop(), etcd.stop()]);
  });

  test("grant, put, timetolive, list, keep-alive, revoke, and what is refused", async () => {
    const transcripts = await Promise.all(
      [cluster.endpoints, etcd.endpoints[0] ?? ""].map(async (endpoints) => {
        const lines: string[] = [];
        let id = "0";
        const run = async (line: string): Promise<void> => {
          const { exit, stdout, stderr } = await etcdctl(
            endpoints,
            line.replaceAll("ID", id).split(" "),
          );
          if (line.startsWith("lease grant 600")) {
            id = /lease ([0-9a-f]+)/.exec(stdout)?.[1] ?? "none";
          }
          const decimal = BigInt.asIntN(64, BigInt(`0x${id}`));
          const shown = normalized(`${stdout}${stderr}`)
            .replaceAll(id, "ID")
            .replaceAll(String(decimal), "ID");
          lines.push(`${line}: ${exit.code ?? "killed"} ${shown}`);
        };
        for (const line of [
          "lease list",
          "lease grant 600",
          "lease list",
          "put k1 v --lease=ID",
          "put k2 v --lease=ID",
          "get k1 -w json",
          "lease timetolive ID",
          "lease timetolive ID --keys",
          "lease timetolive ID --keys -w json",
          "put k2 free",
          "lease timetolive ID --keys",
          "put k1 kept --ignore-lease",
          "lease timetolive ID --keys",
          "lease keep-alive ID --once",
          "lease revoke ID",
          "lease revoke ID",
          "lease timetolive ID",
          "lease keep-alive ID --once",
          "put k3 v --lease=ID",
          "get k --prefix -w json",
          "get k1",
          "lease list",
          "lease grant 9000000001",
          "lease grant x",
        ]) {
          await run(line);
        }
        return lines;
      }),
    );
    expect(transcripts[0]).toEqual(transcripts[1]);
  });
});

describe("leases of a cluster", () => {
  let cluster: Cluster;
  let client: Client;

  beforeAll(async () => {
    cluster = await Cluster.start({ voters: 3 });
    client = new Client({ endpoints: cluster.endpoints.split(",") });
  });

  afterAll(async () => {
    await client.close();
    await cluster.stop();
  });

  const run = async (...args: string[]): Promise<string> => {
    const { exit, stdout, stderr } = await etcdctl(cluster.endpoints, args);
    if (exit.code !== 0) throw new Error(`etcdctl ${args.join(" ")}: ${stderr}`);
    return stdout;
  };

  const grant = async (ttlS: number): Promise<string> => {
    const id = /lease ([0-9a-f]+)/.exec(await run("lease", "grant", String(ttlS)))?.[1];
    if (id === undefined) throw new Error("no lease was granted");
    return id;
  };

  /** Asked again and again while time passes: by a process each time, that would be all a core does. */
  const leftS = async (id: string): Promise<number> =>
    (await client.leases.state(BigInt(`0x${id}`))).leftS ?? -1;

  test("its keys go in one revision when nobody keeps it, and a watch is told", async () => {
    const [{ endpoint = "" } = {}] = cluster.voters;
    const tape = new WatchTape(endpoint);
    tape.create({ key: bytes("gone/"), range_end: bytes("gone0") });
    await tape.holds("the watch", ({ answers }) => answers.length === 1);
    const id = await grant(1);
    for (const at of ["b", "a"]) await run("put", `gone/${at}`, "v", `--lease=${id}`);
    await tape.holds("both deletes", ({ events }) => events.length === 4);
    const deletes = tape.events.slice(2).map((event) => event.split("@"));
    expect(deletes.map(([event]) => event)).toEqual(["0: DELETE gone/a=", "0: DELETE gone/b="]);
    expect(deletes[0]?.[1]).toBe(deletes[1]?.[1]);
    expect(await run("lease", "timetolive", id)).toMatch(/already expired/);
    tape.close();
  });

  test("a change of leader and a restart of all give it no time back", async () => {
    const id = await grant(600);
    await run("put", "held", "v", `--lease=${id}`);
    await until("some of its time has passed", WAIT_MS_MAX, async () =>
      (await leftS(id)) <= 596 ? true : undefined,
    );
    const leader = await cluster.leader();
    await leader.kill();
    await cluster.leader();
    expect(await leftS(id)).toBeLessThanOrEqual(596);
    leader.start();
    await leader.ready();
    await until("more of its time has passed", WAIT_MS_MAX, async () =>
      (await leftS(id)) <= 594 ? true : undefined,
    );
    await Promise.all(cluster.members.map((member) => member.kill()));
    await cluster.startAll();
    // What the log had not yet written down when all were killed: a second at most.
    expect(await leftS(id)).toBeLessThanOrEqual(595);
    expect(await run("get", "held", "--print-value-only")).toBe("v\n");
    await run("lease", "revoke", id);
    expect(await run("get", "held")).toBe("");
  });

  test("whoever keeps it alive keeps it, whoever leads", async () => {
    const id = await grant(10);
    await run("put", "alive", "v", `--lease=${id}`);
    for (let round = 0; round < 3; round += 1) {
      await until("two seconds of its time have passed", WAIT_MS_MAX, async () =>
        (await leftS(id)) <= 8 ? true : undefined,
      );
      if (round === 1) await (await cluster.leader()).kill();
      await run("lease", "keep-alive", id, "--once");
      expect(await leftS(id)).toBeGreaterThanOrEqual(8);
    }
    expect(await run("get", "alive", "--print-value-only")).toBe("v\n");
  });
});
