// Transactions, keep-alives of leases and watches: Debian's etcd and Hansa, three members each, in turn on the
// same machine with the same frames. Prints ratios; a ratio above 1 is Hansa ahead. Numbers only.
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { etcdserverpb } from "../../proto/index.ts";
import { Child } from "../e2e/child.ts";
import { Cluster } from "../e2e/cluster.ts";
import { EtcdCluster } from "../e2e/etcd.ts";
import { describeWith } from "../e2e/tools.ts";
import { bytes, WireClient } from "../e2e/wire-client.ts";
import { runH2load } from "./h2load.ts";
import { MEASURE_MS } from "./load.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { processorMs } from "./processor-time.ts";
import { markdownTable, writeReadmeSection, writeResult } from "./readme.ts";
import type { StreamPlan, StreamReport } from "./stream-load.ts";
import { formatTable, shortNumber } from "./table.ts";

const GENERATOR = join(__dirname, "..", "..", "dist", "test", "bench", "stream-load.js");
const START_MS_MAX = 60_000;
const CALL_MS_MAX = 10_000;
/** Ten times what a quiet machine takes. */
const RUN_MS_MAX = 20 * 60_000;

type Peer = "etcd" | "hansa";

interface Row {
  readonly peer: Peer;
  readonly operation: string;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly serverCpuUs: number;
}

interface Subject {
  readonly peer: Peer;
  /** The leader's. */
  readonly endpoint: string;
  /** All of them, the leader's first: who writes writes there. */
  readonly endpoints: readonly string[];
  readonly pids: readonly number[];
}

type Streams = [operation: string, plan: (subject: Subject) => StreamPlan];

const STREAMS: readonly Streams[] = [
  [
    "lease keep-alive, 1,000 leases, 8 streams of 32",
    ({ endpoint }) => ({
      kind: "keep-alive",
      endpoints: [endpoint],
      measureMs: MEASURE_MS,
      leases: 1_000,
      streams: 8,
      window: 32,
    }),
  ],
  [
    "watch, put to event, 3 watches on 3 members",
    ({ endpoints }) => ({
      kind: "watch",
      endpoints,
      measureMs: MEASURE_MS,
      watches: 3,
      connections: 3,
    }),
  ],
  [
    "watch fan-out, 100 watches on 6 streams",
    ({ endpoints }) => ({
      kind: "watch",
      endpoints,
      measureMs: MEASURE_MS,
      watches: 100,
      connections: 6,
    }),
  ],
  [
    "watch fan-out, 1,000 watches on 6 streams",
    ({ endpoints }) => ({
      kind: "watch",
      endpoints,
      measureMs: MEASURE_MS,
      watches: 1_000,
      connections: 6,
    }),
  ],
];

/** Compares the key's version, which is never negative, and writes: one key, both branches known. */
const TXN = etcdserverpb.TxnRequest.encode({
  compare: [
    {
      key: bytes("counted"),
      target: etcdserverpb.Compare.CompareTarget.VERSION,
      result: etcdserverpb.Compare.CompareResult.GREATER,
      version: -1,
    },
  ],
  success: [{ request_put: { key: bytes("counted"), value: bytes("v".repeat(256)) } }],
  failure: [{ request_range: { key: bytes("counted") } }],
}).finish();

async function transactions(subject: Subject): Promise<Row> {
  const wire = new WireClient(subject.endpoint);
  try {
    const revision = async (): Promise<number> => {
      const answer = await wire.range({ key: bytes("counted") }, CALL_MS_MAX);
      return Number(answer.header?.revision ?? 0);
    };
    const before = await revision();
    const cpuBefore = processorMs(subject.pids);
    const report = await runH2load({
      endpoint: subject.endpoint,
      path: "/etcdserverpb.KV/Txn",
      message: TXN,
      connections: 10,
      streams: 10,
      seconds: MEASURE_MS / 1_000,
    });
    const cpuMs = processorMs(subject.pids) - cpuBefore;
    // h2load counts HTTP answers; a transaction that gRPC refused would be missing here.
    expect((await revision()) - before).toBeGreaterThanOrEqual(report.succeeded);
    const served = report.perSecond * (MEASURE_MS / 1_000 + 1);
    const { perSecond, p50, p99 } = report;
    const serverCpuUs = (cpuMs * 1_000) / Math.max(1, served);
    const operation = "transaction, compare and put";
    return { peer: subject.peer, operation, perSecond, p50, p99, serverCpuUs };
  } finally {
    wire.close();
  }
}

