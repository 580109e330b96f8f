// Configurations in the core: Thesis 4.1 (in force when appended), 4.3 (joint), 4.2.1 (learners), 4.2.2 (a leader
// that is not in C_new); rule R7 for leases. What proposes a change is not in this core.
import { describe, expect, test } from "@jest/globals";
import { present } from "../../base/index.ts";
import type { LogIndex, NodeId } from "../../base/index.ts";
import type { Entry } from "../../consensus/index.ts";
import { Lone, append, appendAck, configEntry, heartbeatAck, vote } from "./lone.ts";
import type { Sent } from "./lone.ts";

const JOINT = { incoming: [1, 4, 5], outgoing: [1, 2, 3] };

function appendOf(prevIndex: number, prevTerm: number, entries: readonly Entry[]): Sent["body"] {
  const commit = 0 as LogIndex;
  return { kind: "append-entries", prevIndex: prevIndex as LogIndex, prevTerm, entries, commit };
}

function newestRound(lone: Lone): number {
  return present(lone.takeKind("heartbeat").at(-1), "a heartbeat").body.round.counter;
}

/** Polls, then stands; nobody has voted but itself. */
function candidate(lone: Lone): void {
  lone.tick(2000);
  const { poll } = present(lone.takeKind("pre-vote")[0], "a poll").body;
  for (const voter of [2, 3, 4, 5]) {
    lone.step(voter, 1, { kind: "pre-vote-answer", poll, granted: true });
  }
  lone.persistAll();
  lone.take();
}

/** Leads the joint configuration, its no-op at index 3. */
function jointLeader(): Lone {
  const lone = Lone.awake({ terms: [1], config: JOINT });
  candidate(lone);
  for (const voter of [2, 4]) lone.step(voter, 2, vote(true));
  lone.persistAll();
  return lone;
}

describe("a configuration", () => {
  test("is in force as soon as it is appended (Thesis 4.1, scenario 51)", () => {
    const lone = Lone.awake({ voters: [2, 3], learners: [1], terms: [1] });
    expect(lone.role).toBe("learner");
    lone.step(2, 1, appendOf(1, 1, [configEntry(2, 1, { incoming: [1, 2, 3] })]));
    expect(lone.core.status().config).toMatchObject({ index: 2, incoming: [1, 2, 3] });
    expect(lone.role).toBe("follower");
  });

  test("gives way to the one before it when it is truncated (Thesis 4.1, scenario 52)", () => {
    const lone = Lone.awake({ voters: [2, 3], learners: [1], terms: [1] });
    lone.step(2, 1, appendOf(1, 1, [configEntry(2, 1, { incoming: [1, 2, 3] })]));
    lone.step(3, 2, append(1, 1, [2]));
    expect(lone.core.status().config).toMatchObject({ index: 0, incoming: [2, 3] });
    expect(lone.role).toBe("learner");
  });

  test("is the latest in the log after a restart (Thesis 4.1)", () => {
    const lone = Lone.awake({ terms: [1], config: JOINT });
    expect(lone.core.status().config).toMatchObject({ index: 2, incoming: [1, 4, 5] });
  });

  test("quorums are asked by index (P8)", () => {
    const lone = Lone.awake({ terms: [1], config: JOINT });
    const acks = new Set([1, 2] as NodeId[]);
    expect(lone.core.quorumsAt(1 as LogIndex).phase2(acks)).toBe(true);
    expect(lone.core.quorumsAt(2 as LogIndex).phase2(acks)).toBe(false);
  });
});

describe("joint consensus (Thesis 4.3)", () => {
  test("a candidate asks everybody of both halves", () => {
    const lone = Lone.awake({ terms: [1], config: JOINT });
    lone.tick(2000);
    expect(lone.takeKind("pre-vote").map(({ to }) => to)).toEqual([4, 5, 2, 3]);
  });

  test.each([
    { from: [2, 3], wins: false },
    { from: [4, 5], wins: false },
    { from: [2, 4], wins: true },
  ])("votes of $from elect: $wins", ({ from, wins }) => {
    const lone = Lone.awake({ terms: [1], config: JOINT });
    candidate(lone);
    for (const voter of from) lone.step(voter, 2, vote(true));
    expect(lone.role === "leader").toBe(wins);
  });

  test.each([
    { from: [2, 3], commits: false },
    { from: [4, 5], commits: false },
    { from: [3, 5], commits: true },
  ])("acknowledgements of $from commit: $commits", ({ from, commits }) => {
    const lone = jointLeader();
    for (const voter of from) lone.step(voter, 2, appendAck(3));
    expect(lone.commit === 3).toBe(commits);
  });

  test("rounds and leases need both halves (R6, R7, scenario 56)", () => {
    const lone = jointLeader();
    for (const voter of [3, 5]) lone.step(voter, 2, appendAck(3));
    lone.apply();
    lone.read("index");
    const round = newestRound(lone);
    for (const voter of [2, 3]) lone.step(voter, 2, heartbeatAck(lone, round));
    expect(lone.reads).toEqual([]);
    expect(lone.core.leaseHolds(lone.core.status().epoch, lone.now)).toBe(false);
    lone.step(4, 2, heartbeatAck(lone, round));
    expect(lone.reads).toMatchObject([{ ok: true, used: "index" }]);
    expect(lone.core.leaseHolds(lone.core.status().epoch, lone.now)).toBe(true);
  });

  test("a leader outside the incoming half does not count itself there (Thesis 4.2.2, scenario 47)", () => {
    const lone = Lone.awake({ terms: [1], config: { incoming: [2, 3], outgoing: [1, 2, 3] } });
    candidate(lone);
    for (const voter of [2, 3]) lone.step(voter, 2, vote(true));
    lone.persistAll();
    lone.step(2, 2, appendAck(3));
    expect(lone.commit).toBe(0);
    lone.step(3, 2, appendAck(3));
    expect(lone.commit).toBe(3);
  });
});
