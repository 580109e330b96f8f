// The simulator's command line: one seed with its story, many seeds with their totals, one planted bug, or
// all of them. Ends with a line of totals and a non-zero code on a violation.
import { isMainThread } from "node:worker_threads";
import { parseArgs } from "node:util";
import { PLANTED, PLANTED_NAMES } from "./planted.ts";
import type { SimulatedBug } from "./planted.ts";
import { hunt } from "./hunt.ts";
import type { Hunt } from "./hunt.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { runFleet, serveJobs } from "./fleet.ts";
import type { Job, JobReport } from "./fleet.ts";
import { STEPS_DEFAULT, simulate } from "./simulate.ts";

const USAGE = `npm run sim -- [options]
  --protocol NAME    the core: raft (default) or paxos
  --seed N           the first seed (1)
  --seeds K          how many seeds, on every core (1)
  --steps N          events under faults, a seed (${STEPS_DEFAULT})
  --trace            with one seed: print every message and answer
  --profile NAME     faults and load as they suit this planted bug, without the bug
  --bug NAME         switch this guard off and search up to --seeds seeds (2000) for the harm
  --planted          the same for every planted bug
  --jobs N           threads (one a core)
  --list             the planted bugs and the checks that must catch them`;

const HUNT_SEEDS_DEFAULT = 2000;
const TRACE_LINES_SHOWN = 120;

interface Command {
  readonly protocol: ProtocolName;
  readonly seed: number;
  readonly seeds: number | undefined;
  readonly steps: number;
  readonly trace: boolean;
  readonly jobs: number;
  readonly profile: SimulatedBug | undefined;
  readonly bug: SimulatedBug | undefined;
  readonly planted: boolean;
  readonly list: boolean;
}

class UsageError extends Error {
  override readonly name = "UsageError";
}

function parseCommand(args: readonly string[]): Command {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    options: {
      protocol: { type: "string", default: "raft" },
      seed: { type: "string" },
      seeds: { type: "string" },
      steps: { type: "string" },
      trace: { type: "boolean", default: false },
      profile: { type: "string" },
      bug: { type: "string" },
      planted: { type: "boolean", default: false },
      jobs: { type: "string" },
      list: { type: "boolean", default: false },
    },
  });
  const { protocol } = values;
  if (protocol !== "raft" && protocol !== "paxos")
    throw new UsageError(`--protocol ${protocol}: expected raft or paxos`);
  return {
    protocol,
    seed: countOf("seed", values.seed) ?? 1,
    seeds: countOf("seeds", values.seeds),
    steps: countOf("steps", values.steps) ?? STEPS_DEFAULT,
    trace: values.trace,
    profile: bugOf("profile", values.profile),
    bug: bugOf("bug", values.bug),
    planted: values.planted,
    jobs: countOf("jobs", values.jobs) ?? Infinity,
    list: values.list,
  };
}

function countOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1 && count < 2 ** 32) return count;
  throw new UsageError(`--${name} ${text}: expected a whole number from 1 to 4294967295`);
}

function bugOf(option: string, name: string | undefined): SimulatedBug | undefined {
  if (name === undefined) return undefined;
  const known = PLANTED_NAMES.find((bug) => bug === name);
  if (known !== undefined) return known;
  throw new UsageError(`--${option} ${name}: expected one of ${PLANTED_NAMES.join(", ")}`);
}

/** The line that runs this seed again. */
function replayOf({ protocol, seed, steps, planted, profile }: Job): string {
  const bug = planted === undefined ? "" : ` --bug ${planted} --seeds 1`;
  const faults = profile === undefined || planted !== undefined ? "" : ` --profile ${profile}`;
  return `npm run sim -- --protocol ${protocol} --seed ${seed} --steps ${steps}${faults}${bug}`;
}

class Totals {
  #seeds = 0;
  #steps = 0;
  #simulatedMs = 0;
  #operations = 0;
  #reads = 0;
  #undecided = 0;
  violations = 0;

  add(report: JobReport): void {
    this.#seeds += 1;
    this.#steps += report.steps;
    this.#simulatedMs += report.simulatedMs;
    this.#operations += report.operations;
    this.#reads += report.reads;
    this.#undecided += report.undecided;
    if (report.violation !== undefined) this.violations += 1;
  }

