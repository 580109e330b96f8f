// R9, rule by rule, through the machine: commands in, answers out, across restarts.
import { describe, expect, test } from "@jest/globals";
import { keyOf } from "../base/index.ts";
import { Host } from "../test/store/host.ts";
import {
  closeSession,
  del,
  openSession,
  put,
  rangeOf,
  sessionId,
  txn,
  valueIs,
} from "../test/store/requests.ts";
import type { Request, RequestId } from "./request.ts";
import { familyOf } from "./rows.ts";
import { SESSION_LIMITS_DEFAULT } from "./sessions.ts";
import type { SessionLimits } from "./sessions.ts";

function host(limits: Partial<SessionLimits> = {}): Host {
  return new Host({
    valueCacheBytesMax: 0,
    sessionLimits: { ...SESSION_LIMITS_DEFAULT, ...limits },
  });
}

function id(session: number, sequence: number, acknowledgedBelow = 0): RequestId {
  return { session: sessionId(session), sequence, acknowledgedBelow };
}

function sessionRows(of: Host): number {
  const families = of.sortedRows().map(({ key }) => familyOf(key));
  return families.filter((family) => family === "session" || family === "answer").length;
}

describe("a session", () => {
  test("is made by a log entry, and its id is that entry's index", () => {
    const store = host();
    store.run(put("a", "1"));
    expect(store.run(openSession(5_000))).toEqual({
      kind: "session-open",
      revision: 2,
      session: 2n,
      ttlMs: 5_000,
    });
  });

  test("gets a time to live within bounds, a default for 0", () => {
    const store = host({ ttlMsMin: 10, ttlMsMax: 20, ttlMsDefault: 15 });
    expect(store.run(openSession(0))).toMatchObject({ ttlMs: 15 });
    expect(store.run(openSession(1))).toMatchObject({ ttlMs: 10 });
    expect(store.run(openSession(100))).toMatchObject({ ttlMs: 20 });
  });

  test("is never made implicitly: a command of an unknown one does not run", () => {
    const store = host();
    for (const unknown of [0n, 9n, -1n, 1n << 63n]) {
      const requestId = { ...id(0, 1), session: unknown as RequestId["session"] };
      const answer = store.run(put("a", "1", {}, requestId));
      expect(answer).toMatchObject({ code: "session-expired", revision: 1 });
    }
  });

  test("closes, and is then unknown", () => {
    const store = host();
    store.run(openSession());
    store.run(put("a", "1", {}, id(1, 1)));
    expect(store.run(closeSession(1))).toEqual({ kind: "session-close", revision: 2 });
    expect(store.run(closeSession(1))).toMatchObject({ code: "session-expired" });
    expect(store.run(put("a", "2", {}, id(1, 2)))).toMatchObject({ code: "session-expired" });
    store.flush();
    expect(sessionRows(store)).toBe(0);
  });

  test("is refused when there are too many, unless some have expired", () => {
    const store = host({ sessionsMax: 2, ttlMsMin: 1 });
    store.run(openSession(100), 1);
    store.run(openSession(400), 2);
    expect(store.run(openSession(100), 3)).toMatchObject({ code: "session-full" });
    expect(store.run(openSession(100), 102)).toMatchObject({ session: 4n });
  });
});

