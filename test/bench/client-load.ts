// A load generator in a process of its own, so that the client's CPU is counted apart from the servers'.
// Takes one JSON argument (LoadPlan), drives the client library in a closed loop, prints "begin" and "end" of
// the measured span and then the report as one JSON line.
import { setTimeout as span } from "node:timers/promises";
import { Client } from "../../client/index.ts";
import type { ReadMode } from "../../client/index.ts";
import { keyAt } from "./keys.ts";
import { percentiles } from "./percentiles.ts";
import type { Percentiles } from "./percentiles.ts";

export interface LoadPlan {
  readonly endpoints: readonly string[];
  /** Whether the library may find other members than these. */
  readonly discover: boolean;
  readonly operation: { readonly kind: "put" } | { readonly kind: "get"; readonly mode: ReadMode };
  readonly concurrency: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly keyCount: number;
  readonly valueBytes: number;
}

export interface LoadReport extends Percentiles {
  readonly perSecond: number;
  readonly operations: number;
  readonly failures: number;
  /** Of this process, an operation. */
  readonly clientCpuUs: number;
  /** How often each mode was used, by the answers' own proof. */
  readonly used: Readonly<Record<string, number>>;
}

interface Tally {
  measuring: boolean;
  stopping: boolean;
  failures: number;
  readonly latenciesMs: number[];
  readonly used: Record<string, number>;
}

async function worker(client: Client, plan: LoadPlan, tally: Tally, first: number): Promise<void> {
  const value = "v".repeat(plan.valueBytes);
  // A stride prime to the count visits every key.
  for (let at = first; !tally.stopping; at += 7919) {
    const key = keyAt(at % plan.keyCount);
    const startedAtMs = performance.now();
    const measured = tally.measuring;
    try {
      if (plan.operation.kind === "put") {
        await client.put(key, value);
      } else {
        const { proof } = await client.get(key, { mode: plan.operation.mode });
        const mode = proof?.used ?? "unproven";
        if (measured) tally.used[mode] = (tally.used[mode] ?? 0) + 1;
      }
    } catch (failure) {
      tally.failures += 1;
      if (tally.failures === 1) process.stderr.write(`first failure: ${String(failure)}\n`);
    }
    if (measured) tally.latenciesMs.push(performance.now() - startedAtMs);
  }
}

async function main(plan: LoadPlan): Promise<LoadReport> {
  const client = new Client({ endpoints: plan.endpoints, discover: plan.discover });
  const tally: Tally = {
    measuring: false,
    stopping: false,
    failures: 0,
    latenciesMs: [],
    used: {},
  };
  const workers = Array.from({ length: plan.concurrency }, (_, at) =>
    worker(client, plan, tally, at * 13),
  );
  await span(plan.warmUpMs);
  tally.measuring = true;
  process.stdout.write("begin\n");
  const startedAtMs = performance.now();
  const cpuBefore = process.cpuUsage();
  await span(plan.measureMs);
  tally.measuring = false;
  process.stdout.write("end\n");
  const cpu = process.cpuUsage(cpuBefore);
  const elapsedMs = performance.now() - startedAtMs;
  tally.stopping = true;
  await Promise.all(workers);
  await client.close();
  const operations = tally.latenciesMs.length;
  return {
    perSecond: (operations / elapsedMs) * 1_000,
    operations,
    failures: tally.failures,
    clientCpuUs: (cpu.user + cpu.system) / Math.max(1, operations),
    used: tally.used,
    ...percentiles(tally.latenciesMs),
  };
}

main(JSON.parse(process.argv[2] ?? "{}") as LoadPlan).then(
  (report) => {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  },
  (failure: unknown) => {
    process.stderr.write(`${String(failure)}\n`);
    process.exitCode = 1;
  },
);
