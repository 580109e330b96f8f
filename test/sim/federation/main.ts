// `npm run sim -- --federation`: whole federations, a seed each, or hunts for planted bugs, on all cores. Ends with a
// line of totals, and a non-zero code on a violation or an escape; a failing seed prints the line that replays it.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker, parentPort } from "node:worker_threads";
import { assert } from "../../../base/index.ts";
import type { FederationBug } from "../../../federation/index.ts";
import { parseFederation, replayOf } from "./command.ts";
import type { FederationCommand } from "./command.ts";
import { hunt, isCaught } from "./hunt.ts";
import type { FederationHunt, HuntOptions } from "./hunt.ts";
import { PLANTED_FEDERATION, PLANTED_FEDERATION_NAMES } from "./planted-plans.ts";
import { plantedFederationPath, writePlantedFederation } from "./planted-seeds.ts";
import { shrinkFederation } from "./shrink.ts";
import { simulateFederation } from "./simulate.ts";
import type { FederationJob, FederationReport } from "./simulate.ts";

/** Starts a thread by what it is given. */
const MAIN = join(__dirname, "..", "main.js");
const SHRUNK_MAX = 3;
const MINUTE_MS = 60_000;

/** What one thread does. */
export type FederationShare = { readonly kind: "federation" } & (
  | {
      readonly does: "seeds";
      readonly first: FederationJob;
      readonly count: number;
      /** Seeds from one to the next. */
      readonly stride: number;
    }
  | {
      readonly does: "hunts";
      readonly bugs: readonly FederationBug[];
      readonly options: HuntOptions;
    }
);

export async function runFederations(args: readonly string[]): Promise<number> {
  const command = parseFederation(args);
  if (command.list) {
    for (const bug of PLANTED_FEDERATION_NAMES) {
      console.log(`${bug}: ${PLANTED_FEDERATION[bug].caughtBy.join(" or ")}`);
    }
    return 0;
  }
  return command.hunted.length > 0 ? runHunts(command) : runSeeds(command);
}

async function runSeeds({ job, count, shrinks, threads }: FederationCommand): Promise<number> {
  const beganAtMs = performance.now();
  const stride = Math.min(availableParallelism(), count, threads);
  const reports: FederationReport[] = [];
  const shares = Array.from({ length: stride }, (_, at): FederationShare => {
    const first = { ...job, seed: job.seed + at };
    const own = Math.ceil((count - at) / stride);
    return { kind: "federation", does: "seeds", first, count: own, stride };
  });
  const progress = setInterval(() => {
    console.log(`... ${totals(reports, beganAtMs)}`);
  }, MINUTE_MS);
  await runShares(shares, (report: FederationReport) => {
    reports.push(report);
    const { violation } = report;
    if (violation !== undefined) console.log(`${replayOf(report.job)}  # ${short(violation)}`);
  });
  clearInterval(progress);
  const failed = reports.filter(({ violation }) => violation !== undefined);
  const [first] = failed;
  if (count === 1 && first !== undefined) printStory(first);
  if (shrinks) for (const report of failed.slice(0, SHRUNK_MAX)) printShrunk(report.job);
  console.log(totals(reports, beganAtMs));
  return failed.length === 0 ? 0 : 1;
}

function printStory({ story = [], violation }: FederationReport): void {
  for (const line of story) console.log(line);
  console.log(violation?.message ?? "");
}

function printShrunk(job: FederationJob): void {
  const shrunk = shrinkFederation(job);
  if (shrunk?.violation === undefined) return;
  console.log(
    `shrunk: ${replayOf(shrunk.job)}  # step ${shrunk.steps}\n${shrunk.violation.message}`,
  );
}

