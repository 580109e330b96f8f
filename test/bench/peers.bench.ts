// Debian's etcd and Hansa, three members each, in turn on the same machine: the same frames by h2load, and
// the same client library. Prints ratios; a ratio above 1 is Hansa ahead. Numbers only.
import { expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import { etcdserverpb, hansa } from "../../proto/index.ts";
import { Cluster } from "../e2e/cluster.ts";
import { EtcdCluster } from "../e2e/etcd.ts";
import { describeWith } from "../e2e/tools.ts";
import { bytes, WireClient } from "../e2e/wire-client.ts";
import type { LoadPlan } from "./client-load.ts";
import { runH2load } from "./h2load.ts";
import { keyAt } from "./keys.ts";
import { MEASURE_MS, runLoad, WARM_UP_MS } from "./load.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { processorMs } from "./processor-time.ts";
import { markdownTable, writeReadmeSection, writeResult } from "./readme.ts";
import { formatTable, shortNumber } from "./table.ts";

const CONNECTIONS = 10;
const STREAMS = 10;
const KEY_COUNT = 1_000;
const VALUE_BYTES = 256;
const CALL_MS_MAX = 10_000;

type Peer = "etcd" | "hansa";

interface Row {
  readonly peer: Peer;
  readonly driver: "h2load" | "client library";
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
  readonly endpoints: readonly string[];
  readonly pids: readonly number[];
}

interface Frame {
  readonly operation: string;
  readonly path: "/etcdserverpb.KV/Put" | "/etcdserverpb.KV/Range";
  readonly message: Uint8Array;
  /** Only Hansa knows it. */
  readonly hansaOnly?: boolean;
}

const key = bytes(keyAt(1));
const value = bytes("v".repeat(VALUE_BYTES));

function range(request: etcdserverpb.RangeRequest.$Properties): Uint8Array {
  return etcdserverpb.RangeRequest.encode({ key, ...request }).finish();
}

const FRAMES: readonly Frame[] = [
  {
    operation: "put",
    path: "/etcdserverpb.KV/Put",
    message: etcdserverpb.PutRequest.encode({ key, value }).finish(),
  },
  { operation: "linearizable range", path: "/etcdserverpb.KV/Range", message: range({}) },
  {
    operation: "linearizable range (lease)",
    path: "/etcdserverpb.KV/Range",
    message: range({ read_mode: hansa.v1.ReadMode.LEASE }),
    hansaOnly: true,
  },
  {
    operation: "serializable range",
    path: "/etcdserverpb.KV/Range",
    message: range({ serializable: true }),
  },
];

/** Frame for frame on one connection set to the leader; success is judged by what the store then holds. */
async function byH2load(subject: Subject): Promise<Row[]> {
  const rows: Row[] = [];
  const wire = new WireClient(subject.endpoint);
  try {
    for (const frame of FRAMES) {
      if (frame.hansaOnly === true && subject.peer === "etcd") continue;
      const before = await wire.range({ key }, CALL_MS_MAX);
      const cpuBefore = processorMs(subject.pids);
      const report = await runH2load({
        endpoint: subject.endpoint,
        path: frame.path,
        message: frame.message,
        connections: CONNECTIONS,
        streams: STREAMS,
        seconds: MEASURE_MS / 1_000,
      });
      const cpuMs = processorMs(subject.pids) - cpuBefore;
      expect(report.failed).toBe(0);
      const after = await wire.range({ key }, CALL_MS_MAX);
      const written = Number(after.header?.revision ?? 0) - Number(before.header?.revision ?? 0);
      // h2load counts HTTP answers; gRPC's own failures would show here as writes that are missing.
      if (frame.operation === "put") expect(written).toBeGreaterThanOrEqual(report.succeeded);
      else expect(written).toBe(0);
      // The warm-up is served as well: the rate over the whole run stands for what the CPU did.
      const served = report.perSecond * (MEASURE_MS / 1_000 + 1);
      rows.push({
        peer: subject.peer,
        driver: "h2load",
        operation: frame.operation,
        perSecond: report.perSecond,
        p50: report.p50,
        p99: report.p99,
        serverCpuUs: (cpuMs * 1_000) / Math.max(1, served),
      });
    }
  } finally {
    wire.close();
  }
  return rows;
}

/** The library as it comes: on Hansa with sessions and its pipeline, on etcd by unary calls. */
async function byClientLibrary(subject: Subject): Promise<Row[]> {
  const operations: readonly [string, LoadPlan["operation"]][] = [
    ["put", { kind: "put" }],
    ["linearizable range", { kind: "get", mode: "default" }],
    ["linearizable range (lease)", { kind: "get", mode: "lease" }],
    ["serializable range", { kind: "get", mode: "local" }],
  ];
  const rows: Row[] = [];
  for (const [operation, wanted] of operations) {
    if (subject.peer === "etcd" && operation.endsWith("(lease)")) continue;
    const report = await runLoad(
      {
        endpoints: subject.endpoints,
        discover: false,
        operation: wanted,
        concurrency: CONNECTIONS * STREAMS,
        warmUpMs: WARM_UP_MS,
        measureMs: MEASURE_MS,
        keyCount: KEY_COUNT,
        valueBytes: VALUE_BYTES,
      },
      subject.pids,
    );
    expect(report.failures).toBe(0);
    const { perSecond, p50, p99, serverCpuUs } = report;
    rows.push({
      peer: subject.peer,
      driver: "client library",
      operation,
      perSecond,
      p50,
      p99,
      serverCpuUs,
    });
  }
  return rows;
}

async function measure(subject: Subject): Promise<Row[]> {
  const client = new Client({ endpoints: subject.endpoints, discover: false });
  try {
    const text = "v".repeat(VALUE_BYTES);
    await Promise.all(Array.from({ length: KEY_COUNT }, (_, at) => client.put(keyAt(at), text)));
  } finally {
    await client.close();
  }
  return [...(await byH2load(subject)), ...(await byClientLibrary(subject))];
}

async function measureEtcd(): Promise<Row[]> {
  const cluster = await EtcdCluster.start(3);
  try {
    const endpoints = cluster.endpoints.map((endpoint) => endpoint.replace("http://", ""));
    const endpoint = (await cluster.leader()).replace("http://", "");
    return await measure({
      peer: "etcd",
      endpoint,
      endpoints,
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
    const endpoints = cluster.endpoints.split(",");
    return await measure({
      peer: "hansa",
      endpoint,
      endpoints,
      pids: cluster.members.map(({ pid }) => pid),
    });
  } finally {
    await cluster.stop();
  }
}

/** Hansa's rate over etcd's; a lease range is set against etcd's linearizable one, its nearest. */
function ratioRows(rows: readonly Row[]): string[][] {
  return rows
    .filter(({ peer }) => peer === "hansa")
    .map((own) => {
      const twin = rows.find(
        ({ peer, driver, operation }) =>
          peer === "etcd" &&
          driver === own.driver &&
          operation === own.operation.replace(" (lease)", ""),
      );
      if (twin === undefined) throw new Error(`etcd has no row for ${own.operation}`);
      return [
        own.operation,
        own.driver,
        ...[twin, own].flatMap(({ perSecond, p50, p99, serverCpuUs }) => [
          shortNumber(perSecond),
          shortNumber(p50),
          shortNumber(p99),
          shortNumber(serverCpuUs),
        ]),
        (own.perSecond / twin.perSecond).toFixed(2),
      ];
    });
}

describeWith(["etcd", "etcdctl", "h2load"], "peers", () => {
  test("measures etcd and Hansa in turn", async () => {
    const rows = [...(await measureEtcd()), ...(await measureHansa())];
    const machine = describeMachine();
    const columns = ["ops/s", "p50 ms", "p99 ms", "server µs/op"];
    const head = [
      "operation",
      "driver",
      ...columns.map((name) => `etcd ${name}`),
      ...columns.map((name) => `Hansa ${name}`),
      "ratio",
    ];
    const cells = [head, ...ratioRows(rows)];
    process.stdout.write(`\n${formatTable(cells)}\n\n${machineLine(machine)}\n`);
    const result = {
      machine,
      connections: CONNECTIONS,
      streams: STREAMS,
      valueBytes: VALUE_BYTES,
      rows,
    };
    writeResult("peers", result);
    writeReadmeSection("peers", `${markdownTable(cells)}\n\n${machineLine(machine)}.`);
  });
});
