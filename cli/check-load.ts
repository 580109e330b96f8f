// `hansa check perf` and `hansa check datascale`: etcdctl's workloads and its limits, by the same names.
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "../client/index.ts";
import { finding } from "./check-finding.ts";
import type { Finding } from "./check-finding.ts";
import { metricValue, readMetrics } from "./check-sample.ts";
import type { Session } from "./session.ts";

export type LoadName = "s" | "m" | "l" | "xl";

interface PerfLoad {
  readonly writesPerSecond: number;
  readonly callers: number;
}

const PERF: Readonly<Record<LoadName, PerfLoad>> = {
  s: { writesPerSecond: 150, callers: 50 },
  m: { writesPerSecond: 1_000, callers: 200 },
  l: { writesPerSecond: 8_000, callers: 500 },
  xl: { writesPerSecond: 15_000, callers: 1_000 },
};

interface ScaleLoad {
  readonly keys: number;
  readonly callers: number;
}

const SCALE: Readonly<Record<LoadName, ScaleLoad>> = {
  s: { keys: 10_000, callers: 50 },
  m: { keys: 100_000, callers: 200 },
  l: { keys: 1_000_000, callers: 500 },
  xl: { keys: 3_000_000, callers: 1_000 },
};

const KEY_BYTES = 256;
const VALUE_BYTES = 1_024;
const THROUGHPUT_SHARE_MIN = 0.9;
const SLOWEST_S_MAX = 0.5;
const DEVIATION_S_MAX = 0.1;

/** Callers that begin no more often than the load says. Told how many writes are done. */
async function write(
  client: Client,
  load: { readonly callers: number; readonly writesPerSecond?: number },
  keyOf: (at: number) => string,
  goesOn: (begun: number) => boolean,
  onDone: (seconds: number, done: number) => void,
): Promise<void> {
  const startedAtMs = performance.now();
  const value = Buffer.alloc(VALUE_BYTES);
  let begun = 0;
  let done = 0;
  const caller = async (): Promise<void> => {
    while (goesOn(begun)) {
      const at = begun;
      begun += 1;
      const { writesPerSecond } = load;
      const dueAtMs =
        writesPerSecond === undefined ? 0 : startedAtMs + (at / writesPerSecond) * 1_000;
      const waitMs = dueAtMs - performance.now();
      if (waitMs > 0) await delay(waitMs);
      const sentAtMs = performance.now();
      await client.put(keyOf(at), value);
      done += 1;
      onDone((performance.now() - sentAtMs) / 1_000, done);
    }
  };
  await Promise.all(Array.from({ length: load.callers }, caller));
}

export interface LoadPlan {
  readonly load: LoadName;
  readonly prefix: string;
  readonly durationMs: number;
  readonly stop: AbortSignal;
  readonly onDone: (done: number) => void;
}

export async function checkPerf(client: Client, plan: LoadPlan): Promise<Finding[]> {
  const load = PERF[plan.load];
  const seconds: number[] = [];
  const startedAtMs = performance.now();
  const writes = Math.floor((load.writesPerSecond * plan.durationMs) / 1_000);
  await write(
    client,
    load,
    (at) => `${plan.prefix}${at}`.padEnd(KEY_BYTES, "k"),
    (begun) => begun < writes && !plan.stop.aborted,
    (took, done) => {
      seconds.push(took);
      plan.onDone(done);
    },
  );
  const elapsedS = (performance.now() - startedAtMs) / 1_000;
  const rate = Math.round(seconds.length / elapsedS);
  const slowest = seconds.reduce((most, one) => Math.max(most, one), 0);
  const mean = seconds.reduce((sum, one) => sum + one, 0) / Math.max(1, seconds.length);
  const squares = seconds.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / Math.max(1, seconds.length));
  const enough = rate >= load.writesPerSecond * THROUGHPUT_SHARE_MIN;
  const advice = "look at disks (`hansa check`), at the network, and at what else runs there";
  const judge = (name: string, ok: boolean, found: string): Finding =>
    finding(name, ok ? "pass" : "fail", found, advice);
  return [
    judge("throughput", enough, `${rate} of ${load.writesPerSecond} writes/s`),
    judge("slowest request", slowest <= SLOWEST_S_MAX, `${slowest.toFixed(6)} s`),
    judge("stddev", deviation <= DEVIATION_S_MAX, `${deviation.toFixed(6)} s`),
  ];
}

/** The first endpoint's memory before and after, by its metrics. */
export async function checkDatascale(session: Session, plan: LoadPlan): Promise<Finding[]> {
  const load = SCALE[plan.load];
  const [endpoint = ""] = session.endpoints;
  const memory = async (): Promise<number | undefined> => {
    const { metrics = "" } = await readMetrics(endpoint, session.tls, Date.now());
    return metricValue(metrics, "process_resident_memory_bytes");
  };
  const before = await memory();
  await write(
    session.client,
    load,
    (at) => `${plan.prefix}${at}`,
    (begun) => begun < load.keys && !plan.stop.aborted,
    (_, done) => {
      plan.onDone(done);
    },
  );
  const after = await memory();
  if (before === undefined || after === undefined) {
    const advice = "give an endpoint whose /metrics this machine can read";
    return [finding("memory", "fail", `no process_resident_memory_bytes of ${endpoint}`, advice)];
  }
  const used = (after - before) / 1024 / 1024;
  const found = `${used.toFixed(2)} MiB more, of ${(after / 1024 / 1024).toFixed(2)} MiB`;
  return [
    finding("memory", "pass", `${found}, with ${load.keys} keys of ${VALUE_BYTES} bytes`, ""),
  ];
}
