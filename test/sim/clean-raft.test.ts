// The first seeds on Raft are clean, and a seed decides everything that happens in its run.
import { expect, test } from "@jest/globals";
import { STEPS, testClean } from "./budget.ts";
import { simulate } from "./simulate.ts";

testClean("raft");

test("two runs of a seed have equal traces, line by line", () => {
  const run = (seed: number): { lines: readonly string[]; hash: string } => {
    const lines: string[] = [];
    const print = (line: string): number => lines.push(line);
    const { hash } = simulate({ protocol: "raft", seed, steps: STEPS, print });
    return { lines, hash };
  };
  for (const seed of [3, 16]) {
    const first = run(seed);
    expect(run(seed)).toEqual(first);
    expect(first.lines.length).toBeGreaterThan(500);
  }
});

test("another seed has another trace, and printing changes nothing", () => {
  const { hash } = simulate({ protocol: "raft", seed: 5, steps: STEPS });
  expect(simulate({ protocol: "raft", seed: 6, steps: STEPS }).hash).not.toBe(hash);
  expect(simulate({ protocol: "raft", seed: 5, steps: STEPS, keepLines: true }).hash).toBe(hash);
});
