// Every seed that ever failed, on the core it failed on, is clean; test/seeds.txt says what each showed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { STEPS, violationOf } from "./budget.ts";
import { PLANTED_NAMES } from "./planted.ts";
import { simulate } from "./simulate.ts";

const once = readFileSync(join(__dirname, "..", "seeds.txt"), "utf8")
  .split("\n")
  .map((line) => line.replace(/#.*/, "").trim())
  .filter((line) => line !== "");

test.each(once)("clean where something once broke: %s", (line) => {
  const [seed = "", protocol, name] = line.split(/\s+/);
  if (protocol !== "raft" && protocol !== "paxos") throw new Error(`${line}: raft or paxos?`);
  const profile = PLANTED_NAMES.find((bug) => bug === name);
  expect(profile).toBe(name);
  const themed = profile === undefined ? {} : { profile };
  const outcome = simulate({ protocol, seed: Number(seed), steps: STEPS, ...themed });
  expect(violationOf(outcome)).toBeUndefined();
});
