// `hansa get --read MODE` on real processes: each mode's answer with a proof that is true, and what a member
// that is cut off, or behind, says instead of an answer.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Cluster, protocolsFor } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { until } from "./until.ts";
import { bytes, WireClient } from "./wire-client.ts";

/** The proof as the command prints it; etcd's number format: 64-bit ids and revisions as numbers or text. */
interface PrintedProof {
  readonly asked: string;
  readonly used: string;
  readonly member_id: string | number;
  readonly role: string;
  readonly applied_index: string | number;
  readonly revision: string | number;
  readonly staleness_bound_ms?: string | number;
  readonly clock_drift_max: number;
}

interface Printed {
  readonly header: { readonly revision: string | number };
  readonly kvs?: readonly { readonly key: string; readonly value: string }[];
  readonly proof: PrintedProof;
}

const CALL_MS_MAX = 10_000;

describe.each(protocolsFor("paxos"))("reads by mode over %s", (protocol) => {
  let cluster: Cluster;
  let leader: MemberProcess;
  let learner: MemberProcess;
  let revision: number;

  beforeAll(async () => {
    const flags = ["--consensus", protocol];
    cluster = await Cluster.start({ voters: 3, learners: 1, flags });
    leader = await cluster.leader();
    const [found] = cluster.learners;
    if (found === undefined) throw new Error("a cluster without a learner");
    learner = found;
    revision = await put("k", "v1");
  });

  afterAll(async () => {
    await cluster.stop();
  });

  /** Writes through the leader; the revision of the write. */
  async function put(key: string, value: string): Promise<number> {
    const wire = new WireClient((await cluster.leader()).endpoint);
    try {
      const { header } = await wire.put({ key: bytes(key), value: bytes(value) }, CALL_MS_MAX);
      return Number(header?.revision);
    } finally {
      wire.close();
    }
  }

  async function get(args: readonly string[], endpoints: string): Promise<Printed> {
    const { exit, stdout, stderr } = await cluster.hansa(
      ["get", "k", "-w", "json", ...args],
      endpoints,
    );
    expect({ exit, stderr }).toEqual({ exit: { code: 0 }, stderr: "" });
    return JSON.parse(stdout) as Printed;
  }

  /** What the command says when it is refused. */
  async function refusal(args: readonly string[], endpoints: string): Promise<string> {
    const { exit, stderr } = await cluster.hansa(["get", "k", "-w", "json", ...args], endpoints);
    expect(exit.code).not.toBe(0);
    return stderr;
  }

  function expectValue(printed: Printed, value: string): void {
    const [pair] = printed.kvs ?? [];
    expect(Buffer.from(pair?.value ?? "", "base64").toString()).toBe(value);
    expect(Number(printed.proof.revision)).toBe(Number(printed.header.revision));
    expect(Number(printed.proof.revision)).toBeGreaterThanOrEqual(revision);
    expect(Number(printed.proof.applied_index)).toBeGreaterThan(0);
    expect(printed.proof.clock_drift_max).toBeGreaterThan(0);
  }

  test.each(["quorum", "index", "lease", "follower"])(
    "%s is linearizable and says so",
    async (mode) => {
      const printed = await get(["--read", mode], cluster.endpoints);
      expectValue(printed, "v1");
      expect(printed.proof.asked).toBe(mode);
      expect(printed.proof.used).toBe(mode);
      // A linearizable answer is no older than its call.
      expect(Number(printed.proof.staleness_bound_ms)).toBeLessThan(CALL_MS_MAX);
      if (mode === "lease") expect(printed.proof.role).toBe("leader");
      if (mode === "follower") expect(printed.proof.role).toBe("follower");
    },
  );

  test("learner answers from its own state with a bound on its age", async () => {
    const printed = await until("the learner has caught up", CALL_MS_MAX, async () => {
      const answer = await get(["--read", "learner", "--max-staleness", "1s"], learner.endpoint);
      return Number(answer.proof.revision) >= revision ? answer : undefined;
    });
    expectValue(printed, "v1");
    expect(printed.proof).toMatchObject({ asked: "learner", used: "learner", role: "learner" });
    expect(Number(printed.proof.staleness_bound_ms)).toBeLessThanOrEqual(1_000);
  });

  test("local answers from any member, its age reported", async () => {
    for (const member of cluster.members) {
      const printed = await get(
        ["--read", "local", "--min-revision", String(revision)],
        member.endpoint,
      );
      expectValue(printed, "v1");
      expect(printed.proof).toMatchObject({ asked: "local", used: "local" });
    }
  });

  test("lease asked of a follower is answered by the leader, and the proof says by whom", async () => {
    const follower = cluster.voters.find((member) => member !== leader);
    const printed = await get(["--read", "lease"], follower?.endpoint ?? "");
    expectValue(printed, "v1");
    expect(printed.proof).toMatchObject({ asked: "lease", role: "leader" });
  });

  test("without a mode a read is etcd's: by index", async () => {
    const printed = await get([], leader.endpoint);
    expectValue(printed, "v1");
    expect(printed.proof.used).toBe("index");
  });

  test("a minimum revision of the future fails, is forwarded or waits, as asked (scenario 73)", async () => {
    const own = revision + 1;
    const future = ["--read", "learner", "--min-revision", String(own)];
    expect(await refusal([...future, "--on-miss", "fail"], learner.endpoint)).toMatch(
      /NOT_COMMITTED|not committed/i,
    );
    // The leader has not got it either: it says so, or waits to the deadline.
    const asked = cluster.hansa(
      ["get", "k", "-w", "json", ...future, "--on-miss", "wait", "--command-timeout", "20s"],
      learner.endpoint,
    );
    const unanswered = await Promise.race([
      asked.then(() => false),
      put("k", "v2").then(() => true),
    ]);
    expect(unanswered).toBe(true);
    const { exit, stdout } = await asked;
    expect(exit.code).toBe(0);
    const waited = JSON.parse(stdout) as Printed;
    expect(Number(waited.proof.revision)).toBeGreaterThanOrEqual(own);
    expect(waited.proof.role).toBe("learner");
    revision = own;
    const forwarded = await get([...future, "--on-miss", "forward"], learner.endpoint);
    expect(Number(forwarded.proof.revision)).toBeGreaterThanOrEqual(own);
  });

  test("a learner that is cut off refuses what it cannot bound, and serves what it can (scenario 73)", async () => {
    for (const voter of cluster.voters) voter.signal("SIGSTOP");
    try {
      const bounded = ["--read", "learner", "--max-staleness", "50ms"];
      await until("the learner's bound has grown", CALL_MS_MAX, async () => {
        const { exit } = await cluster.hansa(
          ["get", "k", ...bounded, "--on-miss", "fail"],
          learner.endpoint,
        );
        return exit.code === 0 ? undefined : true;
      });
      expect(await refusal([...bounded, "--on-miss", "fail"], learner.endpoint)).toMatch(
        /TOO_STALE|too stale/i,
      );
      // Waiting does not help: nobody is there to bring news.
      const waited = [...bounded, "--on-miss", "wait", "--command-timeout", "1s"];
      expect(await refusal(waited, learner.endpoint)).toMatch(/TOO_STALE|too stale|deadline/i);
      const local = await get(["--read", "local"], learner.endpoint);
      expectValue(local, "v2");
      expect(Number(local.proof.staleness_bound_ms)).toBeGreaterThan(50);
    } finally {
      for (const voter of cluster.voters) voter.signal("SIGCONT");
    }
    await until("the learner is fresh again", CALL_MS_MAX, async () => {
      const { exit } = await cluster.hansa(
        ["get", "k", "--read", "learner", "--max-staleness", "500ms", "--on-miss", "fail"],
        learner.endpoint,
      );
      return exit.code === 0 ? true : undefined;
    });
  });
});