async function streams(subject: Subject, [operation, planOf]: Streams): Promise<Row> {
  const plan = planOf(subject);
  const generator = new Child(process.execPath, [GENERATOR, JSON.stringify(plan)]);
  const deadlineMs = plan.measureMs * 2 + START_MS_MAX;
  await generator.line(/^begin$/, deadlineMs);
  const before = processorMs(subject.pids);
  await generator.line(/^end$/, deadlineMs);
  const cpuMs = processorMs(subject.pids) - before;
  const report = JSON.parse(await generator.line(/^\{/, deadlineMs)) as StreamReport;
  await generator.exited;
  const { perSecond, p50, p99 } = report;
  const serverCpuUs = (cpuMs * 1_000) / Math.max(1, (perSecond * plan.measureMs) / 1_000);
  return { peer: subject.peer, operation, perSecond, p50, p99, serverCpuUs };
}

async function measure(subject: Subject): Promise<Row[]> {
  const rows = [await transactions(subject)];
  for (const each of STREAMS) rows.push(await streams(subject, each));
  return rows;
}

function leaderFirst(endpoint: string, all: readonly string[]): string[] {
  return [endpoint, ...all.filter((other) => other !== endpoint)];
}

async function measureEtcd(): Promise<Row[]> {
  const cluster = await EtcdCluster.start(3);
  try {
    const all = cluster.endpoints.map((each) => each.replace("http://", ""));
    const endpoint = (await cluster.leader()).replace("http://", "");
    return await measure({
      peer: "etcd",
      endpoint,
      endpoints: leaderFirst(endpoint, all),
      pids: cluster.members.map(({ pid }) => pid),
    });
  } finally {
    await cluster.stop();
  }
}

async function measureHansa(): Promise<Row[]> {
  const cluster = await Cluster.start({ voters: 3, isMeasured: true });
  try {
    const { endpoint } = await cluster.leader();
    return await measure({
      peer: "hansa",
      endpoint,
      endpoints: leaderFirst(endpoint, cluster.endpoints.split(",")),
      pids: cluster.members.map(({ pid }) => pid),
    });
  } finally {
    await cluster.stop();
  }
}

function cellsOf(etcd: readonly Row[], hansa: readonly Row[]): string[][] {
  const columns = ["a second", "p50 ms", "p99 ms", "server µs each"];
  const heads = ["etcd", "Hansa"].flatMap((peer) => columns.map((name) => `${peer} ${name}`));
  const body = hansa.map((own, at) => {
    const twin = etcd[at];
    if (twin?.operation !== own.operation) throw new Error(`etcd has no row for ${own.operation}`);
    const figures = [twin, own].flatMap(({ perSecond, p50, p99, serverCpuUs }) =>
      [perSecond, p50, p99, serverCpuUs].map(shortNumber),
    );
    return [own.operation, ...figures, (own.perSecond / twin.perSecond).toFixed(2)];
  });
  return [["operation", ...heads, "ratio"], ...body];
}

describeWith(["etcd", "etcdctl", "h2load"], "services", () => {
  const measureBoth = async (): Promise<void> => {
    const etcd = await measureEtcd();
    const hansa = await measureHansa();
    const machine = describeMachine();
    const cells = cellsOf(etcd, hansa);
    process.stdout.write(`\n${formatTable(cells)}\n\n${machineLine(machine)}\n`);
    writeResult("services", { machine, rows: [...etcd, ...hansa] });
    writeReadmeSection("services", `${markdownTable(cells)}\n\n${machineLine(machine)}.`);
  };

  test("measures etcd and Hansa in turn", measureBoth, RUN_MS_MAX);
});
