// A budget of seeds of the federation's simulator, and proof that its checks see: the long runs are
// `npm run sim -- --federation`.
import { describe, expect, test } from "@jest/globals";
import { simulateFederation } from "./simulate.ts";
import type { FederationReport } from "./simulate.ts";

const STEPS = 1_500;

function kept({ violation, ...rest }: FederationReport): FederationReport {
  expect(violation?.message).toBeUndefined();
  return rest;
}

describe("federations under faults", () => {
  test.each([23, 27])("seed %i keeps every promise", (seed) => {
    const { minted, acknowledged } = kept(simulateFederation({ seed, steps: STEPS }));
    expect(minted).toBeGreaterThan(20);
    expect(acknowledged).toBeGreaterThan(20);
  });

  test("a run is decided by its seed", () => {
    const job = { seed: 3, steps: 250 };
    expect(simulateFederation(job)).toEqual(simulateFederation(job));
  });
});
