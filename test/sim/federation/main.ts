// `npm run sim -- --federation --seed N --seeds K`: whole federations, a seed each, on all cores. Ends with a line of
// totals, and a non-zero code on a violation; a failing seed prints the line that replays it.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Worker, parentPort } from "node:worker_threads";
import { assert } from "../../../base/index.ts";
import type { FederationBug } from "../../../federation/index.ts";
import { UsageError } from "../command.ts";
import { FEDERATION_STEPS_DEFAULT, simulateFederation } from "./simulate.ts";
import type { FederationJob, FederationReport } from "./simulate.ts";

/** Starts a thread by what it is given. */
const MAIN = join(__dirname, "..", "main.js");
/** Guards without which the judge is known to see the harm. */
const BUGS: readonly FederationBug[] = ["local-prune", "tombstone-by-wall-time"];
const SEEDS_MAX = 2 ** 31;

export interface FederationShare {
  readonly kind: "federation";
  readonly first: FederationJob;
  readonly count: number;
  /** Seeds from one to the next. */
  readonly stride: number;
}

interface Asked {
  readonly first: FederationJob;
  readonly count: number;
}

/** @throws {UsageError} naming the option and what it expects. */
function askedBy(args: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...args],
    options: {
      federation: { type: "boolean" },
      seed: { type: "string", default: "1" },
      seeds: { type: "string", default: "1" },
      steps: { type: "string", default: String(FEDERATION_STEPS_DEFAULT) },
      bug: { type: "string" },
    },
  });
  const bug = values.bug === undefined ? {} : { planted: bugOf(values.bug) };
  const seed = countOf("seed", values.seed);
  return {
    first: { seed, steps: countOf("steps", values.steps), ...bug },
    count: countOf("seeds", values.seeds),
  };
}

function countOf(name: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count < SEEDS_MAX) return count;
  throw new UsageError(`--${name} ${text}: expected a whole number from 1 to ${SEEDS_MAX - 1}`);
}

function bugOf(name: string): FederationBug {
  const bug = BUGS.find((one) => one === name);
  if (bug !== undefined) return bug;
  throw new UsageError(`--bug ${name}: expected one of ${BUGS.join(", ")}`);
}

export async function runFederations(args: readonly string[]): Promise<number> {
  const beganAtMs = performance.now();
  const { first, count } = askedBy(args);
  const stride = Math.min(availableParallelism(), count);
  const reports: FederationReport[] = [];
  const shares = Array.from({ length: stride }, (_, at): FederationShare => {
    const job = { ...first, seed: first.seed + at };
    return { kind: "federation", first: job, count: Math.ceil((count - at) / stride), stride };
  });
  await Promise.all(shares.map((share) => runShare(share, (report) => reports.push(report))));
  const sum = (of: (report: FederationReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const totals = [
    `seeds ${reports.length}, steps ${sum(({ steps }) => steps)}`,
    `simulated hours ${(sum(({ simulatedMs }) => simulatedMs) / 3_600_000).toFixed(2)}`,
    `transactions ${sum(({ minted }) => minted)}, applied ${sum(({ applied }) => applied)} times`,
    `acknowledged ${sum(({ acknowledged }) => acknowledged)}`,
    `violations ${reports.filter(({ violation }) => violation !== undefined).length}`,
    `wall time ${((performance.now() - beganAtMs) / 1000).toFixed(0)} s`,
  ];
  console.log(totals.join(", "));
  return reports.every(({ violation }) => violation === undefined) ? 0 : 1;
}

/** A thread of its own; its reports as they come. */
function runShare(
  share: FederationShare,
  onReport: (report: FederationReport) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(MAIN, { workerData: share });
    worker.on("message", (report: FederationReport) => {
      onReport(report);
      if (report.violation !== undefined) console.log(`${replayOf(report)}  # ${report.violation}`);
    });
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
}

function replayOf({ job: { seed, steps, planted } }: FederationReport): string {
  const bug = planted === undefined ? "" : ` --bug ${planted}`;
  return `npm run sim -- --federation --seed ${seed} --steps ${steps}${bug}`;
}

/** In a thread that `runFederations` started. */
export function serveFederationShare(share: FederationShare): void {
  const { first, count, stride } = share;
  assert(parentPort !== null, "a thread of the simulator has its parent");
  for (let at = 0; at < count; at += 1) {
    parentPort.postMessage(simulateFederation({ ...first, seed: first.seed + at * stride }));
  }
}
