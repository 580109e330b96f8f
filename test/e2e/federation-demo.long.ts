// The demonstration of a federation as its users start it, with `npm run e2e`: twelve processes are too many for every
// run of the tests.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Child, finish } from "./child.ts";
import { MAIN } from "./cluster.ts";
import { until } from "./until.ts";

/** Twelve processes take long to start where there is one core for them. */
const DEMO_MS_MAX = 600_000;
const DEMO = join(MAIN, "..", "..", "examples", "federation", "demo.js");

describe("npm run demo:federation -- --once", () => {
  test(
    "three regions write, one is cut off and heals, all are equal",
    async () => {
      const { exit, stdout, stderr } = await finish(process.execPath, [DEMO, "--once"], {
        timeoutMs: DEMO_MS_MAX,
      });
      expect({ exit, stderr }).toEqual({ exit: { code: 0 }, stderr: "" });
      expect(stdout).toMatch(/^iad is cut off/m);
      // Five keys are written by all three while one is cut off.
      expect(stdout).toMatch(
        /^regions 3, writes 195, conflicts (?:[5-9]|[1-9]\d+), lag p99 [\d.]+ ms, converged yes$/m,
      );
    },
    DEMO_MS_MAX,
  );
});

describe("Ctrl-C leaves nothing behind", () => {
  async function interrupted(demo: Child, folder: string): Promise<void> {
    demo.signal("SIGINT");
    expect(await demo.exited).toEqual({ code: 130 });
    expect(existsSync(folder)).toBe(false);
    expect(demo.output).not.toMatch(/^(?:iad is cut off|.*Error)/m);
  }

  async function folderOf(demo: Child): Promise<string> {
    return (await demo.line(/data in \S+$/, DEMO_MS_MAX)).split(" ").at(-1) ?? "";
  }

  test(
    "while its processes still start",
    async () => {
      const demo = new Child(process.execPath, [DEMO]);
      const folder = await folderOf(demo);
      await until("the second group starts", DEMO_MS_MAX, () =>
        existsSync(join(folder, "ams1")) ? true : undefined,
      );
      await interrupted(demo, folder);
      expect(demo.output).not.toMatch(/^Every region writes/m);
    },
    DEMO_MS_MAX,
  );

  test(
    "while all write",
    async () => {
      const demo = new Child(process.execPath, [DEMO]);
      const folder = await folderOf(demo);
      await demo.line(/^Every region writes/, DEMO_MS_MAX);
      await interrupted(demo, folder);
    },
    DEMO_MS_MAX,
  );
});
