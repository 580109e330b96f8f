// The six read modes and put, compared on three real processes and a learner: rate, latency and the servers'
// CPU for one operation, at three concurrencies. Numbers only; it asserts that the modes were what they say.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import type { ReadMode } from "../../client/index.ts";
import { Cluster } from "../e2e/cluster.ts";
import { barChart } from "./chart.ts";
import { keyAt } from "./keys.ts";
import { MEASURE_MS, runLoad, WARM_UP_MS } from "./load.ts";
import type { Measured } from "./load.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { markdownTable, writeReadmeSection } from "./readme.ts";
import { formatTable, shortNumber } from "./table.ts";

const MODES: readonly ReadMode[] = ["quorum", "index", "lease", "follower", "learner", "local"];
const CONCURRENCIES = [1, 16, 128] as const;
const KEY_COUNT = 1_000;
const VALUE_BYTES = 256;
const RESULTS = join(__dirname, "results");
const CHART = join(__dirname, "..", "..", "docs", "read-modes.svg");

interface Row extends Measured {
  readonly operation: string;
  readonly concurrency: number;
}

describe("read-modes", () => {
  let cluster: Cluster;
  const rows: Row[] = [];

  beforeAll(async () => {
    cluster = await Cluster.start({ voters: 3, learners: 1 });
    const client = new Client({ endpoints: cluster.endpoints.split(",") });
    try {
      const value = "v".repeat(VALUE_BYTES);
      const puts = Array.from({ length: KEY_COUNT }, (_, at) => client.put(keyAt(at), value));
      await Promise.all(puts);
    } finally {
      await client.close();
    }
  });

  afterAll(async () => {
    await cluster.stop();
  });

  test("measures six modes and put", async () => {
    const pids = cluster.members.map((member) => member.pid);
    const endpoints = cluster.endpoints.split(",");
    const common = { endpoints, discover: true, keyCount: KEY_COUNT, valueBytes: VALUE_BYTES };
    const spans = { warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS };
    for (const concurrency of CONCURRENCIES) {
      for (const mode of MODES) {
        const operation = { kind: "get", mode } as const;
        const measured = await runLoad({ ...common, ...spans, operation, concurrency }, pids);
        expect(measured.failures).toBe(0);
        expect(Object.keys(measured.used)).toContain(mode);
        rows.push({ ...measured, operation: mode, concurrency });
      }
      const operation = { kind: "put" } as const;
      const measured = await runLoad({ ...common, ...spans, operation, concurrency }, pids);
      expect(measured.failures).toBe(0);
      rows.push({ ...measured, operation: "put", concurrency });
    }
    const machine = describeMachine();
    process.stdout.write(`\n${formatTable(cellsOf(rows))}\n\n${machineLine(machine)}\n`);
    mkdirSync(RESULTS, { recursive: true });
    const result = { machine, valueBytes: VALUE_BYTES, keyCount: KEY_COUNT, ...spans, rows };
    writeFileSync(join(RESULTS, "read-modes.json"), `${JSON.stringify(result, null, 2)}\n`);
    writeFileSync(CHART, chartOf(rows, machineLine(machine)));
    const middle = rows.filter(({ concurrency }) => concurrency === 16);
    writeReadmeSection(
      "read-modes",
      `${markdownTable(cellsOf(middle))}\n\n${machineLine(machine)}.`,
    );
  });
});

function cellsOf(rows: readonly Row[]): string[][] {
  const head = [
    "operation",
    "clients",
    "ops/s",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "server µs/op",
    "client µs/op",
  ];
  const body = rows.map((row) => [
    row.operation,
    String(row.concurrency),
    shortNumber(row.perSecond),
    shortNumber(row.p50),
    shortNumber(row.p99),
    shortNumber(row.p999),
    shortNumber(row.serverCpuUs),
    shortNumber(row.clientCpuUs),
  ]);
  return [head, ...body];
}

function chartOf(rows: readonly Row[], caption: string): string {
  return barChart(
    "Operations a second by read mode (logarithmic)",
    caption,
    rows.map(({ operation, concurrency, perSecond }) => ({
      group: operation,
      series: concurrency === 1 ? "1 client" : `${concurrency} clients`,
      value: perSecond,
    })),
  );
}
