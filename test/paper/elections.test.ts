// Elections: Raft 5.1, 5.2; Thesis 6.2 (check quorum), 9.6 (pre-vote), 3.10 (transfer's target).
import { describe, expect, test } from "@jest/globals";
import type { BootNonce } from "../../base/index.ts";
import {
  LEASE_MS,
  Lone,
  append,
  appendAck,
  heartbeat,
  heartbeatAck,
  preVote,
  vote,
} from "./lone.ts";

const T = 1000;

describe("elections", () => {
  test("a follower stays one while it hears its leader (Raft 5.2)", () => {
    const lone = Lone.awake({ term: 1 });
    for (let round = 1; round < 50; round += 1) {
      lone.step(2, 1, heartbeat(round));
      lone.tick(T - 1);
    }
    expect(lone.role).toBe("follower");
  });

  test("campaigns when it has heard nobody for its timeout (Raft 5.2)", () => {
    const lone = new Lone();
    lone.tick(T - 1);
    expect(lone.role).toBe("follower");
    lone.tick(T + 1);
    expect(lone.role).toBe("candidate");
  });

  test("timeouts are drawn from [min, 2 min), so that they differ (Raft 5.2)", () => {
    const timeouts = Array.from({ length: 40 }, (_, seed) => {
      const lone = new Lone({ seed });
      while (lone.role === "follower") lone.tick(1);
      return lone.now;
    });
    expect(Math.min(...timeouts)).toBeGreaterThanOrEqual(T);
    expect(Math.max(...timeouts)).toBeLessThanOrEqual(2 * T);
    expect(new Set(timeouts).size).toBeGreaterThan(30);
  });

  test("increments its term, votes for itself and asks all others (Raft 5.2)", () => {
    const lone = Lone.awake({ terms: [1, 1] });
    lone.campaign();
    expect(lone.term).toBe(2);
    expect(lone.log.votedFor).toBe(1);
    const body = { kind: "request-vote", lastIndex: 2, lastTerm: 1, transferTerm: 0 };
    expect(lone.take()).toEqual([2, 3].map((to) => ({ to, term: 2, body })));
  });

  test("asks for votes only when its term is durable (R1)", () => {
    const lone = Lone.awake();
    lone.tick(2 * T);
    const [poll] = lone.takeKind("pre-vote");
    lone.step(2, 0, { kind: "pre-vote-answer", poll: poll?.body.poll as never, granted: true });
    expect(lone.term).toBe(1);
    expect(lone.take()).toEqual([]);
    lone.persist();
    expect(lone.takeKind("request-vote")).toHaveLength(2);
  });

  test.each([
    { voters: [1, 2, 3], needed: 1 },
    { voters: [1, 2, 3, 4], needed: 2 },
    { voters: [1, 2, 3, 4, 5], needed: 2 },
  ])("wins with a majority of $voters and not before (Raft 5.2)", ({ voters, needed }) => {
    const lone = Lone.awake({ voters });
    lone.campaign();
    for (let granted = 0; granted < needed; granted += 1) {
      expect(lone.role).toBe("candidate");
      lone.step(granted + 2, 1, vote(true));
    }
    expect(lone.role).toBe("leader");
  });

  test("one voter's grants count once, refusals and learners' never (Raft 5.2)", () => {
    const lone = Lone.awake({ voters: [1, 2, 3, 4, 5], learners: [6, 7] });
    lone.campaign();
    for (const from of [2, 2, 6, 7]) lone.step(from, 1, vote(true));
    for (const from of [3, 4, 5]) lone.step(from, 1, vote(false));
    expect(lone.role).toBe("candidate");
  });

  test("votes of an earlier term do not count (Raft 5.2)", () => {
    const lone = Lone.awake();
    lone.campaign();
    lone.campaign();
    expect(lone.term).toBe(2);
    lone.step(2, 1, vote(true));
    expect(lone.role).toBe("candidate");
  });

  test("a winner sends heartbeats to all at once (Raft 5.2)", () => {
    const lone = Lone.awake();
    lone.campaign();
    lone.take();
    lone.step(2, 1, vote(true));
    expect(lone.takeKind("heartbeat").map(({ to }) => to)).toEqual([2, 3]);
  });

  test("a leader sends heartbeats every interval (Raft Fig. 2, rules for leaders)", () => {
    const lone = Lone.established();
    lone.tick(99);
    expect(lone.takeKind("heartbeat")).toHaveLength(0);
    lone.tick(1);
    expect(lone.takeKind("heartbeat")).toHaveLength(2);
  });

  test("any larger term turns a leader into a follower (Raft 5.1)", () => {
    const lone = Lone.established();
    lone.step(3, 7, { kind: "stale-epoch" });
    expect(lone.role).toBe("follower");
    expect(lone.term).toBe(7);
    expect(lone.pendingOps).toMatchObject([{ op: "promise", votedFor: 0 }]);
  });

  test("a candidate whose election is split tries again, in another term (Raft 5.2)", () => {
    const lone = Lone.awake();
    lone.campaign();
    expect(lone.term).toBe(1);
    lone.campaign();
    expect(lone.term).toBe(2);
  });

  test("learners never campaign (Thesis 4.2.1)", () => {
    const lone = Lone.awake({ voters: [2, 3], learners: [1] });
    lone.tick(9 * T);
    expect(lone.role).toBe("learner");
    expect(lone.take()).toEqual([]);
  });

  test("a group of one elects itself at its first tick, when its vote is durable (scenario 34)", () => {
    const lone = new Lone({ voters: [1] });
    lone.tick();
    expect(lone.role).toBe("candidate");
    lone.persist();
    expect(lone.role).toBe("leader");
  });
});

