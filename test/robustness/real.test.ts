// A short run of the harness on real processes: one round, struck by a kill or a pause. `npm run robustness` runs
// for minutes, on both protocols, and cuts the network too.
import { expect, test } from "@jest/globals";
import { runReal } from "./real-run.ts";

const TEST_MS_MAX = 240_000;

test(
  "real processes keep what they promise to watches, leases and locks while they are struck",
  async () => {
    const { violations, ...figures } = await runReal({
      protocol: "raft",
      seed: process.pid,
      forMs: 0,
      electionTimeoutMs: 500,
      note: (line) => process.stdout.write(`${line}\n`),
    });
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    expect(violations).toEqual([]);
    expect(figures.answers).toBeGreaterThan(50);
    expect(figures.leases).toBeGreaterThan(0);
    expect(figures.locks).toBeGreaterThan(0);
  },
  TEST_MS_MAX,
);
