// The simulator: one seed with its story, many seeds or hours of them with their totals, one planted bug or
// all of them. Ends with a line of totals, and a non-zero code on a violation or an escape.
import { randomInt } from "node:crypto";
import { isMainThread, workerData } from "node:worker_threads";
import type { ProtocolName } from "../../server/cluster.ts";
import { USAGE, UsageError, parseCommand } from "./command.ts";
import type { Command } from "./command.ts";
import { runFederations, serveFederationShare } from "./federation/main.ts";
import type { FederationShare } from "./federation/main.ts";
import { runFleet, serveJobs } from "./fleet.ts";
import type { Job, Task } from "./fleet.ts";
import { runHunts } from "./hunt.ts";
import type { Prey } from "./hunt.ts";
import { PLANTED, PLANTED_NAMES } from "./planted.ts";
import { plantedSeedsPath, writePlantedSeeds } from "./planted-seeds.ts";
import { Totals, huntLine, replayOf, secondsSince } from "./report.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulate.ts";

const HUNT_SEEDS_DEFAULT = 2000;
const TRACE_LINES_SHOWN = 120;
const MINUTE_MS = 60_000;
/** Of the failing seeds of a long run, so many are shrunk; each costs dozens of runs. */
const SHRUNK_MAX = 3;
/** Seeds are 32 bits; a long run begins low enough never to meet the end. */
const FRESH_SEED_MAX = 2 ** 31;

function jobOf(command: Command, protocol: ProtocolName, seed: number): Job {
  const { steps, profile } = command;
  return { protocol, seed, steps, ...(profile === undefined ? {} : { profile }) };
}

function firstProtocol({ protocols }: Command): ProtocolName {
  return protocols[0] ?? "raft";
}

function runOne(command: Command): number {
  const { bug, lesser, trace } = command;
  const job: Job = {
    ...jobOf(command, firstProtocol(command), command.seed ?? 1),
    ...(bug === undefined ? {} : { planted: bug, profile: bug }),
    lesser,
  };
  const print = trace ? { print: (line: string) => console.log(line) } : {};
  const sum = new Totals();
  const { lines, violation, ...totals } = simulate({ ...job, keepLines: true, ...print });
  sum.add({ job, ...totals, ...(violation === undefined ? {} : { violation }) });
  if (violation !== undefined) {
    if (!trace) for (const line of lines.slice(-TRACE_LINES_SHOWN)) console.log(line);
    console.log(`\nseed ${job.seed}, step ${totals.steps}: ${violation.message}`);
    console.log(`replay: ${replayOf(job)}`);
    // What was given less by hand is replayed as it is.
    if (command.shrinks && Object.keys(lesser).length === 0) printShrunk(job);
  }
  console.log(`seed ${job.seed}: trace hash ${totals.hash}`);
  console.log(sum.line());
  return violation === undefined ? 0 : 1;
}

function printShrunk(job: Job): void {
  const shrunk = shrink(job);
  if (shrunk === undefined) return;
  const { violation, steps, reruns } = shrunk;
  console.log(
    `shrunk: ${replayOf(shrunk.job)}  # ${violation.check}, step ${steps}, ${reruns} runs`,
  );
}

/** Every seed on every protocol, until `isOver`. */
async function runMany(
  command: Command,
  protocols: readonly ProtocolName[],
  seeds: { readonly from: number; readonly until: number; readonly isOver: () => boolean },
): Promise<number> {
  const sum = new Totals();
  const failed: Job[] = [];
  let seed = seeds.from;
  let turn = 0;
  const next = (): Task | undefined => {
    if (turn === protocols.length) [turn, seed] = [0, seed + 1];
    const protocol = protocols[turn];
    if (seed >= seeds.until || seeds.isOver() || protocol === undefined) return undefined;
    turn += 1;
    return {
      job: jobOf(command, protocol, seed),
      onReport: (report) => {
        sum.add(report);
        if (report.violation === undefined) return;
        failed.push(report.job);
        const first = report.violation.message.split("\n")[0] ?? "";
        console.log(`${replayOf(report.job)}  # ${first.slice(0, 240)}`);
      },
    };
  };
  const progress = setInterval(() => console.log(`... ${sum.line()}`), MINUTE_MS);
  await runFleet(__filename, command.jobs, next);
  clearInterval(progress);
  if (command.shrinks) failed.slice(0, SHRUNK_MAX).forEach(printShrunk);
  console.log(sum.line());
  return sum.violations === 0 ? 0 : 1;
}

