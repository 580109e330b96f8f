// The fixed budget of simulated runs that the tests spend; `npm run sim` runs as many as one likes.
import { join } from "node:path";
import { expect } from "@jest/globals";
import type { ProtocolName } from "../../server/cluster.ts";
import type { Prey } from "./hunt.ts";
import { PLANTED, PLANTED_NAMES } from "./planted.ts";
import type { SimulatedBug } from "./planted.ts";
import { plantedSeedsPath, readPlantedSeeds } from "./planted-seeds.ts";
import { STEPS_DEFAULT, simulate } from "./simulate.ts";
import type { SimOutcome } from "./simulate.ts";

export const STEPS = 5000;
/** How far the search for a planted bug may go from where it was last found: draws shift as code changes. */
const HUNT_SEEDS_MAX = 60;

const seedOf = readPlantedSeeds(plantedSeedsPath(join(__dirname, "..", "..")));

export function violationOf({ violation }: SimOutcome): string | undefined {
  return violation?.message;
}

/** Runs the first `count` seeds: clean, decided, and doing something. */
export function runClean(protocol: ProtocolName, count: number): void {
  let operations = 0;
  let reads = 0;
  let simulatedMs = 0;
  for (let seed = 1; seed <= count; seed += 1) {
    const outcome = simulate({ protocol, seed, steps: STEPS });
    expect([seed, violationOf(outcome)]).toEqual([seed, undefined]);
    expect([seed, outcome.undecided]).toEqual([seed, 0]);
    expect(outcome.steps).toBeGreaterThan(STEPS);
    operations += outcome.operations;
    reads += outcome.reads;
    simulatedMs += outcome.simulatedMs;
  }
  expect(operations).toBeGreaterThan(40 * count);
  expect(reads).toBeGreaterThan(20 * count);
  expect(simulatedMs).toBeGreaterThan(1000 * count);
}

/** A bug of both cores is hunted on one of them, in turns; `npm run sim -- --planted` hunts it on both. */
export function plantedIn(protocol: ProtocolName): readonly SimulatedBug[] {
  return PLANTED_NAMES.filter((bug, at) => {
    const { protocols } = PLANTED[bug];
    return protocols.length > 1
      ? protocols[at % protocols.length] === protocol
      : protocols[0] === protocol;
  });
}

/** Found by a check that names it, and the same seed without it is clean, for as many steps and a recovery. */
export function runHunt({ bug, protocol }: Prey): void {
  const from = seedOf({ bug, protocol });
  const job = { protocol, steps: STEPS_DEFAULT, profile: bug };
  for (let seed = from; seed < from + HUNT_SEEDS_MAX; seed += 1) {
    const { violation, steps } = simulate({ ...job, seed, planted: bug });
    if (violation === undefined || !PLANTED[bug].caughtBy.includes(violation.check)) continue;
    const without = simulate({ ...job, seed, steps: Math.min(steps, STEPS_DEFAULT) });
    expect([seed, violationOf(without)]).toEqual([seed, undefined]);
    return;
  }
  throw new Error(`${bug} (${protocol}) escaped ${HUNT_SEEDS_MAX} seeds from ${from} on`);
}
