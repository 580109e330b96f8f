// Paxos Made Simple, and the rules that rest on it, on bare cores: each guard holds, and each planted bug shows
// that it is this guard that holds it. A ballot is written ROUND.NODE in `start`, config.round.node in what is
// printed.
import { describe, expect, test } from "@jest/globals";
import type { LogIndex, NodeId } from "../../base/index.ts";
import { quorumSizes } from "../../consensus/index.ts";
import type { Membership } from "../../consensus/index.ts";
import { POLL, run } from "./story.ts";
import type { Guard } from "./story.ts";

const PROMISED = "deliver prepare; persist 2; persist 3; turn begin; deliver promise; turn end";
const TWO_VALUES = `nodes 1 2 3; start 2 terms=1.1 term=4.2; start 3 terms=2.3;
  campaign 1; ${POLL}; campaign 1; ${POLL}; ${PROMISED}; log 1`;

const GUARDS: readonly Guard[] = [
  {
    says: "a promise answers exactly its ballot (2.2, phase 1b; P3, scenario 86)",
    bug: "stale-promise-counted",
    story: `nodes 1 2 3; campaign 1; ${POLL}; deliver prepare; persist 2; persist 3;
      campaign 1; ${POLL}; deliver promise; status 1`,
    holds: "1 is candidate 0.2.1, no leader, committed 0, durable 0, applied 0",
    broken: "1 is leader 0.2.1, leader 1, committed 0, durable 0, applied 0",
  },
  {
    says: "an acceptance promises its ballot too (2.2, phase 2b; P2, scenario 87)",
    bug: "promise-not-raised-by-accept",
    story: `nodes 1 2 3 4 5; campaign 2; deliver 2->4 prepare-poll; deliver 2->5 prepare-poll;
      deliver prepare-poll-answer; persist 2; deliver 2->4 prepare; deliver 2->5 prepare; persist 4;
      persist 5; deliver promise; deliver 2->3 accept; persist 3; disk 3`,
    holds: "3 promise 0.1.2 vote 2, commit hint 0, 1:0.1.2 noop",
    broken: "3 promise t0 vote 0, commit hint 0, 1:0.1.2 noop",
  },
  {
    says: "the value proposed is that of the highest ballot reported (2.2, P2c; P4)",
    bug: "lowest-ballot-value-chosen",
    story: TWO_VALUES,
    holds: '1 1:0.5.1 "1/2.3", 2:0.5.1 noop',
    broken: '1 1:0.5.1 "1/1.1", 2:0.5.1 noop',
  },
  {
    says: "a report names the ballot of the acceptance, not of the promise (P2, scenario 88)",
    bug: "shared-ballot-variable",
    story: TWO_VALUES,
    holds: '1 1:0.5.1 "1/2.3", 2:0.5.1 noop',
    broken: '1 1:0.5.1 "1/1.1", 2:0.5.1 noop',
  },
  {
    says: "acceptances count for one slot and one ballot (2.3; P6, scenario 90)",
    bug: "learner-counts-across-ballots",
    story: `nodes 1 2 3; elect 1; propose 1 a; persist 1; deliver 1->2 accept; persist 2; drop 1->3;
      isolate 2; campaign 1; campaign 1; deliver 1->3 prepare-poll; deliver 3->1 prepare-poll-answer;
      persist 1; deliver 1->3 prepare; persist 3; deliver 3->1 promise; persist 1;
      deliver 2->1 accepted; status 1`,
    holds: "1 is leader 0.2.1, leader 1, committed 1, durable 3, applied 1",
    broken: "1 is leader 0.2.1, leader 1, committed 2, durable 3, applied 1",
  },
  {
    says: "gaps below what is reported get a no-op (3; P5, scenario 89)",
    bug: "gap-skipped",
    story: "nodes 1 2 3; start 2 terms=1.1,-,1.1; isolate 3; elect 1; elect 1; log 1",
    holds: '1 1:0.2.1 "1/1.1", 2:0.2.1 noop, 3:0.2.1 "3/1.1", 4:0.2.1 noop',
    broken: '1 1:0.2.1 "1/1.1", 3:0.2.1 "3/1.1", 4:0.2.1 noop',
  },
  {
    says: "what is merely accepted is not executed (2.3; P10, P12, scenario 72)",
    bug: "reads-accepted-value",
    story: "nodes 1 2 3; elect 1; propose 1 a; deliver 1->2 accept; persist 2; status 2",
    holds: "2 is follower 0.1.1, leader 1, committed 1, durable 2, applied 1",
    broken: "2 is follower 0.1.1, leader 1, committed 2, durable 2, applied 1",
  },
  {
    says: "a leader has the promises of a quorum that meets every phase 2 (2.1, P2c; P7)",
    bug: "quorums-do-not-intersect",
    story: `nodes 1 2 3; campaign 1; deliver 1->2 prepare-poll; deliver prepare-poll-answer;
      persist 1; persist 1; status 1`,
    holds: "1 is candidate 0.1.1, no leader, committed 0, durable 0, applied 0",
    broken: "1 is leader 0.1.1, leader 1, committed 0, durable 1, applied 0",
  },
  {
    says: "a read waits for the highest slot proposed before it (P9)",
    bug: "paxos-index-uses-commit",
    story: `nodes 1 2 3; elect 1; propose 1 a; read 1 index; turn begin; deliver heartbeat; turn end;
      deliver heartbeat-ack`,
    holds:
      "2 -> 1 heartbeat-ack 0.1.1 round=11/2 stamp=21/2; 3 -> 1 heartbeat-ack 0.1.1 round=11/2 stamp=31/2",
    broken:
      "2 -> 1 heartbeat-ack 0.1.1 round=11/2 stamp=21/2; " +
      "1 read 1 granted: index, index 1, linearizable, age 0 ms; " +
      "3 -> 1 heartbeat-ack 0.1.1 round=11/2 stamp=31/2",
  },
  {
    says: "a candidate proposes nothing at or below what an acceptor has compacted (P3)",
    bug: "promise-without-compacted-to",
    story: `nodes 1 2 3; start 2 terms=1.3,1.3,1.3 hint=3; restart 2; apply 2; compact 2 3; isolate 3;
      campaign 1; ${POLL}; campaign 1; ${POLL}; deliver prepare; persist 2; deliver promise; status 1`,
    holds: "1 is follower 0.2.1, no leader, committed 0, durable 0, applied 0",
    broken: "1 is leader 0.2.1, leader 1, committed 0, durable 3, applied 0",
  },
];