function runSeeds(command: Command, count: number): Promise<number> {
  const from = command.seed ?? 1;
  const until = from + count;
  return runMany(command, [firstProtocol(command)], { from, until, isOver: () => false });
}

function runHours(command: Command, hours: number): Promise<number> {
  const endAtMs = performance.now() + hours * 60 * MINUTE_MS;
  const from = command.seed ?? randomInt(1, FRESH_SEED_MAX);
  console.log(`${hours} hours of ${command.protocols.join(" and ")} from seed ${from} on`);
  const isOver = (): boolean => performance.now() >= endAtMs;
  return runMany(command, command.protocols, { from, until: Infinity, isOver });
}

async function runPlanted(command: Command, preys: readonly Prey[]): Promise<number> {
  const beganAtMs = performance.now();
  const { seed = 1, seeds = HUNT_SEEDS_DEFAULT, steps, jobs } = command;
  const hunts = await runHunts(preys, { script: __filename, seed, seeds, steps, jobs }, (hunt) =>
    console.log(huntLine(hunt)),
  );
  const escaped = hunts.filter((hunt) => hunt.escaped);
  if (escaped.length > 0) console.log("\nNot found, or found where nothing is planted:");
  for (const hunt of escaped) console.log(huntLine(hunt));
  if (command.writeSeeds) writePlantedSeeds(plantedSeedsPath(process.cwd()), hunts);
  console.log(`hunts ${hunts.length}, wall time ${secondsSince(beganAtMs)} s`);
  // A bug is found when every core that has its guard shows it.
  const planted = new Set(preys.map(({ bug }) => bug));
  const missed = new Set(escaped.map(({ prey }) => prey.bug));
  console.log(`planted ${planted.size}, found ${planted.size - missed.size}`);
  return escaped.length === 0 ? 0 : 1;
}

function preysOf({ protocols, bug }: Command): readonly Prey[] {
  const names = bug === undefined ? PLANTED_NAMES : [bug];
  return names.flatMap((name) =>
    protocols
      .filter((protocol) => PLANTED[name].protocols.includes(protocol))
      .map((protocol) => ({ bug: name, protocol })),
  );
}

async function run(args: readonly string[]): Promise<number> {
  const command = parseCommand(args);
  const { list, planted, bug, hours, seeds } = command;
  if (list) {
    for (const name of PLANTED_NAMES) {
      const { protocols, caughtBy } = PLANTED[name];
      console.log(`${name} (${protocols.join(", ")}): ${caughtBy.join(" or ")}`);
    }
    return 0;
  }
  if (planted || (bug !== undefined && seeds !== 1)) return runPlanted(command, preysOf(command));
  if (hours !== undefined) return runHours(command, hours);
  return seeds === undefined || seeds === 1 ? runOne(command) : runSeeds(command, seeds);
}

if (isMainThread) {
  const args = process.argv.slice(2);
  const running = args.includes("--federation") ? runFederations(args) : run(args);
  running.then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : String(error));
      if (!(error instanceof UsageError)) console.error(error);
      console.error(USAGE);
      process.exitCode = 2;
    },
  );
} else if (isFederationShare(workerData)) {
  serveFederationShare(workerData);
} else {
  serveJobs();
}

function isFederationShare(data: unknown): data is FederationShare {
  return typeof data === "object" && data !== null && "kind" in data && data.kind === "federation";
}
