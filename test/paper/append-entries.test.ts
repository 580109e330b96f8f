// AppendEntries at the follower: Raft Fig. 2, 5.3; rules R1 and R3.
import { describe, expect, test } from "@jest/globals";
import { Lone, append, appendAck, heartbeat, requestVote } from "./lone.ts";

describe("appendEntries", () => {
  test("tells a leader of an older term that its time is over (Raft Fig. 2, AppendEntries 1)", () => {
    const lone = Lone.awake({ terms: [1], term: 5 });
    lone.step(2, 4, append(1, 1, [4]));
    expect(lone.take()).toEqual([{ to: 2, term: 5, body: { kind: "stale-epoch" } }]);
    expect(lone.terms).toEqual([1]);
  });

  test("refuses without an entry at prevIndex (Raft Fig. 2, AppendEntries 2)", () => {
    const lone = Lone.awake({ terms: [1] });
    lone.step(2, 1, append(3, 1, [1]));
    const body = { kind: "append-reject", prevIndex: 3, hintIndex: 1, hintTerm: 1 };
    expect(lone.take()).toEqual([{ to: 2, term: 1, body }]);
  });

  test("refuses an entry of another term at prevIndex, without entries too (scenario 21)", () => {
    const lone = Lone.awake({ terms: [1, 2], term: 3 });
    lone.step(2, 3, append(2, 3, []));
    const body = { kind: "append-reject", prevIndex: 2, hintIndex: 2, hintTerm: 2 };
    expect(lone.take()).toEqual([{ to: 2, term: 3, body }]);
    expect(lone.terms).toEqual([1, 2]);
  });

  test("its hint skips every entry of a later term than prevTerm (Raft 5.3, last paragraphs)", () => {
    const lone = Lone.awake({ terms: [1, 1, 4, 4, 4], term: 5 });
    lone.step(2, 5, append(5, 2, [5]));
    const [sent] = lone.takeKind("append-reject");
    expect(sent?.body).toMatchObject({ hintIndex: 2, hintTerm: 1 });
  });

  test("deletes a conflicting entry and all that follow it (Raft Fig. 2, AppendEntries 3)", () => {
    const lone = Lone.awake({ terms: [1, 2, 2, 2], term: 3 });
    lone.step(2, 3, append(1, 1, [3]));
    expect(lone.terms).toEqual([1, 3]);
    expect(lone.pendingOps).toMatchObject([{ op: "truncate-from", index: 2 }, { op: "append" }]);
  });

  test("deletes nothing before the first conflict, and nothing without one (R3, scenario 20)", () => {
    const lone = Lone.awake({ terms: [1, 1, 1, 1] });
    lone.step(2, 1, append(1, 1, [1]));
    expect(lone.terms).toEqual([1, 1, 1, 1]);
    expect(lone.writes).toEqual([]);
    expect(lone.take()).toEqual([{ to: 2, term: 1, body: appendAck(2) }]);
  });

  test("appends the entries it lacks (Raft Fig. 2, AppendEntries 4)", () => {
    const lone = Lone.awake({ terms: [1] });
    lone.step(2, 2, append(0, 0, [1, 2, 2]));
    expect(lone.terms).toEqual([1, 2, 2]);
  });

  test("takes the smaller of leaderCommit and its last new entry (Raft Fig. 2, AppendEntries 5)", () => {
    const lone = Lone.awake({ terms: [1, 1, 1] });
    lone.step(2, 1, append(1, 1, [1], 9));
    expect(lone.commit).toBe(2);
    lone.step(2, 1, append(2, 1, [1, 1], 3));
    expect(lone.commit).toBe(3);
  });

  test("acknowledges prev + entries, once they are durable (R3, scenario 29)", () => {
    const lone = Lone.awake();
    lone.step(2, 1, append(0, 0, [1, 1]));
    lone.step(2, 1, append(0, 0, [1, 1]));
    lone.step(2, 1, append(2, 1, []));
    expect(lone.take()).toEqual([]);
    lone.persistAll();
    expect(lone.take()).toEqual([{ to: 2, term: 1, body: appendAck(2) }]);
  });

  test("acknowledges a turn of appends once (design 2, the driver)", () => {
    const lone = Lone.awake({ term: 1 });
    lone.turn((core, now) => {
      for (const [prev, term] of [
        [0, 0],
        [1, 1],
        [2, 1],
      ] as const) {
        const body = append(prev, term, [1]);
        const epoch = { config: 0, round: 1, node: 0 } as const;
        core.step({ from: 2 as never, to: lone.id, incarnation: 1n, epoch, body }, now);
      }
    });
    expect(lone.writes).toHaveLength(1);
    lone.persistAll();
    expect(lone.take()).toEqual([{ to: 2, term: 1, body: appendAck(3) }]);
  });

  test("does not acknowledge what another leader has replaced meanwhile (scenario 25)", () => {
    const lone = Lone.awake();
    lone.step(2, 1, append(0, 0, [1, 1]));
    lone.step(3, 2, append(1, 1, [2]));
    lone.persist();
    expect(lone.durable).toBe(1);
    lone.persist();
    expect(lone.durable).toBe(2);
    expect(lone.take().filter(({ term }) => term === 2)).toEqual([
      { to: 3, term: 2, body: appendAck(2) },
    ]);
  });

  test("a candidate that hears this term's leader follows it (Raft 5.2)", () => {
    const lone = Lone.awake();
    lone.campaign();
    expect(lone.role).toBe("candidate");
    lone.step(2, lone.term, append(0, 0, []));
    expect(lone.role).toBe("follower");
    expect(lone.core.status().leader).toBe(2);
  });

  test("a committed entry never changes: it stops the replica instead (Raft Fig. 3)", () => {
    const lone = Lone.awake({ terms: [1, 1] });
    lone.step(2, 1, append(2, 1, [], 2));
    expect(() => lone.step(3, 2, append(1, 1, [2]))).toThrow("is committed");
  });

  test("two leaders of one term stop the replica that hears both (Raft Fig. 3, Election Safety)", () => {
    const lone = Lone.awake();
    lone.step(2, 1, append(0, 0, [1]));
    expect(() => lone.step(3, 1, append(0, 0, [1]))).toThrow("both lead term 1");
  });

  test("a commit index beyond what it holds halts it: its disk lost a tail (scenario 30)", () => {
    const lone = Lone.awake({ terms: [1] });
    lone.step(2, 1, heartbeat(1, 2));
    expect(lone.role).toBe("halted");
    expect(lone.take()).toEqual([]);
    lone.elapse(9000);
    lone.step(3, 9, requestVote(9, 9));
    lone.tick();
    expect(lone.take()).toEqual([]);
  });

  test("hears only of commits that the leader knows it holds (scenario 26)", () => {
    const lone = Lone.awake({ terms: [1, 1] });
    lone.step(2, 2, heartbeat(1, 0));
    expect(lone.commit).toBe(0);
    lone.step(2, 2, { kind: "commit-notice", commit: 1 as never });
    expect(lone.commit).toBe(1);
  });

  test("entries are handed out only when they are durable here as well (R4)", () => {
    const lone = Lone.awake();
    lone.step(2, 1, append(0, 0, [1, 1], 2));
    expect(lone.commit).toBe(2);
    expect(lone.committed).toEqual([]);
    lone.persistAll();
    expect(lone.committed.map(({ index }) => index)).toEqual([1, 2]);
  });

  test("what was committed at the last hint is applied at boot, without a leader (R4)", () => {
    const lone = new Lone({ terms: [1, 1, 1], commitHint: 2 });
    expect(lone.committed.map(({ index }) => index)).toEqual([1, 2]);
  });
});