describe("Paxos Made Simple", () => {
  test.each(GUARDS)("$says", ({ story, bug, holds, broken }) => {
    expect(run(story)).toBe(holds);
    expect(run(story, bug)).toBe(broken);
  });

  test("a chosen value survives the leader that proposed it (2.1, P2)", () => {
    const story = `nodes 1 2 3; elect 1; propose 1 a; persist 1; deliver 1->2 accept; persist 2;
      crash 1; drop; elect 3; log 3`;
    expect(run(story)).toBe('3 1:0.1.1 noop, 2:0.2.3 "a", 3:0.2.3 noop');
  });

  test("a leader sees a no-op of its own chosen before it reads or echoes (P5)", () => {
    const story = `nodes 1 2 3; campaign 1; ${POLL}; ${PROMISED}; read 1 index; deliver heartbeat;
      deliver heartbeat-ack`;
    expect(run(story)).not.toContain("granted");
    expect(run(`${story}; stabilize`)).toContain("read 1 granted: index, index 1");
  });

  test("a ballot is durable before anybody hears of it (2.4; P1)", () => {
    const story =
      "nodes 1 2 3; campaign 1; deliver prepare-poll; deliver prepare-poll-answer; network";
    expect(run(story)).not.toContain("prepare 0.1.1");
  });
});

describe("flexible quorums (P7)", () => {
  const config = (voters: number): Membership => ({
    index: 0 as LogIndex,
    incoming: Array.from({ length: voters }, (_, at) => (at + 1) as NodeId),
    learners: [],
    leaseMs: 1,
  });

  test("quorums that need not meet are refused (scenario 95)", () => {
    for (let voters = 1; voters <= 7; voters += 1) {
      for (let phase1 = 1; phase1 <= voters; phase1 += 1) {
        for (let phase2 = 1; phase2 <= voters; phase2 += 1) {
          const asked = { phase1, phase2 };
          if (phase1 + phase2 > voters) expect(quorumSizes(config(voters), asked)).toBe(asked);
          else expect(() => quorumSizes(config(voters), asked)).toThrow("need not meet");
        }
      }
    }
    expect(quorumSizes(config(4), undefined)).toEqual({ phase1: 3, phase2: 3 });
    expect(() => quorumSizes(config(3), { phase1: 4, phase2: 1 })).toThrow("no 4 of 3 voters");
  });
});
