// Debian's etcdctl against any of three members, compared word for word with the same commands against a
// real etcd: the output, the errors and the exit code. What differs by nature (ids, terms) is named here.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { etcdserverpb } from "../../proto/index.ts";
import { Cluster, protocolsFor } from "./cluster.ts";
import { EtcdCluster, etcdctl } from "./etcd.ts";
import { describeWith } from "./tools.ts";
import { bytes, WireClient } from "./wire-client.ts";

type Op = etcdserverpb.RequestOp.$Properties;

const CALL_MS_MAX = 10_000;

interface Step {
  readonly args: readonly string[];
  readonly input?: string;
}

/** One command line; words in single quotes keep their blanks. */
function step(line: string, input?: string): Step {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? "",
  );
  return { args: words, ...(input === undefined ? {} : { input }) };
}

const FORMATS = ["simple", "json", "fields"] as const;

/** Every step sees the state its predecessors left, so a divergence shows at the first read after it. */
const WRITES_AND_READS: readonly Step[] = [
  step("get nothing"),
  step("put a 1"),
  step("put b 2"),
  step("put dir/x 10"),
  step("put dir/y 20"),
  step("put dir/z 30"),
  step("put b 22 --prev-kv"),
  step("put c ''"),
  step("put missing --ignore-value"),
  step("put a --ignore-value"),
  step("put a other --ignore-value"),
  step("put '' empty-key"),
  step("put a 1 --lease=7b"),
  ...["a", "dir/ --prefix", "b --from-key", "a c", "'' --prefix", "'' --from-key"].flatMap(
    (range) => FORMATS.map((format) => step(`get ${range} -w ${format}`)),
  ),
  step("get dir/ --prefix --limit 2"),
  step("get dir/ --prefix --limit 2 -w json"),
  step("get dir/ --prefix --keys-only"),
  step("get dir/ --prefix --keys-only -w json"),
  step("get dir/ --prefix --print-value-only"),
  step("get dir/ --prefix --count-only -w json"),
  step("get dir/ --prefix --count-only -w fields"),
  step("get b --hex"),
  ...["CREATE", "KEY", "MODIFY", "VALUE", "VERSION"].flatMap((target) =>
    ["ASCEND", "DESCEND"].map((order) =>
      step(`get '' --prefix --sort-by=${target} --order=${order} -w json`),
    ),
  ),
  step("get '' --prefix --sort-by=MODIFY --order=DESCEND --limit 2 -w json"),
  step("get b --rev 3 -w json"),
  step("get '' --prefix --rev 4 -w json"),
  step("get b --rev 999"),
  step("get a --consistency=s -w json"),
  step("get a --consistency=l -w json"),
  step("del dir/y"),
  step("del dir/y"),
  step("del dir/ --prefix --prev-kv"),
  step("get dir/ --prefix -w json"),
  step("get dir/ --prefix --rev 6 -w json"),
  step("put dir/x again"),
  step("get dir/x -w json"),
];

const TRANSACTIONS: readonly Step[] = [
  step("put t 1"),
  step("txn", 'value("t") = "1"\n\nput t 2\nget t\n\nget t\n\n'),
  step("txn -w json", 'value("t") = "1"\n\nput t 3\n\nget t\nget a\n\n'),
  step("txn -w json", 'mod("t") > "1"\nversion("t") = "2"\n\ndel t\nput u 1\n\nget t\n\n'),
  step("txn -w json", 'create("t") = "0"\n\nput t new\n\nget t\n\n'),
  step("txn -w json", 'value("absent") != "x"\n\nput no 1\n\nput yes 1\n\n'),
  step("txn", 'version("t") = "1"\n\nput t a\nput t b\n\n\n'),
  step("txn -w json", "\nget '' --prefix\nget t --rev 999\n\n\n"),
  step("txn -w json", "\nget t --prefix\ndel t --prefix --prev-kv\n\n\n"),
  step("get '' --prefix -w json"),
];

const COMPACTIONS: readonly Step[] = [
  step("put k 1"),
  step("put k 2"),
  step("put k 3"),
  step("compaction 5"),
  step("compaction 5"),
  step("compaction 4"),
  step("compaction 9999"),
  step("compaction notanumber"),
  step("get k --rev 4"),
  step("get k --rev 5 -w json"),
  step("compaction --physical 6"),
  step("get k -w json"),
  step("get '' --prefix --rev 6 -w json"),
];

const put = (key: string): Op => ({ request_put: { key: bytes(key), value: bytes("v") } });
const get = (key: string): Op => ({ request_range: { key: bytes(key) } });
const del = (key: string): Op => ({ request_delete_range: { key: bytes(key), prev_kv: true } });
const txn = (...success: Op[]): Op => ({ request_txn: { success } });

