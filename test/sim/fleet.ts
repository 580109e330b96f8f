// Many seeds on every core: the main thread hands out seeds one by one, workers run them and report. Which
// worker runs a seed changes nothing in it.
import { availableParallelism } from "node:os";
import { Worker, parentPort } from "node:worker_threads";
import { present } from "../../base/index.ts";
import type { CheckName } from "./violation.ts";
import type { SimOptions } from "./simulate.ts";
import { simulate } from "./simulate.ts";

/** What a worker is asked; the seed and everything that decides its run. */
export type Job = Pick<
  SimOptions,
  "protocol" | "seed" | "steps" | "planted" | "profile" | "lesser"
>;

/** What it reports: plain data. */
export interface JobReport {
  readonly job: Job;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly hash: string;
  readonly operations: number;
  readonly reads: number;
  readonly told: number;
  readonly leases: number;
  readonly undecided: number;
  readonly violation?: { readonly check: CheckName; readonly message: string };
}

function runJob(job: Job): JobReport {
  const { violation, lines: _lines, ...totals } = simulate(job);
  if (violation === undefined) return { job, ...totals };
  return { job, ...totals, violation: { check: violation.check, message: violation.message } };
}

/** In a worker: answers every job with its report. */
export function serveJobs(): void {
  const port = present(parentPort, "the port of a worker thread");
  port.on("message", (job: Job | "end") => {
    if (job === "end") port.close();
    else port.postMessage(runJob(job));
  });
}

/** A job, and who hears what came of it. */
export interface Task {
  readonly job: Job;
  readonly onReport: (report: JobReport) => void;
}

/**
 * Runs the tasks that `next` gives, until it gives none while nothing is under way: a report may bring more.
 * Reports come in any order. `script`: the program that calls serveJobs in a worker.
 */
export function runFleet(
  script: string,
  workersMax: number,
  next: () => Task | undefined,
): Promise<void> {
  const count = Math.min(workersMax, availableParallelism());
  return new Promise((resolve, reject) => {
    const idle: Worker[] = [];
    const busy = new Map<Worker, Task>();
    const feedIdle = (): void => {
      for (let worker = idle.pop(); worker !== undefined; worker = idle.pop()) {
        const task = next();
        if (task === undefined) {
          idle.push(worker);
          break;
        }
        busy.set(worker, task);
        worker.postMessage(task.job);
      }
      if (busy.size === 0) for (const worker of idle) worker.postMessage("end");
    };
    let open = count;
    for (let at = 0; at < count; at += 1) {
      const worker = new Worker(script);
      worker.on("error", reject);
      worker.on("message", (report: JobReport) => {
        const task = present(busy.get(worker), "the task of a worker that reports");
        busy.delete(worker);
        idle.push(worker);
        task.onReport(report);
        feedIdle();
      });
      worker.on("exit", () => {
        open -= 1;
        if (open === 0) resolve();
      });
      idle.push(worker);
    }
    feedIdle();
  });
}