describe("check quorum (Thesis 6.2)", () => {
  test("a leader that no majority answers for an election timeout steps down (R14)", () => {
    const lone = Lone.established();
    lone.tick(T);
    expect(lone.role).toBe("leader");
    lone.tick(1);
    expect(lone.role).toBe("follower");
    expect(lone.core.status().leader).toBeUndefined();
  });

  test("one answer of one other voter keeps a leader of three (R14)", () => {
    const lone = Lone.established();
    for (let round = 2; round < 20; round += 1) {
      lone.tick(T - 100);
      const sent = lone.takeKind("heartbeat").at(-1);
      lone.step(2, 1, heartbeatAck(lone, sent?.body.round.counter ?? 0, round));
      expect(lone.role).toBe("leader");
    }
  });

  test("answers of learners keep nobody in office (R14)", () => {
    const lone = Lone.established({ learners: [4] });
    lone.tick(T - 100);
    const sent = lone.takeKind("heartbeat").at(-1);
    lone.step(4, 1, heartbeatAck(lone, sent?.body.round.counter ?? 0));
    lone.tick(101);
    expect(lone.role).toBe("follower");
  });

  test("a leader whose own write is outstanding too long steps down (R7, scenario 70)", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.tick(T);
    const sent = lone.takeKind("heartbeat").at(-1);
    for (const from of [2, 3]) {
      lone.step(from, 1, heartbeatAck(lone, sent?.body.round.counter ?? 0));
    }
    lone.tick(1);
    expect(lone.role).toBe("follower");
    lone.tick(9 * T);
    expect(lone.role).toBe("follower");
  });
});