describe("a command with a request id", () => {
  test("runs once; its repetition gets the same answer, revision included (scenario 81)", () => {
    const store = host();
    store.run(openSession());
    const first = store.run(put("a", "1", { prevKv: true }, id(1, 1)));
    store.run(put("b", "1"));
    expect(store.run(put("a", "1", { prevKv: true }, id(1, 1)))).toEqual(first);
    expect(store.machine.revision).toBe(3);
    expect(store.range(rangeOf("a"))).toMatchObject({ kvs: [{ version: 1 }] });
  });

  test("runs once over any restart, flushed or not, and over a checkpoint", () => {
    const store = host();
    const script: Request[] = [
      openSession(),
      txn([valueIs("a", "equal", "x")], [], [{ kind: "put", put: putBody() }]),
      { ...txnWithId(2), requestId: id(1, 2) },
    ];
    const answers = script.map((request) => store.run(request));
    store.flush();
    store.restart();
    expect(store.run({ ...txnWithId(2), requestId: id(1, 2) })).toEqual(answers[2]);
    store.checkpoint();
    store.restart();
    expect(store.run({ ...txnWithId(2), requestId: id(1, 2) })).toEqual(answers[2]);
  });

  test("runs once over a snapshot: the table is in it (scenario 83)", () => {
    const sender = host();
    sender.run(openSession());
    const first = sender.run(put("a", "1", {}, id(1, 1)));
    sender.run(put("a", "2", {}, id(1, 2)));
    sender.run(put("a", "3", {}, id(1, 3, 2)));
    sender.checkpoint();
    const receiver = host();
    for (const { key, value } of sender.sortedRows()) receiver.rows.set(keyOf(key), value);
    receiver.restart();
    const answers = [1, 2, 3].map((sequence) => {
      const retry = put("a", `${sequence}`, {}, id(1, sequence));
      return [sender, receiver].map((store) => store.run(retry));
    });
    expect(first).toMatchObject({ kind: "put" });
    expect(answers.map(([, there]) => there)).toMatchObject([
      { code: "already-acknowledged" },
      { kind: "put", revision: 3 },
      { kind: "put", revision: 4 },
    ]);
    for (const [here, there] of answers) expect(there).toEqual(here);
    expect(receiver.range(rangeOf("a"))).toMatchObject({ kvs: [{ version: 3 }] });
    expect(receiver.machine.hash()).toBe(sender.machine.hash());
  });

  test("gets a refusal again too, though it would succeed by then", () => {
    const store = host();
    store.run(openSession());
    const keep = put("a", "", { ignoreValue: true }, id(1, 1));
    expect(store.run(keep)).toMatchObject({ code: "key-not-found", revision: 1 });
    store.run(put("a", "1"));
    expect(store.run(keep)).toMatchObject({ code: "key-not-found", revision: 1 });
  });

  test("under a used sequence but with another body is an error, and does not run", () => {
    const store = host();
    store.run(openSession());
    store.run(put("a", "1", {}, id(1, 1)));
    for (const other of [
      put("a", "2", {}, id(1, 1)),
      put("a", "1", { prevKv: true }, id(1, 1)),
      { ...del("a"), requestId: id(1, 1) },
    ]) {
      expect(store.run(other)).toMatchObject({ code: "session-mismatch", revision: 2 });
    }
    expect(store.range(rangeOf("a"))).toMatchObject({ kvs: [{ version: 1 }] });
  });

  test("is the same command when it acknowledges more the second time", () => {
    const store = host();
    store.run(openSession());
    store.run(put("a", "1", {}, id(1, 1)));
    const second = store.run(put("b", "1", {}, id(1, 2, 0)));
    expect(store.run(put("b", "1", {}, id(1, 2, 2)))).toEqual(second);
  });

  test("below the floor is refused, and the floor never falls", () => {
    const store = host();
    store.run(openSession());
    store.run(put("a", "1", {}, id(1, 1)));
    store.run(put("a", "2", {}, id(1, 2, 2)));
    expect(store.run(put("a", "1", {}, id(1, 1)))).toMatchObject({ code: "already-acknowledged" });
    store.run(put("a", "3", {}, id(1, 3, 0)));
    expect(store.run(put("a", "1", {}, id(1, 1)))).toMatchObject({ code: "already-acknowledged" });
    store.flush();
    store.restart();
    expect(store.run(put("a", "1", {}, id(1, 1)))).toMatchObject({ code: "already-acknowledged" });
    expect(store.range(rangeOf("a"))).toMatchObject({ kvs: [{ version: 3 }] });
  });

  test("may come out of order among others of its session, each answered until acknowledged (scenario 84)", () => {
    const store = host();
    store.run(openSession());
    expect(store.run(put("a", "1", {}, id(1, 5)))).toMatchObject({ kind: "put" });
    expect(store.run(put("a", "2", {}, id(1, 2)))).toMatchObject({ kind: "put" });
    expect(store.machine.revision).toBe(3);
    // The lowest that is not acknowledged yet decides what may go: 2 has its answer, and so has 5 above it.
    store.run(put("a", "3", {}, id(1, 3, 2)));
    expect(store.run(put("a", "2", {}, id(1, 2, 2)))).toMatchObject({ kind: "put", revision: 3 });
    expect(store.run(put("a", "1", {}, id(1, 5, 5)))).toMatchObject({ kind: "put", revision: 2 });
    expect(store.run(put("a", "3", {}, id(1, 3)))).toMatchObject({ code: "already-acknowledged" });
    store.flush();
    expect(sessionRows(store)).toBe(2);
  });
});

