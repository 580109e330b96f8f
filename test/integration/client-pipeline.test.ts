// The client against members that do as they are told: batches, streams that break, sessions that expire.
// What the client sends is the subject; what a store makes of it is tested on real ones.
import { afterEach, describe, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import type { ClientOptions } from "../../client/index.ts";
import type { hansa } from "../../proto/index.ts";
import { until } from "../e2e/until.ts";
import { ScriptedMember } from "./scripted-member.ts";
import type { Reaction, Script } from "./scripted-member.ts";

const DEADLINE_MS = 10_000;
const header = { cluster_id: 1, member_id: 1, revision: 5, raft_term: 1 };

function failed(error: string, outcome: string, code = 14): Reaction {
  return { reply: { failure: { code, message: error, error, outcome } } };
}

/** Answers anything as if it had been done. */
function done(call: hansa.v1.ICall): Reaction {
  if (call.put !== undefined && call.put !== null) return { reply: { put: { header } } };
  if (call.range !== undefined && call.range !== null) return { reply: { range: { header } } };
  if (call.txn !== undefined && call.txn !== null) {
    return { reply: { txn: { header, succeeded: true } } };
  }
  return { reply: { delete_range: { header, deleted: 1 } } };
}

function idOf(call: hansa.v1.ICall | undefined): object {
  const id = call?.put?.request_id;
  return {
    session: Number(id?.session),
    sequence: Number(id?.sequence),
    below: Number(id?.acknowledged_below),
  };
}

describe("the client's side of the pipeline", () => {
  const ends: (() => void | Promise<void>)[] = [];

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function memberOf(script: Script): Promise<ScriptedMember> {
    const member = await ScriptedMember.start(script);
    ends.push(() => {
      member.stop();
    });
    return member;
  }

  function clientOf(
    members: readonly ScriptedMember[],
    options: Partial<ClientOptions> = {},
  ): Client {
    const endpoints = members.map(({ endpoint }) => endpoint);
    const client = new Client({ endpoints, discover: false, deadlineMs: DEADLINE_MS, ...options });
    ends.push(() => client.close());
    return client;
  }

  /** A leader by its status that answers no call, and a follower that answers. */
  async function silentLeader(): Promise<[ScriptedMember, ScriptedMember]> {
    const status = (member_id: number): object => ({
      header: { member_id, raft_term: 1 },
      leader: 1,
    });
    return [
      await memberOf({ status: status(1), onCall: () => "silence" }),
      await memberOf({ status: status(2), onCall: done }),
    ];
  }

  test("calls of one turn leave together, and each gets its own answer", async () => {
    const member = await memberOf({
      onCall: (call) => ({
        reply: {
          range: { header, kvs: [{ key: call.range?.key ?? null, value: Buffer.from("v") }] },
        },
      }),
    });
    const client = clientOf([member]);
    await client.get("warm");
    const keys = Array.from({ length: 100 }, (_, at) => `k${at}`);
    const answers = await Promise.all(keys.map((key) => client.get(key)));
    expect(answers.map(({ kv }) => kv?.keyText())).toEqual(keys);
    expect(member.batches.map((batch) => batch.length)).toEqual([1, 100]);
  });

  test("batches are bounded in bytes", async () => {
    const member = await memberOf({ onCall: done });
    const client = clientOf([member], { writes: "never" });
    const value = "v".repeat(200 * 1024);
    await Promise.all(Array.from({ length: 6 }, (_, at) => client.put(`${at}`, value)));
    expect(member.batches.map((batch) => batch.length)).toEqual([2, 2, 2]);
  });

  test("a read is repeated when the stream breaks", async () => {
    const member = await memberOf({ onCall: (call, at) => (at === 0 ? "break" : done(call)) });
    const client = clientOf([member]);
    expect((await client.get("k")).revision).toBe(5);
    expect(member.calls).toHaveLength(2);
  });

  test("a numbered write is repeated under its number; an acknowledged one lets the floor rise", async () => {
    const member = await memberOf({
      sessions: [7],
      onCall: (call, at) => (at === 0 ? "break" : done(call)),
    });
    const client = clientOf([member]);
    await client.put("k", "1");
    await client.put("k", "2");
    expect(member.calls.map(idOf)).toEqual([
      { session: 7, sequence: 1, below: 1 },
      { session: 7, sequence: 1, below: 1 },
      { session: 7, sequence: 2, below: 2 },
    ]);
  });

  test("without sessions a write whose stream breaks is not repeated, and is unknown", async () => {
    const member = await memberOf({ onCall: () => "break" });
    const client = clientOf([member], { writes: "never" });
    await expect(client.put("k", "1")).rejects.toMatchObject({
      code: "unavailable",
      outcome: "unknown",
    });
    expect(member.calls).toHaveLength(1);
  });

  test("without sessions a write that is proved not applied is repeated", async () => {
    const member = await memberOf({
      onCall: (call, at) => (at < 2 ? failed("no-leader", "not-applied") : done(call)),
    });
    const client = clientOf([member]);
    await client.put("k", "1");
    expect(member.calls).toHaveLength(3);
    expect(member.calls[0]?.put?.request_id ?? null).toBeNull();
  });

  test("an expired session is opened anew when nothing of the write can be applied", async () => {
    const member = await memberOf({
      sessions: [7, 8],
      onCall: (call, at) => (at === 1 ? failed("session-expired", "not-applied", 9) : done(call)),
    });
    const client = clientOf([member]);
    await client.put("k", "1");
    await client.put("k", "2");
    expect(member.calls.map(idOf)).toEqual([
      { session: 7, sequence: 1, below: 1 },
      { session: 7, sequence: 2, below: 2 },
      { session: 8, sequence: 1, below: 1 },
    ]);
  });

  test("an expired session after an attempt of unknown fate is the caller's to know", async () => {
    const member = await memberOf({
      sessions: [7, 8],
      onCall: (call, at) => {
        if (at === 0) return "break";
        return at === 1 ? failed("session-expired", "not-applied", 9) : done(call);
      },
    });
    const client = clientOf([member]);
    await expect(client.put("k", "1")).rejects.toMatchObject({
      code: "session-expired",
      outcome: "unknown",
    });
    await client.put("k", "2");
    expect(idOf(member.calls[2])).toEqual({ session: 8, sequence: 1, below: 1 });
  });

  test("the store's verdict on a repetition is the verdict, whatever the attempt before it left open", async () => {
    const member = await memberOf({
      sessions: [7],
      onCall: (_, at) => (at === 0 ? "break" : failed("lease-not-found", "not-applied", 5)),
    });
    await expect(clientOf([member]).put("k", "1", { lease: 9n })).rejects.toMatchObject({
      code: "lease-not-found",
      outcome: "not-applied",
    });
  });

  test("an attempt of unknown fate stays unknown when the last one never left", async () => {
    const member = await memberOf({ sessions: [7], onCall: () => "break" });
    const client = clientOf([member], { limits: { attemptsMax: 3 } });
    await expect(client.put("k", "1")).rejects.toMatchObject({
      code: "unavailable",
      outcome: "unknown",
    });
    expect(member.calls).toHaveLength(3);
  });

  test("what one member cannot do is asked of another, and the leader is remembered", async () => {
    // By their own word nobody leads: what an answer proves is all there is to learn from.
    const status = (member_id: number): object => ({ header: { member_id, raft_term: 1 } });
    const follower = await memberOf({
      status: status(1),
      onCall: () => failed("no-leader", "not-applied"),
    });
    const proof = { used: 2, asked: 2, member_id: 2, role: 1, revision: 5, applied_index: 9 };
    const leader = await memberOf({
      status: status(2),
      onCall: () => ({ reply: { range: { header: { ...header, member_id: 2 }, proof } } }),
    });
    const client = clientOf([follower, leader]);
    await client.get("k");
    const asked = follower.calls.length;
    for (let at = 0; at < 5; at += 1) await client.get("k");
    expect(follower.calls.length).toBe(asked);
    expect(client.knownMembers().find(({ role }) => role === "leader")?.address).toBe(
      leader.endpoint,
    );
  });

  test("a silent member costs an attempt, and its late silence nothing more", async () => {
    const [silent, other] = await silentLeader();
    const client = clientOf([silent, other], { attemptMs: 100 });
    await client.get("k");
    expect(silent.calls).toHaveLength(1);
    expect(other.calls).toHaveLength(1);
    expect(client.knownMembers().find(({ address }) => address === silent.endpoint)).toMatchObject({
      failureCount: 1,
    });
  });

  test("a call shorter than an attempt survives a silent member too", async () => {
    const [silent, other] = await silentLeader();
    const client = clientOf([silent, other], { attemptMs: 60_000 });
    await client.get("k", { deadlineMs: 1_000 });
    expect(silent.calls).toHaveLength(1);
    expect(other.calls).toHaveLength(1);
  });

  test("an aborted call ends alone; the stream goes on for the others", async () => {
    const member = await memberOf({ onCall: (call, at) => (at === 0 ? "silence" : done(call)) });
    const client = clientOf([member], { writes: "never" });
    const aborter = new AbortController();
    const ended = expect(client.put("k", "1", { signal: aborter.signal })).rejects.toMatchObject({
      code: "cancelled",
      outcome: "unknown",
    });
    await until("the call is there", DEADLINE_MS, () =>
      member.calls.length === 1 ? true : undefined,
    );
    aborter.abort();
    await ended;
    await client.put("k", "2");
    expect(member.calls).toHaveLength(2);
  });

  test("the server hears a deadline of its own, before the client's", async () => {
    const member = await memberOf({ onCall: done });
    await clientOf([member]).get("k", { deadlineMs: 1_000 });
    const timeoutMs = Number(member.calls[0]?.timeout_ms);
    expect(timeoutMs).toBeGreaterThan(0);
    expect(timeoutMs).toBeLessThanOrEqual(900);
  });

  test("read options travel as the wire has them, defaults and the call's own", async () => {
    const member = await memberOf({ onCall: done });
    const read = { mode: "learner", maxStalenessMs: 50, onMiss: "fail" } as const;
    const client = clientOf([member], { read });
    await client.get("k");
    await client.get("k", { mode: "lease", minRevision: 3, onMiss: "forward" });
    expect(member.calls[1]?.range).toMatchObject({
      read_mode: 3,
      max_staleness_ms: 50,
      min_revision: 3,
      on_miss: 2,
    });
    expect(member.calls[0]?.range).toMatchObject({
      read_mode: 5,
      max_staleness_ms: 50,
      on_miss: 3,
    });
  });

  test("a monotonic client asks for what it has seen, but not of the past", async () => {
    const member = await memberOf({ onCall: done });
    const client = clientOf([member], { monotonic: true });
    await client.get("k");
    await client.get("k");
    await client.get("k", { revision: 2 });
    await client.get("k", { minRevision: 4 });
    expect(member.calls.map((call) => Number(call.range?.min_revision))).toEqual([0, 5, 0, 5]);
  });

  test("close lets the session go", async () => {
    const member = await memberOf({ sessions: [7], onCall: done });
    const client = clientOf([member]);
    await client.put("k", "1");
    await client.close();
    expect(member.closedSessions).toEqual([7]);
  });

  test("an answer that is none to the question is an internal error, of unknown outcome", async () => {
    const member = await memberOf({ onCall: () => ({ reply: { range: { header } } }) });
    await expect(clientOf([member], { writes: "never" }).put("k", "1")).rejects.toMatchObject({
      code: "internal",
      outcome: "unknown",
    });
  });
});
