// Membership by stop-sign and leadership handed over, on bare Paxos cores: each guard holds, and each planted bug
// shows that it is this guard that holds it (P7 to P11, R7, R13).
import { describe, expect, test } from "@jest/globals";
import { POLL, run } from "./story.ts";
import type { Guard } from "./story.ts";

/** Node 2 accepts node 1's stop-sign, node 1 is gone, node 3 comes to lead. */
const STOP_SIGN_MET = `nodes 1 2 3; elect 1; change 1 voters=1,2; persist 1; deliver 1->2 accept; persist 2;
  crash 1; drop; campaign 3; deliver 3->2 prepare-poll; deliver 2->3 prepare-poll-answer; persist 3;
  deliver 3->2 prepare; persist 2; deliver 2->3 promise`;

/** Nodes 1, 4 and 5 vote; 2 and 3, who did, learn and are the only ones that node 1 still reaches. */
const VOTERS_AWAY = `nodes 1 2 3 lease=500; elect 1; add 4 5; change 1 voters=1,2,3 learners=4,5; stabilize;
  elapse 100; tick 1; stabilize; change 1 voters=1,4,5 learners=2,3; stabilize; cut 1 4; cut 1 5;
  elapse 600; tick 1; stabilize 1 2 3`;

/** Node 1 keeps its lead by the acknowledgements of node 2, which has a copy of its word. */
const BEAT = "elapse 500; tick 1; deliver 1->2 heartbeat; deliver 2->1 heartbeat-ack";

const GUARDS: readonly Guard[] = [
  {
    says: "a stop-sign is chosen by the configuration that it ends (P8, scenario 45)",
    bug: "config-quorum-not-by-slot",
    story: "nodes 1 2 3; elect 1; change 1 voters=1; persist 1; status 1",
    holds: "1 is leader 0.1.1, leader 1, committed 1, durable 2, applied 1",
    broken: "1 is candidate 2.1.1, no leader, committed 2, durable 2, applied 1",
  },
  {
    says: "nothing is proposed above a stop-sign, hence nothing chosen there (P8, scenario 97)",
    bug: "proposal-above-stop-sign",
    story: `nodes 1 2 3; elect 1; turn begin; change 1 voters=1,2; propose 1 a; turn end; persist 1;
      deliver 1->3 accept; persist 3; deliver 3->1 accepted; status 1`,
    holds: "1 is candidate 2.1.1, no leader, committed 2, durable 2, applied 1",
    broken: "1 is candidate 2.1.1, no leader, committed 3, durable 3, applied 1",
  },
  {
    says: "a stop-sign met in phase 1 is settled before anything else (P8, scenario 96)",
    bug: "stop-sign-not-settled",
    story: `${STOP_SIGN_MET}; log 3`,
    holds: "3 1:0.1.1 noop, 2:0.2.3 config(1 2)",
    broken: "3 1:0.1.1 noop, 2:0.2.3 config(1 2), 3:0.2.3 noop",
  },
  {
    says: "an acceptor that lost what it promised does not promise again (P11, scenario 94)",
    bug: "lost-acceptor-answers",
    story: `nodes 1 2 3; elect 1; cut 1 2; propose 1 a; stabilize; crash 1; add 3; heal; campaign 2;
      deliver 2->3 prepare-poll; deliver 3->2 prepare-poll-answer; persist 2; deliver 2->3 prepare;
      persist 3; deliver 3->2 promise; persist 2; log 2`,
    holds: "2 1:0.1.1 noop",
    broken: "2 1:0.1.1 noop, 2:0.2.2 noop",
  },
  {
    says: "leave to campaign is good until its ballot is over (R11, R13)",
    bug: "leave-outlives-its-ballot",
    story: `nodes 1 2 3 4 5; elect 1; transfer 1 3; deliver 1->3 timeout-now; persist 3; campaign 2;
      deliver 2->4 prepare-poll; deliver 2->5 prepare-poll; deliver prepare-poll-answer; persist 2;
      deliver 2->4 prepare; deliver 2->5 prepare; persist 4; persist 5; deliver promise;
      deliver 2->4 heartbeat; deliver 3->4 prepare; status 4`,
    holds: "4 is follower 0.2.2, leader 2, committed 1, durable 1, applied 1",
    broken: "4 is follower 0.2.3, no leader, committed 1, durable 1, applied 1",
  },
  {
    says: "a leader that gave leave to campaign has no lease (R13, scenario 65)",
    bug: "lease-after-timeout-now",
    story: "nodes 1 2 3; elect 1; transfer 1 2; lease 1",
    holds: "does not hold",
    broken: "holds",
  },
  {
    says: "a lease is what the voters in force acknowledge (R7, scenario 56)",
    bug: "lease-cached-across-config",
    story: `${VOTERS_AWAY}; lease 1`,
    holds: "does not hold",
    broken: "holds",
  },
  {
    says: "a leader whose stop-sign may be chosen answers no read (P8, P9)",
    bug: "read-behind-stop-sign",
    story: `nodes 1 2 3 learners=4; elect 1; elapse 100; tick 1; stabilize; change 1 voters=4; persist 1;
      deliver accept; persist 2; persist 3; persist 4; deliver 2->4 accepted; deliver 3->4 accepted;
      persist 4; ${BEAT}; ${BEAT}; ${BEAT}; ${BEAT}; tick 4; persist 4; propose 4 a; persist 4; read 1 index;
      tick 1; deliver 1->2 heartbeat; deliver 2->1 heartbeat-ack; deliver 2->1 accepted; apply 1`,
    holds: "1 applies 2",
    broken: "1 applies 2; 1 read 1 granted: index, index 2, linearizable, age 0 ms",
  },
  {
    says: "a learner counts the acceptances of one ballot (P6, scenario 90)",
    bug: "learner-counts-across-ballots",
    story: `nodes 1 2 3 learners=4; elect 1; elapse 100; tick 1; stabilize; propose 1 a; deliver 1->2 accept;
      persist 2; crash 1; restart 1; isolate 2; campaign 3; deliver 3->1 prepare-poll;
      deliver 1->3 prepare-poll-answer; persist 3; deliver 3->1 prepare; persist 1; deliver 1->3 promise;
      deliver 3->4 heartbeat; deliver 3->4 accept; persist 3; deliver 3->4 accepted;
      deliver 2->4 accepted; status 4`,
    holds: "4 is learner 0.2.3, leader 3, committed 1, durable 1, applied 1",
    broken: "4 is learner 0.2.3, leader 3, committed 2, durable 1, applied 1",
  },
];

