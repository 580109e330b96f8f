// RequestVote: Raft Fig. 2, 5.1, 5.2, 5.4.1; Thesis 4.2.3.
import { describe, expect, test } from "@jest/globals";
import { LEASE_MS, Lone, append, heartbeat, requestVote, vote } from "./lone.ts";

describe("requestVote", () => {
  test("replies false to an older term, with the newer one (Raft Fig. 2, RequestVote 1)", () => {
    const lone = Lone.awake({ term: 5 });
    lone.step(2, 4, requestVote(9, 4));
    expect(lone.take()).toEqual([{ to: 2, term: 5, body: vote(false) }]);
    expect(lone.writes).toEqual([]);
  });

  test("grants once per term (Raft 5.2)", () => {
    const lone = Lone.awake();
    lone.step(2, 1, requestVote(0, 0));
    lone.step(3, 1, requestVote(0, 0));
    lone.persistAll();
    expect(lone.take()).toEqual([
      { to: 2, term: 1, body: vote(true) },
      { to: 3, term: 1, body: vote(false) },
    ]);
  });

  test("grants again to whom it has granted, for the answer may be lost (Raft Fig. 2)", () => {
    const lone = Lone.awake();
    lone.step(2, 1, requestVote(0, 0));
    lone.persistAll();
    lone.take();
    lone.step(2, 1, requestVote(0, 0));
    expect(lone.take()).toEqual([{ to: 2, term: 1, body: vote(true) }]);
  });

  test("remembers across a restart whom it granted (Raft Fig. 2, persistent state)", () => {
    const lone = Lone.awake({ term: 3, votedFor: 2 });
    lone.step(3, 3, requestVote(9, 3));
    lone.step(2, 3, requestVote(0, 0));
    expect(lone.take().map(({ body }) => body)).toEqual([vote(false), vote(true)]);
  });

  test.each([
    { own: [1, 1], lastIndex: 2, lastTerm: 1, granted: true, why: "as complete" },
    { own: [1, 1], lastIndex: 3, lastTerm: 1, granted: true, why: "longer" },
    { own: [1, 1], lastIndex: 1, lastTerm: 2, granted: true, why: "shorter, of a later term" },
    { own: [1, 1], lastIndex: 1, lastTerm: 1, granted: false, why: "shorter" },
    { own: [1, 2], lastIndex: 9, lastTerm: 1, granted: false, why: "longer, of an earlier term" },
  ])("weighs a log that is $why (Raft 5.4.1)", ({ own, lastIndex, lastTerm, granted }) => {
    const lone = Lone.awake({ terms: own });
    lone.step(2, 3, requestVote(lastIndex, lastTerm));
    lone.persistAll();
    expect(lone.take()).toEqual([{ to: 2, term: 3, body: vote(granted) }]);
  });

  test("adopting the term of a refused candidate gives it nothing (scenario 3)", () => {
    const lone = Lone.awake({ terms: [1, 1] });
    lone.step(2, 2, requestVote(1, 1));
    lone.step(3, 2, requestVote(2, 1));
    lone.persistAll();
    expect(lone.term).toBe(2);
    expect(lone.take().map(({ to, body }) => [to, body])).toEqual([
      [2, vote(false)],
      [3, vote(true)],
    ]);
  });

  test("a vote leaves only when term and vote are durable (Raft Fig. 2, persistent state)", () => {
    const lone = Lone.awake();
    lone.step(2, 1, requestVote(0, 0));
    expect(lone.take()).toEqual([]);
    expect(lone.pendingOps).toEqual([
      { op: "promise", promised: { config: 0, round: 1, node: 0 }, votedFor: 2 },
    ]);
    lone.persist();
    expect(lone.take()).toHaveLength(1);
  });

  test("a refusal that carries a term of its own waits for that term too (R1)", () => {
    const lone = Lone.awake({ terms: [5] });
    lone.step(2, 6, requestVote(0, 0));
    expect(lone.take()).toEqual([]);
    lone.persist();
    expect(lone.take()).toEqual([{ to: 2, term: 6, body: vote(false) }]);
  });

  test("is ignored within the lease constant of the leader, its term too (Thesis 4.2.3)", () => {
    const lone = Lone.awake({ term: 1 });
    lone.step(2, 1, heartbeat(1));
    lone.take();
    lone.elapse(LEASE_MS - 1);
    lone.step(3, 9, requestVote(9, 9));
    expect(lone.take()).toEqual([]);
    expect(lone.term).toBe(1);
    lone.elapse(1);
    lone.step(3, 9, requestVote(9, 9));
    lone.persistAll();
    expect(lone.take()).toEqual([{ to: 3, term: 9, body: vote(true) }]);
  });

  test("is ignored by a leader (Thesis 4.2.3)", () => {
    const lone = Lone.established();
    lone.step(3, 9, requestVote(9, 9));
    expect(lone.role).toBe("leader");
    expect(lone.take()).toEqual([]);
  });

  test("is ignored for the lease constant from boot (R7, scenario 16)", () => {
    const lone = new Lone();
    lone.elapse(LEASE_MS - 1);
    lone.step(2, 1, requestVote(0, 0));
    expect(lone.term).toBe(0);
    lone.elapse(1);
    lone.step(2, 1, requestVote(0, 0));
    expect(lone.term).toBe(1);
  });

  test("stickiness yields to a transfer in exactly its term (R11)", () => {
    const lone = Lone.awake({ term: 1 });
    lone.step(2, 1, heartbeat(1));
    lone.take();
    lone.step(3, 9, requestVote(9, 9, 2));
    expect(lone.term).toBe(1);
    lone.step(3, 2, requestVote(9, 9, 2));
    lone.persistAll();
    expect(lone.take()).toEqual([{ to: 3, term: 2, body: vote(true) }]);
  });

  test("a follower of this term's leader grants nobody else in it (Raft 5.2)", () => {
    const lone = Lone.awake({ term: 1 });
    lone.step(2, 2, append(0, 0, [2]));
    lone.persistAll();
    lone.take();
    lone.elapse(LEASE_MS);
    lone.step(3, 2, requestVote(9, 9));
    expect(lone.take()).toEqual([{ to: 3, term: 2, body: vote(false) }]);
  });
});
