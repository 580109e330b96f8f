// Log replication at the leader: Raft 5.3, 5.4.2, 8; Thesis 10.2 (pipelining, writing to disk in parallel).
import { describe, expect, test } from "@jest/globals";
import type { LogIndex, NodeId } from "../../base/index.ts";
import { Lone, append, appendAck, heartbeatAck } from "./lone.ts";
import type { Sent } from "./lone.ts";

function indexes(sent: readonly Sent[], to: number): readonly (readonly number[])[] {
  return sent.flatMap((message) =>
    message.to === to && message.body.kind === "append-entries"
      ? [message.body.entries.map(({ index }) => index)]
      : [],
  );
}

function reject(prevIndex: number, hintIndex: number, hintTerm: number): Sent["body"] {
  return {
    kind: "append-reject",
    prevIndex: prevIndex as LogIndex,
    hintIndex: hintIndex as LogIndex,
    hintTerm,
  };
}

describe("a leader", () => {
  test("begins its term with a no-op (Raft 8)", () => {
    const lone = Lone.leader({ terms: [1, 1] });
    expect(lone.log.entries().at(-1)).toMatchObject({ index: 3, kind: "noop" });
    expect(lone.terms).toEqual([1, 1, 2]);
  });

  test("appends a command and sends it to all in the same turn (Raft 5.3)", () => {
    const lone = Lone.established();
    expect(lone.propose("a")).toMatchObject({ ok: true, index: 2 });
    const sent = lone.take();
    expect(indexes(sent, 2)).toEqual([[2]]);
    expect(indexes(sent, 3)).toEqual([[2]]);
  });

  test("does not wait for its own disk to send (Thesis 10.2.1)", () => {
    const lone = Lone.established();
    lone.propose("a");
    expect(lone.writes).toHaveLength(1);
    expect(indexes(lone.take(), 2)).toEqual([[2]]);
  });

  test("sends a turn's commands as one append a peer and writes them once (group commit)", () => {
    const lone = Lone.established();
    lone.turn((core, now) => {
      for (const text of ["a", "b", "c"]) core.propose(new TextEncoder().encode(text), now);
    });
    expect(lone.writes).toHaveLength(1);
    expect(indexes(lone.take(), 2)).toEqual([[2, 3, 4]]);
  });

  test("sends the next before the last is acknowledged (Thesis 10.2.1, pipelining)", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.propose("b");
    expect(indexes(lone.take(), 2)).toEqual([[2], [3]]);
  });

  test("commits what a majority holds, itself only when durable (Raft 5.3, R4)", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.step(2, 1, appendAck(2));
    expect(lone.commit).toBe(1);
    lone.persistAll();
    expect(lone.commit).toBe(2);
    expect(lone.outcomes).toMatchObject([{ index: 2, fate: "committed" }]);
  });

  test("may commit without its own disk, and applies only what it holds durably (R4)", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.step(2, 1, appendAck(2));
    lone.step(3, 1, appendAck(2));
    expect(lone.commit).toBe(2);
    expect(lone.committed).toEqual([]);
    lone.persistAll();
    expect(lone.committed.map(({ index }) => index)).toEqual([2]);
  });

  test("committing an entry commits all before it, of any term (Raft 5.3)", () => {
    const lone = Lone.leader({ terms: [1, 1, 2] });
    lone.step(2, 3, appendAck(4));
    expect(lone.commit).toBe(4);
  });

  test("never commits an entry of an earlier term by counting (Raft 5.4.2, scenario 1)", () => {
    const lone = Lone.leader({ terms: [1, 1, 2] });
    lone.step(2, 3, appendAck(3));
    lone.step(3, 3, appendAck(3));
    expect(lone.commit).toBe(0);
  });

  test("learners hold entries and commit none (Thesis 4.2.1)", () => {
    const lone = Lone.established({ learners: [4, 5] });
    lone.propose("a");
    lone.persistAll();
    lone.step(4, 1, appendAck(2));
    lone.step(5, 1, appendAck(2));
    expect(lone.commit).toBe(1);
  });

  test("tells the commit index with the next append (Raft 5.3)", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.persistAll();
    lone.take();
    lone.turn((core, now) => {
      const epoch = { config: 0, round: 1, node: 0 } as const;
      const from = 2 as NodeId;
      core.step({ from, to: lone.id, incarnation: 1n, epoch, body: appendAck(2) }, now);
      core.propose(new TextEncoder().encode("b"), now);
    });
    const toTwo = lone.take().filter(({ to }) => to === 2);
    expect(toTwo).toMatchObject([{ body: { kind: "append-entries", commit: 2 } }]);
  });

  test("tells it at once when there is nothing else to say, as far as the peer holds it", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.persistAll();
    lone.take();
    lone.step(2, 1, appendAck(2));
    const body = { kind: "commit-notice", commit: 2 };
    expect(lone.take()).toEqual([{ to: 2, term: 1, body }]);
  });

  test("backs up to where logs can agree and tries again (Raft 5.3)", () => {
    const lone = Lone.leader({ terms: [1, 1, 3, 3] });
    lone.step(2, 4, reject(4, 4, 2));
    expect(indexes(lone.take(), 2)).toEqual([[3, 4, 5]]);
    lone.step(2, 4, reject(2, 1, 0));
    expect(indexes(lone.take(), 2)).toEqual([[1, 2, 3, 4, 5]]);
  });

  test("ignores refusals older than what is acknowledged since (scenario 35)", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.step(2, 1, appendAck(2));
    lone.take();
    lone.step(2, 1, reject(1, 0, 0));
    expect(lone.take()).toEqual([]);
  });

  test("ignores the acknowledgement of what it never sent (scenario 30)", () => {
    const lone = Lone.established();
    lone.step(2, 1, appendAck(99));
    expect(lone.commit).toBe(1);
    expect(lone.role).toBe("leader");
  });

  test("retries until a follower stores everything: a lost append is found by a heartbeat (Raft 5.3)", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.take();
    lone.tick(100);
    const round = lone.takeKind("heartbeat")[0]?.body.round.counter ?? 0;
    lone.step(2, 1, heartbeatAck(lone, round));
    expect(indexes(lone.take(), 2)).toEqual([[]]);
    lone.step(2, 1, reject(2, 1, 1));
    expect(indexes(lone.take(), 2)).toEqual([[2]]);
  });

  test("has only so many messages on their way to a peer (scenario 23)", () => {
    const lone = Lone.established({ options: { inflightMessagesMax: 2 } });
    for (const text of ["a", "b", "c", "d"]) lone.propose(text);
    expect(indexes(lone.take(), 2)).toEqual([[2], [3]]);
    lone.step(2, 1, appendAck(2));
    expect(indexes(lone.take(), 2)).toEqual([[4, 5]]);
  });

  test("has only so many bytes on their way to a peer (scenario 23)", () => {
    const lone = Lone.established({ options: { inflightBytesMax: 100, appendBytesMax: 60 } });
    for (let at = 0; at < 4; at += 1) lone.propose("0123456789");
    expect(indexes(lone.take(), 2)).toEqual([[2], [3], [4]]);
    lone.step(2, 1, appendAck(4));
    expect(indexes(lone.take(), 2)).toEqual([[5]]);
  });

  test("refuses more uncommitted bytes than allowed, but for one proposal (scenario 33)", () => {
    const lone = Lone.established({ options: { uncommittedBytesMax: 40 } });
    expect(lone.propose("much longer than forty bytes, and alone")).toMatchObject({ ok: true });
    expect(lone.propose("b")).toMatchObject({ ok: false, reason: "uncommitted-full" });
    lone.persistAll();
    lone.step(2, 1, appendAck(2));
    expect(lone.propose("b")).toMatchObject({ ok: true });
  });

  test("waits for entries that are not in memory, and goes on when they are", () => {
    const lone = Lone.leader({ terms: [1, 1, 1] });
    lone.log.loadedFrom = 3;
    lone.step(2, 2, reject(3, 0, 0));
    expect(indexes(lone.take(), 2)).toEqual([]);
    expect(lone.loads).toEqual([{ from: 1, until: 5 }]);
    lone.log.loadedFrom = 0;
    lone.turn((core, now) => core.loaded(1 as LogIndex, 5 as LogIndex, now));
    expect(indexes(lone.take(), 2)).toEqual([[1, 2, 3, 4]]);
  });

  test("probes instead of streaming when the transport lost its way", () => {
    const lone = Lone.established();
    lone.turn((core, now) => core.unreachable(2 as NodeId, now));
    lone.take();
    lone.propose("a");
    lone.propose("b");
    expect(indexes(lone.take(), 2)).toEqual([]);
    expect(lone.role).toBe("leader");
  });
});

describe("proposals end once, with what is known (R17)", () => {
  test("only a leader takes them, and says who leads (Raft 8)", () => {
    const lone = Lone.awake();
    expect(lone.propose("a")).toEqual({ ok: false, reason: "no-leader" });
    lone.step(2, 1, append(0, 0, []));
    expect(lone.propose("a")).toEqual({ ok: false, reason: "not-leader", leader: 2 });
  });

  test("lost only when another entry is committed in its place", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.step(3, 2, append(1, 1, [2]));
    expect(lone.outcomes).toEqual([]);
    lone.step(3, 2, append(2, 2, [2], 2));
    expect(lone.outcomes).toMatchObject([{ index: 2, epoch: { round: 1 }, fate: "lost" }]);
  });

  test("committed when the next leader carries it on", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.step(3, 2, append(2, 1, [2], 3));
    expect(lone.outcomes).toMatchObject([{ index: 2, epoch: { round: 1 }, fate: "committed" }]);
  });
});
