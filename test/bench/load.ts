// Runs the load generator and counts the servers' CPU time over exactly the span it measures.
import { join } from "node:path";
import { Child } from "../e2e/child.ts";
import type { LoadPlan, LoadReport } from "./client-load.ts";
import { processorMs } from "./processor-time.ts";

const GENERATOR = join(__dirname, "..", "..", "dist", "test", "bench", "client-load.js");
const START_MS_MAX = 15_000;

export interface Measured extends LoadReport {
  /** Of all servers together, an operation. */
  readonly serverCpuUs: number;
}

/** Length of one measurement. A shorter one is for a look and is no result. */
export const MEASURE_MS = Number(process.env["HANSA_BENCH_SECONDS"] ?? "4") * 1_000;
export const WARM_UP_MS = Math.min(1_000, MEASURE_MS / 2);

export async function runLoad(plan: LoadPlan, serverPids: readonly number[]): Promise<Measured> {
  const generator = new Child(process.execPath, [GENERATOR, JSON.stringify(plan)]);
  const deadlineMs = plan.warmUpMs + plan.measureMs + START_MS_MAX;
  await generator.line(/^begin$/, deadlineMs);
  const before = processorMs(serverPids);
  await generator.line(/^end$/, deadlineMs);
  const cpuMs = processorMs(serverPids) - before;
  const report = JSON.parse(await generator.line(/^\{/, deadlineMs)) as LoadReport;
  await generator.exited;
  return { ...report, serverCpuUs: (cpuMs * 1_000) / Math.max(1, report.operations) };
}
