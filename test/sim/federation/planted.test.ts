// Planted bugs of the federation are found by the check that names each, and the same seed without the bug is clean: a
// budget of those that show soonest. `npm run sim -- --federation --planted` hunts them all.
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { PLANTED_FEDERATION } from "./planted-plans.ts";
import { plantedFederationPath, readPlantedFederation } from "./planted-seeds.ts";
import { simulateFederation } from "./simulate.ts";

const STEPS_MAX = 800;
/** How far the search may go from where the bug was last found. */
const SEEDS_MAX = 3;

const soon = readPlantedFederation(plantedFederationPath(join(__dirname, "..", "..", ".."))).filter(
  ({ step }) => step <= STEPS_MAX,
);

test("some show soon", () => {
  expect(soon.length).toBeGreaterThan(5);
});

test.each(soon)("$bug is found by its check", ({ bug, seed: first }) => {
  const { caughtBy } = PLANTED_FEDERATION[bug];
  for (let seed = first; seed < first + SEEDS_MAX; seed += 1) {
    const job = { seed, steps: STEPS_MAX, profile: bug };
    const { violation } = simulateFederation({ ...job, planted: bug });
    if (violation === undefined || !caughtBy.includes(violation.check)) continue;
    expect(simulateFederation(job).violation?.message).toBeUndefined();
    return;
  }
  throw new Error(`${bug} escaped ${SEEDS_MAX} seeds from ${first} on`);
});
