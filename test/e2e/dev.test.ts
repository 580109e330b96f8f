// `hansa dev`: comes up, says so, reports a member that dies, ends whole however it is ended, and touches
// nothing when it cannot start.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Child } from "./child.ts";
import { hansa, MAIN } from "./cluster.ts";
import { freePorts } from "./free-port.ts";
import { until } from "./until.ts";

const START_MS_MAX = 30_000;
const STOP_MS_MAX = 20_000;
/** Members stand 10 apart: three at most, each with a client and a peer port. */
const PORTS = 30;

describe("hansa dev", () => {
  let folder: string;
  let dataDir: string;
  let basePort: number;
  let started: Child[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "hansa-dev-"));
    dataDir = join(folder, "data");
    basePort = await freePorts(PORTS);
    started = [];
  });

  afterEach(async () => {
    for (const child of started) child.signal("SIGKILL");
    await Promise.all(started.map((child) => child.exited));
    // Members end when their parent is gone; the folder is removed after that.
    await until("no member runs", STOP_MS_MAX, () =>
      runningPids().length === 0 ? true : undefined,
    );
    rmSync(folder, { recursive: true, force: true });
  });

  function args(nodes: number, learners: number): string[] {
    return [
      ...["dev", "--nodes", String(nodes), "--learners", String(learners)],
      ...["--data-dir", dataDir, "--base-port", String(basePort)],
    ];
  }

  function start(nodes: number, learners: number, ...more: string[]): Child {
    const child = new Child(process.execPath, [MAIN, ...args(nodes, learners), ...more]);
    started.push(child);
    return child;
  }

  /** The process ids that members have logged at their start. */
  function pidsOf(name: string): number[] {
    const file = join(dataDir, `${name}.log`);
    if (!existsSync(file)) return [];
    const pids = readFileSync(file, "utf8").matchAll(/"msg":"starting".*?"pid":(\d+)/g);
    return [...pids].map(([, pid]) => Number(pid));
  }

  function runningPids(): number[] {
    return ["n1", "n2", "n3", "l1"].flatMap(pidsOf).filter((pid) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    });
  }

  async function stopped(child: Child): Promise<unknown> {
    return until("dev has ended", STOP_MS_MAX, () => (child.running ? undefined : child.exited));
  }

  test("a cluster comes up, serves, ends by SIGINT with exit code 0, and keeps its data", async () => {
    const first = start(1, 1);
    await first.line(/Ready/, START_MS_MAX);
    expect(first.output).toContain(`n1 is up: 127.0.0.1:${basePort}`);
    expect(first.output).toContain(`l1 is up: 127.0.0.1:${basePort + 10}`);
    expect(first.output).toContain("n1 leads");
    expect(first.output).toContain(dataDir);
    const endpoint = `127.0.0.1:${basePort}`;
    const put = await hansa(["put", "greeting", "hello", "--endpoints", endpoint]);
    expect(put).toMatchObject({ exit: { code: 0 }, stdout: "OK\n" });
    // As under npm, where the terminal's Ctrl-C comes twice.
    first.signal("SIGINT");
    first.signal("SIGINT");
    expect(await stopped(first)).toEqual({ code: 0 });
    expect(first.output).not.toContain("killed");
    expect(runningPids()).toEqual([]);

    const second = start(1, 1);
    await second.line(/Ready/, START_MS_MAX);
    const learner = `127.0.0.1:${basePort + 10}`;
    // The learner may have been stopped before it had heard of the put; a bound on the age makes it wait.
    const fresh = ["--read", "learner", "--max-staleness", "1s", "--endpoints", learner];
    const get = await hansa(["get", "greeting", ...fresh]);
    expect(get.stdout).toBe("greeting\nhello\n");
    second.signal("SIGTERM");
    expect(await stopped(second)).toEqual({ code: 0 });
    expect(runningPids()).toEqual([]);

    const other = await hansa(args(3, 0));
    expect(other.exit).toEqual({ code: 1 });
    expect(other.stderr).toContain("holds another cluster");
    expect(readdirSync(dataDir).sort()).toEqual(["cluster.json", "l1", "l1.log", "n1", "n1.log"]);
  });

  test("over Paxos: a member that dies is reported, not restarted, and the others go on", async () => {
    const dev = start(3, 0, "--consensus", "paxos");
    await dev.line(/Ready/, START_MS_MAX);
    expect(dev.output).toContain("paxos, data in");
    const [pid = 0] = pidsOf("n2");
    process.kill(pid, "SIGKILL");
    await dev.line(/^n2 \(pid \d+\) was ended by SIGKILL; it is not restarted/, STOP_MS_MAX);
    const others = `127.0.0.1:${basePort},127.0.0.1:${basePort + 20}`;
    const put = await hansa(["put", "k", "v", "--exactly-once", "--endpoints", others]);
    expect(put).toMatchObject({ exit: { code: 0 }, stdout: "OK\n" });
    const status = await hansa(["status", "-w", "json", "--endpoints", others]);
    expect(JSON.parse(status.stdout)).toMatchObject([
      { Status: { state: { protocol: "paxos", voters: 3 } } },
      { Status: { state: { protocol: "paxos", voters: 3 } } },
    ]);
    expect(pidsOf("n2")).toHaveLength(1);
    dev.signal("SIGINT");
    expect(await stopped(dev)).toEqual({ code: 0 });
    expect(runningPids()).toEqual([]);
    const raft = await hansa(args(3, 0));
    expect(raft.exit).toEqual({ code: 1 });
    expect(raft.stderr).toContain("holds another cluster");
  });

  test("when it is killed itself, its members end too", async () => {
    const dev = start(1, 0);
    await dev.line(/Ready/, START_MS_MAX);
    expect(runningPids()).toHaveLength(1);
    dev.signal("SIGKILL");
    await stopped(dev);
    await until("the member has ended", STOP_MS_MAX, () =>
      runningPids().length === 0 ? true : undefined,
    );
    // By SIGTERM, not by a fall.
    expect(readFileSync(join(dataDir, "n1.log"), "utf8")).toContain('"msg":"stopped"');
  });

  test("when every member ends it ends too, and says why", async () => {
    const dev = start(1, 0);
    await dev.line(/Ready/, START_MS_MAX);
    const [pid = 0] = pidsOf("n1");
    process.kill(pid, "SIGTERM");
    expect(await stopped(dev)).toEqual({ code: 1 });
    expect(dev.output).toContain("n1 (pid");
    expect(dev.output).toContain("exited with code 0");
    expect(dev.output).toContain("every member has ended");
  });

  test("a taken port is named, the exit code is 1, and nothing is made", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(basePort + 11, "127.0.0.1", resolve);
    });
    const refused = await hansa(args(1, 1));
    await new Promise((resolve) => taken.close(resolve));
    expect(refused.exit).toEqual({ code: 1 });
    expect(refused.stderr).toContain(`127.0.0.1:${basePort + 11} (peer port of l1): in use`);
    expect(existsSync(dataDir)).toBe(false);
  });

  test.each([
    [["dev", "--nodes", "0"], "expected 1 to 9"],
    [["dev", "--consensus", "gossip"], "raft, paxos"],
    [["dev", "--nodes", "7"], "give --base-port"],
  ])("%j is a usage error", async (words, reason) => {
    const refused = await hansa([...words, "--data-dir", dataDir]);
    expect(refused.exit).toEqual({ code: 2 });
    expect(refused.stderr).toContain(reason);
    expect(existsSync(dataDir)).toBe(false);
  });
});
