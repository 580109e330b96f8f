// The six read modes and put over Raft and Multi-Paxos, each on three real processes and a learner, measured in
// turn in one run: rate, latency and the servers' CPU for one operation, by three numbers of callers. Numbers
// only; it asserts that the modes were what they say.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import { Cluster, PROTOCOLS } from "../e2e/cluster.ts";
import { barChart } from "./chart.ts";
import { keyAt } from "./keys.ts";
import type { LoadPlan } from "./client-load.ts";
import { MEASURE_MS, runLoad, WARM_UP_MS } from "./load.ts";
import type { Measured } from "./load.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { markdownTable, writeChart, writeReadmeSection, writeResult } from "./readme.ts";
import { formatTable, shortNumber } from "./table.ts";

type Protocol = (typeof PROTOCOLS)[number];

const TITLES: Readonly<Record<Protocol, string>> = { raft: "Raft", paxos: "Paxos" };
const OPERATIONS = ["quorum", "index", "lease", "follower", "learner", "local", "put"] as const;
const CONCURRENCIES = [1, 16, 128] as const;
const KEY_COUNT = 1_000;
const VALUE_BYTES = 256;

interface Row extends Measured {
  readonly protocol: Protocol;
  readonly operation: string;
  readonly concurrency: number;
}

describe("read-modes", () => {
  const clusters = new Map<Protocol, Cluster>();

  beforeAll(async () => {
    for (const protocol of PROTOCOLS) {
      const flags = ["--consensus", protocol];
      const cluster = await Cluster.start({ voters: 3, learners: 1, flags, isMeasured: true });
      clusters.set(protocol, cluster);
      await fill(cluster);
    }
  });

  afterAll(async () => {
    for (const cluster of clusters.values()) await cluster.stop();
  });

  test("measures six modes and put over both protocols, in turn", async () => {
    const rows: Row[] = [];
    for (const concurrency of CONCURRENCIES) {
      for (const operation of OPERATIONS) {
        for (const [protocol, cluster] of clusters) {
          const measured = await measure(cluster, operation, concurrency);
          rows.push({ ...measured, protocol, operation, concurrency });
        }
      }
    }
    const machine = describeMachine();
    const cells = cellsOf(rows);
    process.stdout.write(`\n${formatTable(cells)}\n\n${machineLine(machine)}\n`);
    const spans = { warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS };
    const result = { machine, valueBytes: VALUE_BYTES, keyCount: KEY_COUNT, ...spans, rows };
    writeResult("read-modes", result);
    writeChart("read-modes", chartOf(rows, machineLine(machine)));
    writeReadmeSection("read-modes", `${markdownTable(cells)}\n\n${machineLine(machine)}.`);
  });
});

async function fill(cluster: Cluster): Promise<void> {
  const client = new Client({ endpoints: cluster.endpoints.split(",") });
  try {
    const value = "v".repeat(VALUE_BYTES);
    await Promise.all(Array.from({ length: KEY_COUNT }, (_, at) => client.put(keyAt(at), value)));
  } finally {
    await client.close();
  }
}

/** The servers' CPU is this cluster's alone; the other one is idle meanwhile. */
async function measure(
  cluster: Cluster,
  operation: (typeof OPERATIONS)[number],
  concurrency: number,
): Promise<Measured> {
  const plan: LoadPlan = {
    endpoints: cluster.endpoints.split(","),
    discover: true,
    operation: operation === "put" ? { kind: "put" } : { kind: "get", mode: operation },
    concurrency,
    warmUpMs: WARM_UP_MS,
    measureMs: MEASURE_MS,
    keyCount: KEY_COUNT,
    valueBytes: VALUE_BYTES,
  };
  const measured = await runLoad(
    plan,
    cluster.members.map((member) => member.pid),
  );
  expect(measured.failures).toBe(0);
  if (operation !== "put") expect(Object.keys(measured.used)).toContain(operation);
  return measured;
}

/** A line an operation and number of callers, the protocols side by side. */
function cellsOf(rows: readonly Row[]): string[][] {
  const columns = ["ops/s", "p50 ms", "p99 ms", "server µs/op"];
  const head = [
    "operation",
    "callers",
    ...PROTOCOLS.flatMap((protocol) => columns.map((name) => `${TITLES[protocol]} ${name}`)),
    "Paxos / Raft",
  ];
  const body = CONCURRENCIES.flatMap((concurrency) =>
    OPERATIONS.map((operation) => {
      const [raft, paxos] = PROTOCOLS.map((protocol) =>
        rowOf(rows, protocol, operation, concurrency),
      );
      if (raft === undefined || paxos === undefined) throw new Error("two protocols are measured");
      const numbers = [raft, paxos].flatMap(({ perSecond, p50, p99, serverCpuUs }) =>
        [perSecond, p50, p99, serverCpuUs].map(shortNumber),
      );
      const ratio = (paxos.perSecond / raft.perSecond).toFixed(2);
      return [operation, String(concurrency), ...numbers, ratio];
    }),
  );
  return [head, ...body];
}

function rowOf(
  rows: readonly Row[],
  protocol: Protocol,
  operation: string,
  concurrency: number,
): Row {
  const found = rows.find(
    (row) =>
      row.protocol === protocol && row.operation === operation && row.concurrency === concurrency,
  );
  if (found === undefined) {
    throw new Error(`${operation} over ${protocol} by ${concurrency} was not measured`);
  }
  return found;
}

function chartOf(rows: readonly Row[], caption: string): string {
  const series = PROTOCOLS.flatMap((protocol) =>
    CONCURRENCIES.map((concurrency) => ({ protocol, concurrency })),
  );
  return barChart(
    "Operations a second by read mode, protocol and callers (logarithmic)",
    caption,
    OPERATIONS.flatMap((operation) =>
      series.map(({ protocol, concurrency }) => ({
        group: operation,
        series: `${TITLES[protocol]}, ${concurrency}`,
        value: rowOf(rows, protocol, operation, concurrency).perSecond,
      })),
    ),
  );
}
