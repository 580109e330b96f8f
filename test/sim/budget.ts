// The fixed budget of simulated runs that the tests spend; `npm run sim` runs as many as one likes.
import { join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import type { ProtocolName } from "../../server/cluster.ts";
import { runFleet } from "./fleet.ts";
import type { Job, JobReport, Task } from "./fleet.ts";
import type { Prey } from "./hunt.ts";
import { PLANTED, PLANTED_NAMES } from "./planted.ts";
import type { SimulatedBug } from "./planted.ts";
import { plantedSeedsPath, readPlantedSeeds } from "./planted-seeds.ts";
import { STEPS_DEFAULT } from "./simulate.ts";

export const STEPS = 5000;
const CLEAN_SEEDS = 40;
const CLEAN_MS_MAX = 5 * 60_000;
/** How far the search for a planted bug may go from where it was last found: draws shift as code changes. */
const HUNT_SEEDS_MAX = 60;
/** Of all bugs of a core together. */
const HUNT_MS_MAX = 10 * 60_000;

const ROOT = join(__dirname, "..", "..");
const SIMULATOR = join(ROOT, "dist", "test", "sim", "main.js");
const seedOf = readPlantedSeeds(plantedSeedsPath(ROOT));

/** In a worker of the compiled simulator, in order: inside jest's sandbox a run takes three times as long. */
export async function reportsOf(jobs: readonly Job[]): Promise<readonly JobReport[]> {
  const reports: JobReport[] = [];
  let at = 0;
  await runFleet(SIMULATOR, 1, () => {
    const job = jobs[at];
    at += 1;
    return job && { job, onReport: (report) => void reports.push(report) };
  });
  return reports;
}

/** A test of the core's first seeds. */
export function testClean(protocol: ProtocolName): void {
  const what = `the first ${CLEAN_SEEDS} seeds are clean, and do something`;
  test(what, () => runClean(protocol, CLEAN_SEEDS), CLEAN_MS_MAX);
}

/** Runs the first `count` seeds: clean, decided, and doing something. */
async function runClean(protocol: ProtocolName, count: number): Promise<void> {
  const jobs = Array.from({ length: count }, (_, at) => ({ protocol, seed: at + 1, steps: STEPS }));
  const reports = await reportsOf(jobs);
  expect(reports).toHaveLength(count);
  for (const { job, violation, undecided, steps } of reports) {
    expect([job.seed, violation?.message, undecided]).toEqual([job.seed, undefined, 0]);
    expect(steps).toBeGreaterThan(STEPS);
  }
  const sum = (figure: (report: JobReport) => number): number =>
    reports.reduce((total, report) => total + figure(report), 0);
  expect(sum(({ operations }) => operations)).toBeGreaterThan(40 * count);
  expect(sum(({ reads }) => reads)).toBeGreaterThan(20 * count);
  expect(sum(({ simulatedMs }) => simulatedMs)).toBeGreaterThan(1000 * count);
}

/** A bug of both cores is hunted on one of them, in turns; `npm run sim -- --planted` hunts it on both. */
function plantedIn(protocol: ProtocolName): readonly SimulatedBug[] {
  return PLANTED_NAMES.filter((bug, at) => {
    const { protocols } = PLANTED[bug];
    return protocols.length > 1
      ? protocols[at % protocols.length] === protocol
      : protocols[0] === protocol;
  });
}

/** What came of each bug: found by a check that names it, and then the same seed without it. */
interface Hunted {
  readonly found: JobReport;
  readonly without: JobReport;
}

/** Those that are missing escaped. The seed without the bug goes as many steps, and a recovery. */
async function hunt(preys: readonly Prey[]): Promise<ReadonlyMap<SimulatedBug, Hunted>> {
  const hunted = new Map<SimulatedBug, Hunted>();
  const tasks: Task[] = [];
  const seek = (prey: Prey, seed: number): void => {
    const { bug, protocol } = prey;
    const job = { protocol, seed, steps: STEPS_DEFAULT, profile: bug };
    const onReport = (found: JobReport): void => {
      const { violation, steps } = found;
      if (violation !== undefined && PLANTED[bug].caughtBy.includes(violation.check)) {
        tasks.push({
          job: { ...job, steps: Math.min(steps, STEPS_DEFAULT) },
          onReport: (without) => hunted.set(bug, { found, without }),
        });
      } else if (seed + 1 < seedOf(prey) + HUNT_SEEDS_MAX) seek(prey, seed + 1);
    };
    tasks.push({ job: { ...job, planted: bug }, onReport });
  };
  for (const prey of preys) seek(prey, seedOf(prey));
  await runFleet(SIMULATOR, 1, () => tasks.pop());
  return hunted;
}

/** A test of each bug that this core is hunted for. */
export function testHunts(protocol: ProtocolName): void {
  const bugs = plantedIn(protocol);
  let hunted: ReadonlyMap<SimulatedBug, Hunted> = new Map();
  beforeAll(async () => {
    hunted = await hunt(bugs.map((bug) => ({ bug, protocol })));
  }, HUNT_MS_MAX);

  test.each(bugs)("%s is found by the check that names it", (bug) => {
    const { found, without } = hunted.get(bug) ?? {};
    expect(PLANTED[bug].caughtBy).toContain(found?.violation?.check);
    expect(without?.job).toMatchObject({ protocol, seed: found?.job.seed });
    expect(without?.violation?.message).toBeUndefined();
  });
}