  line(): string {
    const hours = (this.#simulatedMs / 3_600_000).toFixed(2);
    const work = `${this.#operations} operations and ${this.#reads} reads judged`;
    const searches = `${this.#undecided} searches undecided`;
    const size = `seeds ${this.#seeds}, steps ${this.#steps}, simulated hours ${hours}`;
    return `${size}, ${work}, ${searches}, violations ${this.violations}`;
  }
}

function runOne(command: Command): number {
  const { protocol, seed, steps, profile } = command;
  const print = command.trace ? { print: (line: string) => console.log(line) } : {};
  const job: Job = { protocol, seed, steps, ...(profile === undefined ? {} : { profile }) };
  const { lines, violation, ...totals } = simulate({ ...job, keepLines: true, ...print });
  const sum = new Totals();
  sum.add({ job, ...totals, ...(violation === undefined ? {} : { violation }) });
  if (violation !== undefined) {
    if (!command.trace) for (const line of lines.slice(-TRACE_LINES_SHOWN)) console.log(line);
    console.log(`\nseed ${seed}, step ${totals.steps}: ${violation.message}`);
    console.log(`replay: ${replayOf(job)}`);
  }
  console.log(`seed ${seed}: trace hash ${totals.hash}`);
  console.log(sum.line());
  return violation === undefined ? 0 : 1;
}

async function runMany(command: Command, seeds: number): Promise<number> {
  const { protocol, profile, steps } = command;
  const sum = new Totals();
  let seed = command.seed;
  const next = (): Job | undefined => {
    if (seed >= command.seed + seeds) return undefined;
    const job: Job = { protocol, seed, steps, ...(profile === undefined ? {} : { profile }) };
    seed += 1;
    return job;
  };
  await runFleet(__filename, command.jobs, next, (report) => {
    sum.add(report);
    if (report.violation === undefined) return;
    const first = report.violation.message.split("\n")[0] ?? "";
    console.log(`${replayOf(report.job)}  # ${first.slice(0, 240)}`);
  });
  console.log(sum.line());
  return sum.violations === 0 ? 0 : 1;
}

async function runHunts(command: Command, bugs: readonly SimulatedBug[]): Promise<number> {
  let found = 0;
  for (const bug of bugs) {
    const result = await hunt({
      bug,
      protocol: command.protocol,
      script: __filename,
      seed: command.seed,
      seeds: command.seeds ?? HUNT_SEEDS_DEFAULT,
      steps: command.steps,
      jobs: command.jobs,
    });
    if (result.found !== undefined && result.falseAlarms === 0) found += 1;
    console.log(huntLine(bug, result));
  }
  console.log(`planted ${bugs.length}, found ${found}`);
  return found === bugs.length ? 0 : 1;
}

function huntLine(
  bug: SimulatedBug,
  { found, seedsRun, others, clean, falseAlarms }: Hunt,
): string {
  const missed = others === 0 ? "" : `, ${others} seeds broke other checks first`;
  if (found === undefined) return `${bug}: not found in ${seedsRun} seeds${missed}`;
  const { job, steps, violation } = found;
  const same = `${clean} seeds without the bug: ${falseAlarms} violations`;
  const where = `seed ${job.seed} (seed ${seedsRun} of the search), step ${steps}`;
  return `${bug}: found by ${violation.check} at ${where}${missed}; ${same}\n  ${replayOf(job)}`;
}

async function run(args: readonly string[]): Promise<number> {
  const command = parseCommand(args);
  if (command.list) {
    for (const bug of PLANTED_NAMES) console.log(`${bug}: ${PLANTED[bug].caughtBy.join(" or ")}`);
    return 0;
  }
  const { protocol } = command;
  if (command.planted) {
    const due = PLANTED_NAMES.filter((bug) => PLANTED[bug].protocols.includes(protocol));
    return runHunts(command, due);
  }
  if (command.bug !== undefined) return runHunts(command, [command.bug]);
  return command.seeds === undefined || command.seeds === 1
    ? runOne(command)
    : runMany(command, command.seeds);
}

if (isMainThread) {
  run(process.argv.slice(2)).then(
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
} else {
  serveJobs();
}