describe("membership by stop-sign", () => {
  test.each(GUARDS)("$says", ({ story, bug, holds, broken }) => {
    expect(run(story)).toBe(holds);
    expect(run(story, bug)).toBe(broken);
  });

  test("a stop-sign that a later ballot proposed above was not chosen: its slot is free (P4, P8)", () => {
    const story = `nodes 1 2 3; start 2 terms=1.1 voters=1,2; start 3 terms=-,-,2.3; campaign 1; ${POLL};
      campaign 1; ${POLL}; campaign 1; ${POLL}; deliver prepare; persist 2; persist 3; turn begin;
      deliver promise; turn end; log 1`;
    expect(run(story)).toBe('1 1:0.3.1 "1/1.1", 2:0.3.1 noop, 3:0.3.1 "3/2.3", 4:0.3.1 noop');
  });

  test("what earlier ballots proposed above a stop-sign is void (P8)", () => {
    const story = `nodes 1 2 3; start 2 terms=2.1 voters=1,2; start 3 terms=-,-,1.3; campaign 1; ${POLL};
      campaign 1; ${POLL}; deliver prepare; persist 2; persist 3; turn begin;
      deliver promise; turn end; log 1`;
    expect(run(story)).toBe('1 1:0.3.1 "1/2.1", 2:0.3.1 config(1 2)');
  });

  test("what members of a later configuration say is chosen is learnt, not what was accepted here (P6)", () => {
    const story = `nodes 1 2 3; elect 1; propose 1 a; deliver 1->3 accept; persist 3; elapse 100; tick 1;
      drop 1->2; crash 1; restart 1; cut 1 3; cut 2 3; campaign 2; stabilize 1 2; change 2 voters=1,2;
      stabilize 1 2; heal; campaign 3; deliver 3->2 prepare-poll; deliver 2->3 stale-epoch;
      deliver 1->3 heartbeat`;
    expect(run(`${story}; log 3`)).toBe('3 1:0.1.1 noop, 2:0.1.1 "a"');
    expect(run(`${story}; status 3`)).toContain("committed 1,");
    expect(run(`${story}; stabilize; log 3`)).toContain("2:0.2.2 noop, 3:0.2.2 config(1 2)");
  });

  test("a quorum read that meets a stop-sign asks the next configuration (P10)", () => {
    const story = `nodes 1 2 3; elect 1; isolate 3; change 1 voters=1,2; stabilize 1 2; propose 1 a;
      stabilize 1 2; heal; read 3 quorum; deliver read-slot; deliver read-slot-answer; elapse 200; tick 3;
      stabilize`;
    expect(run(story)).toContain("3 -> 2 read-slot 2.0.0 id=31/2");
    expect(run(story)).toContain("3 read 1 granted: quorum, index 4");
  });

  test.each([
    { voters: "1,2", said: "" },
    { voters: "1,2,3,4", said: "1 refuses the change: quorums-do-not-meet" },
    { voters: "1", said: "1 refuses the change: quorums-do-not-meet" },
  ])("quorums of 2 and 2 among the voters $voters (P7, scenario 95)", ({ voters, said }) => {
    const story = `nodes 1 2 3 learners=4 quorums=2,2; elect 1; elapse 100; tick 1; stabilize;
      elapse 100; tick 1; stabilize; change 1 voters=${voters}`;
    expect(run(story)).toBe(said);
  });
});