describe("pre-vote (Thesis 9.6)", () => {
  test("a poll changes no term, at either end", () => {
    const lone = Lone.awake({ term: 3 });
    lone.step(2, 3, preVote(4, 0, 0));
    lone.tick(2 * T);
    expect(lone.term).toBe(3);
    expect(lone.writes).toEqual([]);
  });

  test("is granted to an up-to-date log when no leader is heard", () => {
    const lone = Lone.awake({ terms: [1, 1] });
    lone.step(2, 1, preVote(2, 2, 1));
    lone.step(3, 1, preVote(2, 1, 1));
    expect(lone.takeKind("pre-vote-answer").map(({ body }) => body.granted)).toEqual([true, false]);
  });

  test("is granted to several in a term: it promises nothing", () => {
    const lone = Lone.awake();
    lone.step(2, 0, preVote(1, 0, 0));
    lone.step(3, 0, preVote(1, 0, 0));
    expect(lone.takeKind("pre-vote-answer").map(({ body }) => body.granted)).toEqual([true, true]);
  });

  test("is ignored while a leader is heard", () => {
    const lone = Lone.awake({ term: 1 });
    lone.step(2, 1, heartbeat(1));
    lone.take();
    lone.step(3, 1, preVote(2, 9, 1));
    expect(lone.take()).toEqual([]);
    lone.elapse(LEASE_MS);
    lone.step(3, 1, preVote(2, 9, 1));
    expect(lone.takeKind("pre-vote-answer")).toHaveLength(1);
  });

  test("an asker in a lower term learns the higher one, leader or not (R12, scenario 4)", () => {
    const lone = Lone.awake({ term: 5 });
    lone.step(2, 5, heartbeat(1));
    lone.take();
    lone.step(3, 2, preVote(3, 9, 9));
    expect(lone.take()).toMatchObject([{ to: 3, term: 5, body: { granted: false } }]);
  });

  test("answers count whatever the answerer's term, for the poll they name (scenario 8, R16)", () => {
    const lone = Lone.awake({ terms: [1], term: 4 });
    lone.tick(2 * T);
    const poll = lone.takeKind("pre-vote")[0]?.body.poll ?? { boot: 0n as BootNonce, counter: 0 };
    const earlierBoot = { ...poll, boot: 99n as BootNonce };
    lone.step(2, 1, { kind: "pre-vote-answer", poll: earlierBoot, granted: true });
    lone.step(2, 1, { kind: "pre-vote-answer", poll: { ...poll, counter: 9 }, granted: true });
    expect(lone.term).toBe(4);
    lone.step(2, 1, { kind: "pre-vote-answer", poll, granted: true });
    expect(lone.term).toBe(5);
  });

  test("a follower forgets its leader when it campaigns (R14, scenario 6)", () => {
    const lone = Lone.awake({ term: 1 });
    lone.step(2, 1, heartbeat(1));
    lone.tick(2 * T);
    expect(lone.core.status().leader).toBeUndefined();
  });

  test("a pre-candidate that hears the leader after all follows it", () => {
    const lone = Lone.awake({ term: 1 });
    lone.tick(2 * T);
    lone.step(2, 1, append(0, 0, []));
    expect(lone.role).toBe("follower");
  });
});

describe("leadership transfer, at its target (Thesis 3.10)", () => {
  test("timeout-now starts an election at once, in the next term, without a poll", () => {
    const lone = Lone.awake({ term: 1 });
    lone.step(2, 1, heartbeat(1));
    lone.take();
    lone.step(2, 1, { kind: "timeout-now" });
    lone.persistAll();
    expect(lone.takeKind("request-vote")).toMatchObject([
      { to: 2, term: 2, body: { transferTerm: 2 } },
      { to: 3, term: 2, body: { transferTerm: 2 } },
    ]);
  });

  test("a learner does not obey it", () => {
    const lone = Lone.awake({ voters: [2, 3], learners: [1], term: 1 });
    lone.step(2, 1, { kind: "timeout-now" });
    expect(lone.role).toBe("learner");
  });
});

describe("halting (R18)", () => {
  test("a leader whose disk failed tells its peers once and says nothing more", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.take();
    lone.turn((core, now) => core.storageFailed(now));
    expect(lone.take().map(({ to, body }) => [to, body.kind])).toEqual([
      [2, "leader-halted"],
      [3, "leader-halted"],
    ]);
    expect(lone.outcomes).toMatchObject([{ index: 2, fate: "unknown" }]);
    lone.tick(T);
    lone.step(2, 1, appendAck(2));
    expect(lone.take()).toEqual([]);
    expect(lone.core.leaseHolds(lone.core.status().epoch, lone.now)).toBe(false);
    expect(lone.propose("b")).toEqual({ ok: false, reason: "halted" });
  });

  test("who hears it need not wait for a lease that is given up", () => {
    const lone = Lone.awake({ term: 1 });
    lone.step(2, 1, heartbeat(1));
    lone.take();
    lone.step(2, 1, { kind: "leader-halted" });
    lone.step(3, 1, preVote(2, 9, 9));
    expect(lone.takeKind("pre-vote-answer")).toHaveLength(1);
  });
});
