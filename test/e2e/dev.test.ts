// `hansa dev`, which `npm start` runs: it says where to connect, what it prints to try works, Ctrl-C ends it
// whole, and its data is there at the next start.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Child } from "./child.ts";
import { hansa, MAIN } from "./cluster.ts";
import { freePorts } from "./free-port.ts";

const START_MS_MAX = 30_000;
const MEMBERS = 4;
const PORT_STEP = 10;

describe("a development cluster", () => {
  let folder: string;
  let basePort: number;
  let running: Child | undefined;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "hansa-dev-"));
    basePort = await freePorts(MEMBERS * PORT_STEP);
  });

  afterEach(async () => {
    if (running?.running === true) {
      running.signal("SIGINT");
      await running.exited;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(): Promise<Child> {
    const args = ["dev", "--nodes", "3", "--learners", "1", "--data-dir", folder];
    running = new Child(process.execPath, [MAIN, ...args, "--base-port", String(basePort)]);
    await running.line(/hansa get/, START_MS_MAX);
    return running;
  }

  test("serves, prints commands that work, stops on Ctrl-C and remembers", async () => {
    const first = await start();
    for (let at = 0; at < MEMBERS; at += 1) {
      expect(first.output).toContain(`127.0.0.1:${basePort + at * PORT_STEP}`);
    }
    expect(first.output).toContain(folder);
    const endpoint = ["--endpoints", `127.0.0.1:${basePort}`];
    expect((await hansa(["put", "greeting", "hello", ...endpoint])).exit).toEqual({ code: 0 });
    const learner = ["--endpoints", `127.0.0.1:${basePort + 3 * PORT_STEP}`];
    const { stdout } = await hansa(["member", "list", ...learner]);
    expect(stdout.trim().split("\n")).toHaveLength(MEMBERS);

    first.signal("SIGINT");
    expect(await first.exited).toEqual({ code: 0 });
    expect(first.output).toMatch(/stopped$/);

    await start();
    const again = await hansa(["get", "greeting", "--read", "quorum", ...endpoint]);
    expect(again).toMatchObject({ exit: { code: 0 }, stdout: "greeting\nhello\n" });
  }, 120_000);

  test("two of them on the same ports: the second says so and touches nothing", async () => {
    await start();
    const other = await hansa([
      "dev",
      "--data-dir",
      join(folder, "other"),
      "--base-port",
      String(basePort),
    ]);
    expect(other.exit).toEqual({ code: 1 });
    expect(other.stderr).toContain(`127.0.0.1:${basePort}`);
  }, 120_000);
});
