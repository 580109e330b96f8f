// Real processes struck by signal under load: what was acknowledged stays, nothing happens twice, every
// linearizable answer fits one order, and service comes back by itself.
import { afterEach, describe, expect, test } from "@jest/globals";
import { Cluster, protocolsFor } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { tick, until } from "./until.ts";
import { bytes, ON_MISS, READ_MODES, valueOf, WireClient } from "./wire-client.ts";
import { statesOf, workloadUnder } from "./workload.ts";

/** The aim is 3 s; printed, and judged with room for a busy machine. */
const BACK_MS_MAX = 10_000;
const PAUSE_MS = 5_000;

describe.each(protocolsFor("raft"))("kill -9 and SIGSTOP over %s", (protocol) => {
  const flags = ["--consensus", protocol];

  let cluster: Cluster;

  afterEach(async () => {
    await cluster.stop();
  });

  test("the leader is killed under 64 writers (scenario 81)", async () => {
    cluster = await Cluster.start({ voters: 3, flags });
    const struck: MemberProcess[] = [];
    const report = await workloadUnder(cluster, async (done) => {
      const leader = await cluster.leader();
      struck.push(leader);
      await leader.kill();
      done();
    });
    process.stdout.write(`leader killed: ${JSON.stringify(report)}\n`);
    expect(report.violations).toEqual([]);
    expect(report.operations).toBeGreaterThan(500);
    expect(report.backAfterMs).toBeLessThan(BACK_MS_MAX);
    for (const member of struck) member.start();
    await Promise.all(struck.map((member) => member.ready()));
    const [first, ...others] = await statesOf(cluster);
    expect(first?.split("\n").length).toBeGreaterThan(64);
    for (const other of others) expect(other).toBe(first);
  }, 120_000);

  test("all three are killed at once and started again", async () => {
    cluster = await Cluster.start({ voters: 3, flags });
    const report = await workloadUnder(cluster, async (done) => {
      await Promise.all(cluster.members.map((member) => member.kill()));
      done();
      for (const member of cluster.members) member.start();
      await Promise.all(cluster.members.map((member) => member.ready()));
    });
    process.stdout.write(`all killed: ${JSON.stringify(report)}\n`);
    expect(report.violations).toEqual([]);
    expect(report.operations).toBeGreaterThan(500);
    const [first, ...others] = await statesOf(cluster);
    for (const other of others) expect(other).toBe(first);
  }, 120_000);

  test("a lease read on a leader that was paused for 5 s is never stale (scenario 67)", async () => {
    cluster = await Cluster.start({ voters: 3, flags });
    const old = await cluster.leader();
    const paused = new WireClient(old.endpoint);
    try {
      await paused.put({ key: bytes("k"), value: bytes("before") }, 5_000);
      const lease = { key: bytes("k"), read_mode: READ_MODES.lease };
      expect(valueOf(await paused.range(lease, 5_000))).toBe("before");

      old.signal("SIGSTOP");
      const stoppedAtMs = performance.now();
      const others = cluster.voters.filter((member) => member !== old);
      await until("the others take the write", 15_000, async () => {
        for (const { endpoint } of others) {
          const wire = new WireClient(endpoint);
          try {
            await wire.put({ key: bytes("k"), value: bytes("after") }, 2_000);
            return true;
          } finally {
            wire.close();
          }
        }
        return undefined;
      });
      // These reads are called after "after" was acknowledged, and lie in the paused leader's socket.
      const asked = Array.from({ length: 100 }, () =>
        paused
          .range({ ...lease, on_miss: ON_MISS.fail }, 20_000)
          .then(valueOf, (failure: unknown) => failure),
      );
      await tick(Math.max(0, PAUSE_MS - (performance.now() - stoppedAtMs)));
      old.signal("SIGCONT");
      const seen = await Promise.all(asked);
      // An error is no stale answer.
      expect(seen.filter((answer) => !(answer instanceof Error) && answer !== "after")).toEqual([]);
      const settled = await until("the old leader answers again", 15_000, () =>
        paused.range({ ...lease, read_mode: READ_MODES.index }, 5_000),
      );
      expect(valueOf(settled)).toBe("after");
    } finally {
      paused.close();
    }
  }, 120_000);
});
