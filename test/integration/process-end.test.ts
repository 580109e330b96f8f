// How server processes end, on real ones: a bug, a disk that fails, a signal, a second signal.
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { finish } from "../e2e/child.ts";
import { Cluster } from "../e2e/cluster.ts";
import { until } from "../e2e/until.ts";
import { WireClient, bytes } from "../e2e/wire-client.ts";

const CALL_MS_MAX = 10_000;
const dist = join(__dirname, "..", "..", "dist");

describe("a bug", () => {
  test.each([
    ["thrown", "throw new Error('boom');"],
    ["a rejection nobody awaits", "Promise.reject(new Error('boom'));"],
    ["reported", "watch.onBug(new Error('boom'));"],
  ])("%s ends the process inside the turn, with a dump, exit code 1", async (_, provoke) => {
    const script = `
      const { ServerJournal } = require(${JSON.stringify(join(dist, "server", "journal.js"))});
      const { watchProcessEnd } = require(${JSON.stringify(join(dist, "server", "process-end.js"))});
      const journal = ServerJournal.open({
        level: "info", outputs: ["stderr"], format: "json", fields: { name: "m1" }, onOutputFailure() {},
      });
      const state = () => ({ role: "leader", term: 3, index: 7 });
      const watch = watchProcessEnd({ journal, state, onStop() {} });
      setImmediate(() => {
        setImmediate(() => process.stdout.write("an effect after the bug"));
        ${provoke}
      });`;
    const { exit, stdout, stderr } = await finish(process.execPath, ["-e", script]);
    expect(exit).toEqual({ code: 1 });
    expect(stdout).toBe("");
    const [dump = "", line] = stderr.trimEnd().split("\n");
    expect(JSON.parse(dump)).toMatchObject({
      level: "error",
      name: "m1",
      state: { role: "leader", term: 3, index: 7 },
      bug: expect.stringMatching(/^Error: boom\n/),
    });
    expect(line).toBe("hansa: ended by a bug: Error: boom");
  });
});

test("a signal while the process ends by itself does not change its exit code", async () => {
  const script = `
    const { watchProcessEnd } = require(${JSON.stringify(join(dist, "server", "process-end.js"))});
    const onStop = () => process.stdout.write("stopped anew");
    const watch = watchProcessEnd({ journal: undefined, state: () => ({}), onStop });
    watch.stop();
    const last = setInterval(() => undefined, 1_000);
    process.kill(process.pid, "SIGTERM");
    process.on("SIGTERM", () => {
      process.exitCode = 6;
      clearInterval(last);
    });`;
  const { exit, stdout } = await finish(process.execPath, ["-e", script]);
  expect(exit).toEqual({ code: 6 });
  expect(stdout).toBe("");
});

describe("a server", () => {
  let cluster: Cluster;
  let wire: WireClient | undefined;

  async function plan(voters: number, ...flags: string[]): Promise<void> {
    cluster = await Cluster.plan({ voters, flags });
  }

  beforeEach(() => plan(1));

  afterEach(async () => {
    wire?.close();
    await cluster.stop();
  });

  async function put(endpoint: string): Promise<void> {
    const client = new WireClient(endpoint);
    try {
      await client.put({ key: bytes("k"), value: bytes("v") }, CALL_MS_MAX);
    } finally {
      client.close();
    }
  }

  test("whose disk fails stops for good, says why, exit code 6, and loses nothing acknowledged", async () => {
    const member = cluster.member("n1");
    member.start();
    await member.ready();
    await put(member.endpoint);
    // No write of this process reaches a file any more.
    const { exit } = await finish("prlimit", ["--pid", String(member.pid), "--fsize=1"]);
    expect(exit).toEqual({ code: 0 });
    await expect(put(member.endpoint)).rejects.toThrow();
    expect(await member.terminate()).toEqual({ code: 6 });
    expect(member.output).toMatch(/halted: a disk operation failed/);
    expect(member.output).toMatch(/^hansa: stopped for good: /m);
    member.start();
    await member.ready();
    wire = new WireClient(member.endpoint);
    expect((await wire.range({ key: bytes("k") }, CALL_MS_MAX)).kvs).toHaveLength(1);
  });

  describe("that waits for a call in flight", () => {
    /** A member of two without the other: a write neither commits nor fails before its deadline. */
    async function waiting(...flags: string[]): Promise<() => Promise<unknown>> {
      await plan(2, ...flags);
      const member = cluster.member("n1");
      member.start();
      wire = new WireClient(member.endpoint);
      const client = wire;
      await until("the member answers", CALL_MS_MAX, () => client.status(CALL_MS_MAX));
      const call = client
        .put({ key: bytes("k"), value: bytes("v") }, 60_000)
        .catch((cause: unknown) => cause);
      // On the same connection, so behind the write.
      await client.status(CALL_MS_MAX);
      return () => call;
    }

    test("gives it up after --shutdown-timeout-ms, exit code 0", async () => {
      const call = await waiting("--shutdown-timeout-ms=200", "--request-timeout-ms=60000");
      expect(await cluster.member("n1").terminate()).toEqual({ code: 0 });
      expect(await call()).toBeInstanceOf(Error);
    });

    test("ends at once on a second signal", async () => {
      await waiting("--shutdown-timeout-ms=60000", "--request-timeout-ms=60000");
      const member = cluster.member("n1");
      member.signal("SIGTERM");
      await until("the first signal is heard", CALL_MS_MAX, () =>
        member.output.includes('"stopping"') ? true : undefined,
      );
      expect(await member.terminate()).toEqual({ code: 143 });
    });
  });
});
