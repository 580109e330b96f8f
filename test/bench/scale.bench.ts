// What many keys cost one member: memory, disk, the time to start again, a snapshot, and how long writers wait
// while somebody reads 100,000 keys at once. Debian's etcd and Hansa in turn in one run. Numbers only.
import { join } from "node:path";
import { setTimeout as span } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { Child } from "../e2e/child.ts";
import { describeWith } from "../e2e/tools.ts";
import { until } from "../e2e/until.ts";
import { bytes, WireClient } from "../e2e/wire-client.ts";
import { keyAt } from "./keys.ts";
import { diskMib, loneEtcd, loneHansa, residentMib } from "./lone-server.ts";
import type { LoneServer } from "./lone-server.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { percentiles } from "./percentiles.ts";
import { processorMs } from "./processor-time.ts";
import { markdownTable, writeReadmeSection, writeResult } from "./readme.ts";
import type { Reading, ReadPlan } from "./stream-reader.ts";
import { formatTable, shortNumber } from "./table.ts";

/** A shorter list is for a look and is no result. */
const KEY_COUNTS = (process.env["HANSA_BENCH_KEYS"] ?? "100000,1000000").split(",").map(Number);
const VALUE_BYTES = 256;
const PUTS_A_TXN = 100;
const TXNS_AT_ONCE = 16;
const PREFIX_KEYS = 100_000;
const PREFIX_READS = 5;
const CALL_MS_MAX = 60_000;
const START_MS_MAX = 180_000;
/** Memory is looked at when what was begun behind the answers has had time to end. */
const SETTLE_MS = 3_000;
/** Five times what a quiet machine takes. */
const RUN_MS_MAX = 40 * 60_000;
const READER = join(__dirname, "..", "..", "dist", "test", "bench", "stream-reader.js");

interface Figures {
  readonly peer: LoneServer["peer"];
  readonly keys: number;
  readonly loadedPerSecond: number;
  readonly loadCpuUs: number;
  readonly residentMib: number;
  readonly diskMib: number;
  readonly restartSeconds: number;
  readonly restartCpuSeconds: number;
  readonly residentAgainMib: number;
  readonly snapshotSeconds: number;
  readonly snapshotMib: number;
  readonly prefixMs: number;
  readonly putAloneMs: Latency;
  readonly lookAloneMs: Latency;
  readonly putDuringPrefixMs: Latency;
  /** The wait of whoever comes meanwhile and writes nothing. */
  readonly lookDuringPrefixMs: Latency;
  readonly putDuringSnapshotMs: Latency;
}

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** `key/0000001`: the first 100,000 share a prefix. */
function keyOf(at: number): Uint8Array {
  return bytes(`${at < PREFIX_KEYS ? "a" : "b"}/${keyAt(at)}`);
}

async function load(wire: WireClient, keys: number): Promise<number> {
  const value = bytes("v".repeat(VALUE_BYTES));
  let next = 0;
  const startedAtMs = performance.now();
  const worker = async (): Promise<void> => {
    while (next < keys) {
      const from = next;
      next += PUTS_A_TXN;
      const count = Math.min(PUTS_A_TXN, keys - from);
      const success = Array.from({ length: count }, (_, at) => ({
        request_put: { key: keyOf(from + at), value },
      }));
      await wire.txn({ success }, CALL_MS_MAX);
    }
  };
  await Promise.all(Array.from({ length: TXNS_AT_ONCE }, worker));
  return keys / ((performance.now() - startedAtMs) / 1_000);
}

interface Start {
  readonly seconds: number;
  /** Of the server. */
  readonly cpuSeconds: number;
}

async function start(server: LoneServer, wire: WireClient): Promise<Start> {
  const startedAtMs = performance.now();
  server.start();
  await until("it answers a linearizable read", START_MS_MAX, async () => {
    try {
      await wire.range({ key: keyOf(1) }, 1_000);
      return true;
    } catch {
      // It does not listen yet, or does not serve yet.
      return undefined;
    }
  });
  const seconds = (performance.now() - startedAtMs) / 1_000;
  return { seconds, cpuSeconds: processorMs([server.pid]) / 1_000 };
}

/** One caller in a closed loop for as long as `work` takes. */
async function callsDuring(call: () => Promise<unknown>, work: Promise<unknown>): Promise<Latency> {
  const latencies: number[] = [];
  let over = false;
  const done = work.finally(() => (over = true));
  while (!over) {
    const startedAtMs = performance.now();
    await call();
    latencies.push(performance.now() - startedAtMs);
  }
  await done;
  const { p50, p99 } = percentiles(latencies);
  return { p50, p99, most: latencies.at(-1) ?? 0 };
}

async function readings(plan: ReadPlan): Promise<readonly Reading[]> {
  const reader = new Child(process.execPath, [READER, JSON.stringify(plan)]);
  await reader.line(/^end$/, START_MS_MAX);
  await reader.exited;
  const lines = reader.output.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as Reading);
}