describe("unacknowledged answers", () => {
  test("are bounded in count; acknowledging makes room and deletes rows", () => {
    const store = host({ answersMax: 2 });
    store.run(openSession());
    store.run(put("a", "1", {}, id(1, 1)));
    store.run(put("a", "2", {}, id(1, 2)));
    const third = put("a", "3", {}, id(1, 3));
    expect(store.run(third)).toMatchObject({ code: "session-full", revision: 3 });
    expect(store.machine.admits(third)).toMatchObject({ code: "session-full" });
    expect(store.machine.admits(put("a", "2", {}, id(1, 2)))).toBeUndefined();
    expect(store.machine.admits(put("a", "3", {}, id(1, 3, 2)))).toBeUndefined();
    expect(store.machine.admits(put("a", "3"))).toBeUndefined();
    expect(store.run(put("a", "3", {}, id(1, 3, 2)))).toMatchObject({ kind: "put", revision: 4 });
    store.flush();
    expect(sessionRows(store)).toBe(3);
  });

  test("are bounded in bytes, of a session and of all together", () => {
    const one = host({ answerBytesMax: 10 });
    one.run(openSession());
    one.run(put("a", "1", {}, id(1, 1)));
    expect(one.run(put("a", "2", {}, id(1, 2)))).toMatchObject({ code: "session-full" });
    const all = host({ answerBytesTotalMax: 10 });
    all.run(openSession());
    all.run(openSession());
    all.run(put("a", "1", {}, id(1, 1)));
    expect(all.run(put("a", "2", {}, id(2, 1)))).toMatchObject({ code: "session-full" });
    all.run(closeSession(1));
    expect(all.run(put("a", "2", {}, id(2, 1)))).toMatchObject({ kind: "put" });
  });
});

describe("expiry", () => {
  test("is by log time alone, and a use puts it off (scenario 82)", () => {
    const store = host();
    store.run(openSession(2_000), 1_000);
    store.run(put("a", "1", {}, id(1, 1)), 2_500);
    expect(store.run(put("a", "2", {}, id(1, 2)), 4_500)).toMatchObject({ kind: "put" });
    expect(store.run(put("a", "3", {}, id(1, 3)), 6_501)).toMatchObject({
      code: "session-expired",
    });
    store.flush();
    expect(sessionRows(store)).toBe(0);
  });

  test("refuses what was answered before it too, and runs nothing again (scenario 82)", () => {
    const store = host();
    store.run(openSession(2_000), 1_000);
    store.run(put("a", "1", {}, id(1, 1)), 1_000);
    const retry = put("a", "1", {}, id(1, 1));
    expect(store.run(retry, 3_001)).toMatchObject({ code: "session-expired", revision: 2 });
    expect(store.range(rangeOf("a"))).toMatchObject({ kvs: [{ version: 1 }] });
  });

  test("comes at the same entry on every member, restarted or not (scenario 82)", () => {
    const log: [Request, number][] = [
      [openSession(1_000), 100],
      [openSession(2_000), 200],
      [put("a", "1", {}, id(1, 1)), 300],
      [put("b", "1", {}, id(2, 1)), 1_200],
      [put("a", "2", {}, id(1, 2)), 1_301],
      [put("c", "1"), 3_300],
      [put("b", "2", {}, id(2, 2)), 3_300],
    ];
    const [steady, restarted] = [host(), host()];
    for (const [request, logTimeMs] of log) {
      const answer = steady.run(request, logTimeMs);
      expect(restarted.run(request, logTimeMs)).toEqual(answer);
      expect(restarted.machine.hash()).toBe(steady.machine.hash());
      restarted.flush();
      restarted.restart();
    }
    expect(steady.machine.revision).toBe(4);
  });

  test("clears sessions that nobody asks for, with their answers, as log time passes", () => {
    const store = host();
    store.run(openSession(1_000), 100);
    store.run(put("a", "1", {}, id(1, 1)), 200);
    store.run(put("b", "1"), 1_500);
    store.flush();
    expect(sessionRows(store)).toBe(0);
  });

  test("log time never goes back: a leader behind it cannot revive or age a session", () => {
    const store = host();
    store.run(openSession(1_000), 5_000);
    store.run(put("a", "1"), 3_000);
    expect(store.machine.logTime).toBe(5_000);
    store.flush();
    store.restart();
    expect(store.machine.logTime).toBe(5_000);
    expect(store.run(put("a", "2", {}, id(1, 1)), 5_900)).toMatchObject({ kind: "put" });
  });
});

test("session-forgotten-on-restart, planted: a retry across a restart is not recognised", () => {
  const store = host();
  store.run(openSession());
  store.run(put("a", "1", {}, id(1, 1)));
  store.flush();
  store.restart({ planted: "session-forgotten-on-restart" });
  expect(store.run(put("a", "1", {}, id(1, 1)))).toMatchObject({ code: "session-expired" });
});

function putBody(): Extract<Request, { kind: "put" }>["put"] {
  const request = put("a", "1");
  if (request.kind !== "put") throw new Error("a put is a put");
  return request.put;
}

function txnWithId(sequence: number): Extract<Request, { kind: "txn" }> {
  const request = txn([], [{ kind: "put", put: putBody() }]);
  if (request.kind !== "txn") throw new Error("a transaction is a transaction");
  return { ...request, requestId: id(1, sequence) };
}
