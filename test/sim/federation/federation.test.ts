// A budget of seeds of the federation's simulator, and proof that its checks see: the long runs are
// `npm run sim -- --federation`.
import { describe, expect, test } from "@jest/globals";
import { simulateFederation } from "./simulate.ts";

describe("federations under faults", () => {
  test.each([26, 36, 49])("seed %i keeps every promise", (seed) => {
    const { violation, minted, acknowledged } = simulateFederation({ seed, steps: 2_500 });
    expect(violation).toBeUndefined();
    expect(minted).toBeGreaterThan(100);
    expect(acknowledged).toBeGreaterThan(100);
  });

  test("a run is decided by its seed", () => {
    const job = { seed: 3, steps: 1_500 };
    expect(simulateFederation(job)).toEqual(simulateFederation(job));
  });

  test("siblings that are pruned where they lose are seen (federation trap 3)", () => {
    const planted = "local-prune";
    const { violation } = simulateFederation({ seed: 1, steps: 2_500, planted });
    expect(violation).toMatch(/^siblings: /);
  });
});
