// The life of a custom handler by the command line, on two regions and a directory of real processes: refused, set,
// used, stopped in one region and told of in the other, set again, taken away (federation 8; scenario 26). With
// `npm run e2e`.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { hansa as commandLine } from "../integration/cli-run.ts";
import { DEADLINE_MS, FederationProcesses } from "./federation-processes.ts";
import { until } from "./until.ts";

const ROUND_MS = 2_000;
const HANDLED = ["eu", "us"] as const;
type Name = (typeof HANDLED)[number];

/** Throws of what has no "=", which no sample of its trial shows. */
const PAIRS = `function resolve(key, siblings) {
  const pairs = siblings.flatMap(({ value }) => (value === undefined ? [] : value.split("&")));
  if (pairs.length === 0) return null;
  if (!pairs.every((pair) => pair.includes("="))) throw new Error("not a pair");
  return [...new Set(pairs)].sort().join("&");
}`;
const MENDED = PAIRS.replace('throw new Error("not a pair")', "return undefined");

const regions = new FederationProcesses<Name>();
const folder = mkdtempSync(join(tmpdir(), "hansa-handlers-"));

beforeAll(async () => {
  await regions.start({ eu: 1, us: 1 });
  for (const [at, name] of HANDLED.entries()) {
    await taken(name, "federation", at === 0 ? "init" : "join", ...regions.peersOf(name));
  }
}, 3 * DEADLINE_MS);

afterAll(async () => {
  await regions.stop();
  rmSync(folder, { recursive: true });
});

function hansa(name: Name, ...args: readonly string[]): ReturnType<typeof commandLine> {
  return commandLine(regions.member(name).endpoint, ["--command-timeout", "30s", ...args]);
}

/** Regions come up one after the other: a command is given until it is taken. */
function taken(name: Name, ...args: readonly string[]): Promise<string> {
  return until(`${name} takes ${args.join(" ")}`, DEADLINE_MS, async () => {
    const { code, stdout, stderr } = await hansa(name, ...args);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  });
}

function file(name: string, source: string): string {
  const path = join(folder, name);
  writeFileSync(path, source);
  return path;
}

/** Two writes that have not seen each other, and both regions show what `isSo` asks for. */
async function conflict(values: readonly [string, string], isSo: (value: string) => boolean) {
  let round = 0;
  return until("a conflict comes about", DEADLINE_MS, async () => {
    const key = `q/${values.join("|")}/${(round += 1)}`;
    await Promise.all([regions.at("eu").put(key, values[0]), regions.at("us").put(key, values[1])]);
    return until("both show the same", ROUND_MS, async () => {
      const [eu, us] = await Promise.all([regions.at("eu").get(key), regions.at("us").get(key)]);
      const value = eu.kv?.text() ?? "";
      return value === us.kv?.text() && isSo(value) ? key : undefined;
    });
  });
}

test(
  "a handler is refused, set, used, stopped, set again and taken away",
  async () => {
    const order = file("order.js", "function resolve(key, [first]) { return first.value; }");
    const refused = await hansa("us", "federation", "handler", "set", "pairs", order);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/in another order/) });
    const set = ["federation", "handler", "set", "pairs"];
    const samples = ["--sample", "a=1", "--sample", "b=2&c=3"];
    await taken("us", ...set, file("pairs.js", PAIRS), ...samples);
    await taken("us", "federation", "policy", "set", "q/", "resolver", "--handler", "pairs");
    expect(await taken("eu", "federation", "handler", "show", "pairs")).toBe(PAIRS);
    for (const name of HANDLED) {
      await until(`${name} writes`, DEADLINE_MS, () => regions.at(name).put(`q/at-${name}`, "1=1"));
    }

    await conflict(["x=1", "y=2"], (value) => value === "x=1&y=2");

    await until("it is stopped, and both regions say so", DEADLINE_MS, async () => {
      await conflict(["x", "y"], () => true);
      const told = await Promise.all(HANDLED.map((name) => hansa(name, "federation", "status")));
      const stopped = /handler pairs is stopped by (?:eu|us): it throws Error: not a pair/;
      return told.every(({ stdout }) => stopped.test(stdout)) || undefined;
    });
    await conflict(["x=1", "y=2"], (value) => ["x=1", "y=2"].includes(value));

    await taken("eu", ...set, file("mended.js", MENDED), ...samples);
    expect(await taken("us", "federation", "handler", "list")).toBe("pairs: on-write, running\n");
    await conflict(["x=1", "y=2"], (value) => value === "x=1&y=2");

    const used = await hansa("eu", "federation", "handler", "unset", "pairs");
    expect(used).toMatchObject({ code: 1, stderr: expect.stringMatching(/settles "q\/"/) });
    await taken("eu", "federation", "policy", "set", "q/", "lww");
    await taken("eu", "federation", "handler", "unset", "pairs");
    expect(await taken("us", "federation", "handler", "list")).toBe("");
  },
  6 * DEADLINE_MS,
);
