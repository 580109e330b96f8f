// Every seed that ever failed, on the core it failed on or of a federation, is clean; test/seeds.txt says what each
// showed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { STEPS, violationOf } from "./budget.ts";
import { PLANTED_FEDERATION_NAMES } from "./federation/planted-plans.ts";
import { simulateFederation } from "./federation/simulate.ts";
import { PLANTED_NAMES } from "./planted.ts";
import { simulate } from "./simulate.ts";

const FEDERATION_STEPS = 1_500;

const once = readFileSync(join(__dirname, "..", "seeds.txt"), "utf8")
  .split("\n")
  .map((line) => line.replace(/#.*/, "").trim())
  .filter((line) => line !== "");

test.each(once)("clean where something once broke: %s", (line) => {
  const [text = "", what, ...rest] = line.split(/\s+/);
  const seed = Number(text);
  const name = rest.find((word) => Number.isNaN(Number(word)));
  if (what === "federation") {
    const steps = Number(rest.find((word) => word !== name) ?? FEDERATION_STEPS);
    const themed = themeOf(PLANTED_FEDERATION_NAMES, name);
    const { violation } = simulateFederation({ seed, steps, ...themed });
    expect(violation?.message).toBeUndefined();
    return;
  }
  if (what !== "raft" && what !== "paxos") throw new Error(`${line}: raft, paxos or federation?`);
  const outcome = simulate({ protocol: what, seed, steps: STEPS, ...themeOf(PLANTED_NAMES, name) });
  expect(violationOf(outcome)).toBeUndefined();
});

function themeOf<Bug extends string>(
  bugs: readonly Bug[],
  name: string | undefined,
): { profile?: Bug } {
  const profile = bugs.find((bug) => bug === name);
  expect(profile).toBe(name);
  return profile === undefined ? {} : { profile };
}
