// The search for a planted bug: seed after seed until the check that names it sees its harm, then the same
// seeds without the bug, which must be clean.
import type { ProtocolName } from "../../server/cluster.ts";
import { runFleet } from "./fleet.ts";
import type { Job, JobReport } from "./fleet.ts";
import { PLANTED } from "./planted.ts";
import type { SimulatedBug } from "./planted.ts";
import type { CheckName } from "./violation.ts";

/** Seeds that are run again without the bug, the finding one always among them. */
const CLEAN_SEEDS_MIN = 20;
const CLEAN_SEEDS_MAX = 100;

export interface HuntOptions {
  readonly bug: SimulatedBug;
  readonly protocol: ProtocolName;
  readonly script: string;
  readonly seed: number;
  readonly seeds: number;
  readonly steps: number;
  readonly jobs: number;
}

export interface Found {
  readonly job: Job;
  readonly steps: number;
  readonly violation: { readonly check: CheckName; readonly message: string };
}

export interface Hunt {
  /** Of the lowest seed that was run and found it. */
  readonly found?: Found;
  readonly seedsRun: number;
  /** Seeds that broke a check that does not name this bug. */
  readonly others: number;
  /** Seeds run again without the bug, and how many of them broke anything. */
  readonly clean: number;
  readonly falseAlarms: number;
}

export async function hunt(options: HuntOptions): Promise<Hunt> {
  const { bug, protocol, seed, seeds, steps } = options;
  const { caughtBy } = PLANTED[bug];
  let found: Found | undefined;
  let others = 0;
  let at = seed;
  const next = (): Job | undefined => {
    if (found !== undefined || at >= seed + seeds) return undefined;
    at += 1;
    return { protocol, seed: at - 1, steps, planted: bug, profile: bug };
  };
  await runFleet(options.script, options.jobs, next, ({ job, steps: run, violation }) => {
    if (violation === undefined) return;
    if (!caughtBy.includes(violation.check)) others += 1;
    else if (found === undefined || job.seed < found.job.seed)
      found = { job, steps: run, violation };
  });
  const seedsRun = at - seed;
  if (found === undefined) return { seedsRun, others, clean: 0, falseAlarms: 0 };
  const again = await runClean(options, found.job.seed, seedsRun);
  return { found, seedsRun, others, ...again };
}

async function runClean(
  options: HuntOptions,
  foundAt: number,
  seedsRun: number,
): Promise<{ readonly clean: number; readonly falseAlarms: number }> {
  const { bug, protocol, seed, steps } = options;
  const length = Math.min(Math.max(seedsRun, CLEAN_SEEDS_MIN), CLEAN_SEEDS_MAX);
  const rest = Array.from({ length }, (_, at) => seed + at);
  const due = [foundAt, ...rest.filter((each) => each !== foundAt)];
  const clean = due.length;
  let falseAlarms = 0;
  const next = (): Job | undefined => {
    const again = due.shift();
    return again === undefined ? undefined : { protocol, seed: again, steps, profile: bug };
  };
  const onReport = ({ violation }: JobReport): void => {
    if (violation !== undefined) falseAlarms += 1;
  };
  await runFleet(options.script, options.jobs, next, onReport);
  return { clean, falseAlarms };
}
