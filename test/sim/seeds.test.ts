// Every seed that ever failed, on the core it failed on or of a federation, is clean; test/seeds.txt says what each
// showed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { STEPS, reportsOf } from "./budget.ts";
import { PLANTED_FEDERATION_NAMES } from "./federation/planted-plans.ts";
import { simulateFederation } from "./federation/simulate.ts";
import type { Job, JobReport } from "./fleet.ts";
import { PLANTED_NAMES } from "./planted.ts";

const FEDERATION_STEPS = 1_500;
const GROUPS_MS_MAX = 5 * 60_000;

const once = readFileSync(join(__dirname, "..", "seeds.txt"), "utf8")
  .split("\n")
  .map((line) => line.replace(/#.*/, "").trim())
  .filter((line) => line !== "");

const federations = once.filter((line) => line.split(/\s+/)[1] === "federation");
const groups = once.filter((line) => !federations.includes(line));

test.each(federations)("clean where something once broke: %s", (line) => {
  const [seed, , ...rest] = line.split(/\s+/);
  const name = rest.find((word) => Number.isNaN(Number(word)));
  const steps = Number(rest.find((word) => word !== name) ?? FEDERATION_STEPS);
  const themed = themeOf(PLANTED_FEDERATION_NAMES, name);
  const { violation } = simulateFederation({ seed: Number(seed), steps, ...themed });
  expect(violation?.message).toBeUndefined();
});

describe("of one group", () => {
  let reports: readonly JobReport[] = [];
  beforeAll(async () => {
    reports = await reportsOf(groups.map(jobOf));
  }, GROUPS_MS_MAX);

  test.each(groups)("clean where something once broke: %s", (line) => {
    const report = reports[groups.indexOf(line)];
    expect(report?.job).toEqual(jobOf(line));
    expect(report?.violation?.message).toBeUndefined();
  });
});

function jobOf(line: string): Job {
  const [seed, protocol, name] = line.split(/\s+/);
  if (protocol !== "raft" && protocol !== "paxos") {
    throw new Error(`${line}: raft, paxos or federation?`);
  }
  return { protocol, seed: Number(seed), steps: STEPS, ...themeOf(PLANTED_NAMES, name) };
}

function themeOf<Bug extends string>(
  bugs: readonly Bug[],
  name: string | undefined,
): { profile?: Bug } {
  const profile = bugs.find((bug) => bug === name);
  expect(profile).toBe(name);
  return profile === undefined ? {} : { profile };
}
