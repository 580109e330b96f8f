// The load of `hansa bench`: callers of one client in a closed loop, each asks again when it is answered. What it
// measures is the cluster as this one process sees it: its own CPU and event loop are part of every number.
import { KvError } from "../client/index.ts";
import type { Client, ReadMode } from "../client/index.ts";
import { LatencyRecord } from "./latency-record.ts";

export interface BenchPlan {
  readonly callers: number;
  readonly durationMs: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly prefix: string;
  readonly read?: ReadMode;
  /** Of a `watch`. */
  readonly watchers: number;
}

export type BenchKind = "put" | "get" | "watch";

export interface BenchResult {
  readonly kind: BenchKind;
  readonly callers: number;
  readonly seconds: number;
  readonly latency: LatencyRecord;
  /** How many calls ended so, by the error's code. */
  readonly failures: ReadonlyMap<string, number>;
}

/** Told how many operations are done. */
type OnDone = (count: number) => void;

function keyOf(plan: BenchPlan, at: number): string {
  return `${plan.prefix}${String(at % plan.keys).padStart(8, "0")}`;
}

/** Every key once, so that a read finds one. @throws {KvError} */
export async function fill(client: Client, plan: BenchPlan, stop: AbortSignal): Promise<void> {
  const value = valueOf(plan);
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next < plan.keys && !stop.aborted) {
      next += 1;
      await client.put(keyOf(plan, next), value);
    }
  };
  await Promise.all(Array.from({ length: plan.callers }, caller));
}

export function putLoad(
  client: Client,
  plan: BenchPlan,
  stop: AbortSignal,
  onDone: OnDone,
): Promise<BenchResult> {
  const value = valueOf(plan);
  return closedLoop("put", plan, stop, onDone, (at) => client.put(keyOf(plan, at), value));
}

export function getLoad(
  client: Client,
  plan: BenchPlan,
  stop: AbortSignal,
  onDone: OnDone,
): Promise<BenchResult> {
  const options = plan.read === undefined ? {} : { mode: plan.read };
  return closedLoop("get", plan, stop, onDone, (at) => client.get(keyOf(plan, at), options));
}

/** From the call of a put to its event at each watcher; an event counts once at each. */
export async function watchLoad(
  client: Client,
  plan: BenchPlan,
  stop: AbortSignal,
  onDone: OnDone,
): Promise<BenchResult> {
  const latency = new LatencyRecord();
  const sentAtMs = new Map<string, number>();
  const { revision } = await client.put(keyOf(plan, 0), "begin");
  const listen = async (watcher: ReturnType<Client["watch"]>): Promise<void> => {
    try {
      for await (const { events } of watcher) {
        for (const { kv } of events) {
          const sentMs = sentAtMs.get(kv.text());
          if (sentMs !== undefined) latency.add(performance.now() - sentMs);
        }
        onDone(latency.count);
      }
    } catch (error) {
      // Closed, below.
      if (!(error instanceof KvError && error.code === "cancelled")) throw error;
    }
  };
  const watchers = Array.from({ length: plan.watchers }, () =>
    client.watch({ prefix: plan.prefix }, { startRevision: revision + 1 }),
  );
  const listening = watchers.map(listen);
  let sent = 0;
  const result = await closedLoop(
    "watch",
    plan,
    stop,
    () => undefined,
    async (at) => {
      const text = `${at}`.padEnd(plan.valueBytes, "x");
      sentAtMs.set(text, performance.now());
      sent += 1;
      await client.put(keyOf(plan, at), text);
      // Events that come later than so many puts are not measured: the table stays bounded.
      if (sent > SENT_MAX) sentAtMs.delete(`${sent - SENT_MAX}`.padEnd(plan.valueBytes, "x"));
    },
  );
  for (const watcher of watchers) watcher.close();
  await Promise.all(listening);
  return { ...result, latency };
}

const SENT_MAX = 100_000;

async function closedLoop(
  kind: BenchKind,
  plan: BenchPlan,
  stop: AbortSignal,
  onDone: OnDone,
  call: (at: number) => Promise<unknown>,
): Promise<BenchResult> {
  const latency = new LatencyRecord();
  const failures = new Map<string, number>();
  const startedAtMs = performance.now();
  let next = 0;
  const caller = async (): Promise<void> => {
    while (!stop.aborted && performance.now() - startedAtMs < plan.durationMs) {
      next += 1;
      const calledAtMs = performance.now();
      try {
        await call(next);
        latency.add(performance.now() - calledAtMs);
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        failures.set(error.code, (failures.get(error.code) ?? 0) + 1);
      }
      onDone(latency.count);
    }
  };
  await Promise.all(Array.from({ length: plan.callers }, caller));
  const seconds = (performance.now() - startedAtMs) / 1_000;
  return { kind, callers: plan.callers, seconds, latency, failures };
}

function valueOf(plan: BenchPlan): Uint8Array {
  return new Uint8Array(plan.valueBytes).fill(0x78);
}