/** Their headers tell at which revision each operation stood. */
const NESTED: readonly (readonly Op[])[] = [
  [get("na"), put("na"), get("na"), del("nz"), txn(get("na"), put("nb")), get("nb")],
  [get("na"), txn(get("na"), txn(get("nb"))), del("nz"), get("na")],
  [del("nz"), get("na"), del("na"), del("nz"), txn()],
  [get("na"), txn(put("nc")), get("nc")],
  [del("nz")],
];

/** An answer as plain data, without the identities of its outer header. */
function bare(answer: etcdserverpb.TxnResponse.$Shape): unknown {
  const text = JSON.stringify(answer, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  const { header, ...rest } = JSON.parse(text) as { header: { revision: number } };
  return { revision: header.revision, ...rest };
}

/** What differs by nature: identities and terms, and the client's own retry log. */
function normalized(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.startsWith('{"level"'))
    .join("\n")
    .replace(/"(cluster_id|member_id|raft_term)":\d+/g, '"$1":0')
    .replace(/"(ClusterID|MemberID|RaftTerm)" : \d+/g, '"$1" : 0');
}

const TOOLS = ["etcd", "etcdctl"] as const;

describeWith(TOOLS, "etcdctl sees what it sees of etcd", () => {
  describe.each(protocolsFor("paxos"))("over %s", (protocol) => {
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

    /** Runs the steps on both, Hansa's member changing with each step, and compares the transcripts. */
    async function compare(steps: readonly Step[]): Promise<void> {
      const ours: string[] = [];
      const theirs: string[] = [];
      for (const [at, { args, input }] of steps.entries()) {
        const member = cluster.voters[at % cluster.voters.length]?.endpoint ?? "";
        const command = `etcdctl ${args.join(" ")}`;
        for (const [endpoint, transcript] of [
          [member, ours],
          [etcd.endpoints[0] ?? "", theirs],
        ] as const) {
          const { exit, stdout, stderr } = await etcdctl(endpoint, args, input);
          transcript.push(
            `$ ${command} -> ${exit.code}\n${normalized(stdout)}${normalized(stderr)}`,
          );
        }
      }
      expect(ours).toEqual(theirs);
    }

    test("put, get and del, in every format, order and range", async () => {
      await compare(WRITES_AND_READS);
    });

    test("transactions, with every compare target and refused ones", async () => {
      await compare(TRANSACTIONS);
    });

    test("compaction, and reads at revisions around it", async () => {
      await compare(COMPACTIONS);
    });

    test("transactions within transactions, which etcdctl cannot write", async () => {
      const leader = await cluster.leader();
      const wires = [leader.endpoint, (etcd.endpoints[0] ?? "").replace("http://", "")].map(
        (endpoint) => new WireClient(endpoint),
      );
      try {
        for (const success of NESTED) {
          const [ours, theirs] = await Promise.all(
            wires.map(async (wire) => bare(await wire.txn({ success: [...success] }, CALL_MS_MAX))),
          );
          expect(ours).toEqual(theirs);
        }
      } finally {
        for (const wire of wires) wire.close();
      }
    });

    test("member list names the three members to each of them", async () => {
      for (const member of cluster.voters) {
        const { stdout, exit } = await etcdctl(member.endpoint, ["member", "list"]);
        expect(exit.code).toBe(0);
        const rows = stdout.trim().split("\n").sort();
        expect(rows).toHaveLength(3);
        for (const row of rows) {
          expect(row).toMatch(
            /^[0-9a-f]{1,16}, started, n[123], http:\/\/127\.0\.0\.1:\d+, http:\/\/127\.0\.0\.1:\d+, false$/,
          );
        }
      }
    });

    test("endpoint status and health have etcd's fields, and one leader", async () => {
      const leaders = new Set<string>();
      const fieldsOf = (text: string): string[] =>
        [...text.matchAll(/^"(\w+)" :/gm)].map(([, name = ""]) => name);
      const reference = await etcdctl(etcd.endpoints[0] ?? "", [
        "endpoint",
        "status",
        "-w",
        "fields",
      ]);
      for (const member of cluster.voters) {
        const { stdout, exit } = await etcdctl(member.endpoint, [
          "endpoint",
          "status",
          "-w",
          "fields",
        ]);
        expect(exit.code).toBe(0);
        expect(fieldsOf(stdout)).toEqual(fieldsOf(reference.stdout));
        leaders.add(/"Leader" : (\d+)/.exec(stdout)?.[1] ?? "none");
        expect(Number(/"RaftAppliedIndex" : (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(0);
      }
      expect(leaders.size).toBe(1);
      const health = await etcdctl(cluster.endpoints, ["endpoint", "health"]);
      expect(health.exit.code).toBe(0);
      expect(`${health.stdout}${health.stderr}`.match(/is healthy/g)).toHaveLength(3);
    });
  });
});