async function measure(server: LoneServer, keys: number): Promise<Figures> {
  const wire = new WireClient(server.endpoint);
  const { peer, endpoint } = server;
  try {
    await start(server, wire);
    const cpuBeforeMs = processorMs([server.pid]);
    const loadedPerSecond = await load(wire, keys);
    const loadCpuUs = ((processorMs([server.pid]) - cpuBeforeMs) * 1_000) / keys;
    await span(SETTLE_MS);
    const loaded = { residentMib: residentMib(server.pid), diskMib: diskMib(server.dataDir) };
    await server.terminate();
    const { seconds: restartSeconds, cpuSeconds: restartCpuSeconds } = await start(server, wire);
    await span(SETTLE_MS);
    const residentAgainMib = residentMib(server.pid);
    const key = bytes("c/writer");
    const put = (): Promise<unknown> => wire.put({ key, value: bytes("w") }, CALL_MS_MAX);
    const look = (): Promise<unknown> => wire.range({ key, serializable: true }, CALL_MS_MAX);
    const putAloneMs = await callsDuring(put, span(2_000));
    const lookAloneMs = await callsDuring(look, span(2_000));
    const prefix = { kind: "prefix", prefix: "a/" } as const;
    const ranges = (): Promise<readonly Reading[]> =>
      readings({ endpoint, what: prefix, times: PREFIX_READS });
    const prefixReadings = ranges();
    const putDuringPrefixMs = await callsDuring(put, prefixReadings);
    const lookDuringPrefixMs = await callsDuring(look, ranges());
    const snapshotReadings = readings({ endpoint, what: { kind: "snapshot" }, times: 1 });
    const putDuringSnapshotMs = await callsDuring(put, snapshotReadings);
    const prefixes = await prefixReadings;
    const [snapshot] = await snapshotReadings;
    if (snapshot === undefined) throw new Error("a snapshot was read");
    for (const reading of prefixes) {
      expect(reading.bytes).toBeGreaterThan(Math.min(keys, PREFIX_KEYS) * VALUE_BYTES);
    }
    return {
      peer,
      keys,
      loadedPerSecond,
      loadCpuUs,
      ...loaded,
      restartSeconds,
      restartCpuSeconds,
      residentAgainMib,
      snapshotSeconds: snapshot.ms / 1_000,
      snapshotMib: snapshot.bytes / 2 ** 20,
      prefixMs: percentiles(prefixes.map(({ ms }) => ms)).p50,
      putAloneMs,
      lookAloneMs,
      putDuringPrefixMs,
      lookDuringPrefixMs,
      putDuringSnapshotMs,
    };
  } finally {
    wire.close();
    await server.remove();
  }
}

function latency({ p50, p99, most }: Latency): string {
  return `${shortNumber(p50)} / ${shortNumber(p99)} / ${shortNumber(most)}`;
}

function cells(all: readonly Figures[]): string[][] {
  const columns = all.map(({ peer, keys }) => `${peer} ${keys.toLocaleString("en-US")}`);
  const row = (name: string, of: (figures: Figures) => string): string[] => [name, ...all.map(of)];
  return [
    ["256-byte values", ...columns],
    row("loading, keys/s", (each) => shortNumber(each.loadedPerSecond)),
    row("server CPU of loading, µs a key", (each) => shortNumber(each.loadCpuUs)),
    row("memory after loading, MiB", (each) => shortNumber(each.residentMib)),
    row("memory after a restart, MiB", (each) => shortNumber(each.residentAgainMib)),
    row("disk, MiB", (each) => shortNumber(each.diskMib)),
    row("restart to the first linearizable read, s", (each) => shortNumber(each.restartSeconds)),
    row("server CPU of that restart, s", (each) => shortNumber(each.restartCpuSeconds)),
    row("snapshot, s", (each) => shortNumber(each.snapshotSeconds)),
    row("snapshot, MiB", (each) => shortNumber(each.snapshotMib)),
    row("reading 100,000 keys in one range, ms", (each) => shortNumber(each.prefixMs)),
    row("put alone, p50 / p99 / most ms", (each) => latency(each.putAloneMs)),
    row("one key alone, serializable, p50 / p99 / most ms", (each) => latency(each.lookAloneMs)),
    row("one key during such reads, p50 / p99 / most ms", (each) =>
      latency(each.lookDuringPrefixMs),
    ),
    row("put during such reads, p50 / p99 / most ms", (each) => latency(each.putDuringPrefixMs)),
    row("put during a snapshot, p50 / p99 / most ms", (each) => latency(each.putDuringSnapshotMs)),
  ];
}

describeWith(["etcd"], "scale", () => {
  const measureAll = async (): Promise<void> => {
    const all: Figures[] = [];
    for (const keys of KEY_COUNTS) {
      all.push(await measure(await loneEtcd(), keys));
      all.push(await measure(await loneHansa(), keys));
    }
    const machine = describeMachine();
    process.stdout.write(`\n${formatTable(cells(all))}\n\n${machineLine(machine)}\n`);
    writeResult("scale", { machine, all });
    writeReadmeSection("scale", `${markdownTable(cells(all))}\n\n${machineLine(machine)}.`);
  };

  test("measures etcd and Hansa in turn", measureAll, RUN_MS_MAX);
});