function totals(reports: readonly FederationReport[], beganAtMs: number): string {
  const sum = (of: (report: FederationReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const named = new Map<string, number>();
  for (const { acts } of reports) {
    for (const [act, times] of Object.entries(acts)) named.set(act, (named.get(act) ?? 0) + times);
  }
  return [
    `seeds ${reports.length}, steps ${sum(({ steps }) => steps)}`,
    `simulated hours ${(sum(({ simulatedMs }) => simulatedMs) / 3_600_000).toFixed(2)}`,
    `transactions ${sum(({ minted }) => minted)}, applied ${sum(({ applied }) => applied)} times`,
    `acknowledged ${sum(({ acknowledged }) => acknowledged)}`,
    `regions counted ${sum(({ reached }) => reached)} times`,
    `compared at equal vectors ${sum(({ compared }) => compared)} times`,
    `states taken ${sum(({ installed }) => installed)}`,
    `changes of the document ${sum(({ changes }) => changes)} (${actsText(named)})`,
    `violations ${reports.filter(({ violation }) => violation !== undefined).length}`,
    `wall time ${secondsSince(beganAtMs)} s`,
  ].join(", ");
}

function actsText(named: ReadonlyMap<string, number>): string {
  const texts = [...named].map(([act, times]) => `${act} ${times}`);
  return texts.sort((left, right) => (left < right ? -1 : 1)).join("; ");
}

async function runHunts(command: FederationCommand): Promise<number> {
  const beganAtMs = performance.now();
  const { hunted, job, count, threads } = command;
  const stride = Math.min(availableParallelism(), hunted.length, threads);
  const { seed, steps, groups } = job;
  const options = { seed, seeds: count, steps, ...(groups === undefined ? {} : { groups }) };
  const hunts: FederationHunt[] = [];
  const shares = Array.from({ length: stride }, (_, at): FederationShare => {
    const bugs = hunted.filter((_bug, index) => index % stride === at);
    return { kind: "federation", does: "hunts", bugs, options };
  });
  await runShares(shares, (one: FederationHunt) => {
    hunts.push(one);
    console.log(huntText(one));
  });
  const escaped = hunts.filter((one) => !isCaught(one));
  if (escaped.length > 0) console.log("\nNot found, or found where nothing is planted:");
  for (const one of escaped) console.log(huntText(one));
  if (command.writeSeeds) writePlantedFederation(plantedFederationPath(process.cwd()), hunts);
  console.log(`wall time ${secondsSince(beganAtMs)} s`);
  console.log(`planted ${hunts.length}, found ${hunts.length - escaped.length}`);
  return escaped.length === 0 ? 0 : 1;
}

function huntText({ bug, seeds, found, others, clean, falseAlarms }: FederationHunt): string {
  const [other] = others;
  const missed =
    other?.violation === undefined
      ? ""
      : `; ${others.length} seeds broke others, as seed ${other.job.seed}: ${short(other.violation)}`;
  if (found?.violation === undefined) {
    const due = PLANTED_FEDERATION[bug].caughtBy.join(" or ");
    return `ESCAPED ${bug}: ${due} saw nothing in ${seeds} seeds${missed}`;
  }
  const verdict = falseAlarms.length === 0 ? "found" : "FALSE ALARM";
  const [alarm] = falseAlarms;
  const alarmed =
    alarm?.violation === undefined ? "" : `\n  ${replayOf(alarm.job)}  # ${short(alarm.violation)}`;
  return (
    `${verdict} ${bug}: by ${found.violation.check}, ${seeds} seeds needed, step ${found.steps}` +
    `${missed}; ${clean} seeds without the bug: ${falseAlarms.length} violations\n` +
    `  ${replayOf(found.job)}${alarmed}`
  );
}

function short({ message }: { readonly message: string }): string {
  return message.replaceAll("\n", " | ").slice(0, 400);
}

function secondsSince(beganAtMs: number): string {
  return ((performance.now() - beganAtMs) / 1000).toFixed(0);
}

/** Each in a thread of its own; their reports as they come. */
async function runShares<Report>(
  shares: readonly FederationShare[],
  onReport: (report: Report) => void,
): Promise<void> {
  const runs = shares.map(
    (share) =>
      new Promise<void>((resolve, reject) => {
        const worker = new Worker(MAIN, { workerData: share });
        worker.on("message", onReport);
        worker.on("error", reject);
        worker.on("exit", () => resolve());
      }),
  );
  await Promise.all(runs);
}

/** In a thread that `runFederations` started. */
export function serveFederationShare(share: FederationShare): void {
  assert(parentPort !== null, "a thread of the simulator has its parent");
  if (share.does === "hunts") {
    for (const bug of share.bugs) parentPort.postMessage(hunt(bug, share.options));
    return;
  }
  const { first, count, stride } = share;
  for (let at = 0; at < count; at += 1) {
    parentPort.postMessage(simulateFederation({ ...first, seed: first.seed + at * stride }));
  }
}
