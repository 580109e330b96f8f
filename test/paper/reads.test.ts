// Reads without the log: Raft 8; Thesis 6.4 (read index), 6.4.1 (leases); rules R5 to R8 and F1 to F4.
import { describe, expect, test } from "@jest/globals";
import { present } from "../../base/index.ts";
import type { BootNonce, LogIndex, MonotonicMs } from "../../base/index.ts";
import { Lone, append, appendAck, heartbeat, heartbeatAck } from "./lone.ts";

function newestRound(lone: Lone): number {
  return present(lone.takeKind("heartbeat").at(-1), "a heartbeat").body.round.counter;
}

/** Heartbeats every 100 ms, answered by node 2. */
function beat(lone: Lone, count: number): void {
  for (let at = 0; at < count; at += 1) {
    lone.tick(100);
    lone.step(2, 1, heartbeatAck(lone, newestRound(lone)));
  }
}

describe("index reads (Thesis 6.4)", () => {
  test("wait for a round of heartbeats sent after they came (step 3)", () => {
    const lone = Lone.established();
    lone.read("index");
    expect(lone.reads).toEqual([]);
    const round = newestRound(lone);
    lone.step(2, 1, heartbeatAck(lone, round - 1));
    expect(lone.reads).toEqual([]);
    lone.step(2, 1, heartbeatAck(lone, round));
    expect(lone.reads).toMatchObject([{ ok: true, used: "index", index: 1 }]);
  });

  test("take the commit index, and wait until it is applied (steps 2 and 4)", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.persistAll();
    lone.step(2, 1, appendAck(2));
    lone.read("index");
    lone.step(2, 1, heartbeatAck(lone, newestRound(lone)));
    expect(lone.reads).toEqual([]);
    lone.apply();
    expect(lone.reads).toMatchObject([{ ok: true, index: 2, guarantee: "linearizable" }]);
  });

  test("wait until the leader has committed in its own term (step 1, R5)", () => {
    const lone = Lone.leader({ terms: [1] });
    lone.read("index");
    lone.tick(100);
    lone.step(2, 2, heartbeatAck(lone, newestRound(lone)));
    expect(lone.reads).toEqual([]);
    lone.step(2, 2, appendAck(2));
    lone.apply();
    lone.step(2, 2, heartbeatAck(lone, newestRound(lone)));
    expect(lone.reads).toMatchObject([{ ok: true, index: 2 }]);
  });

  test("of one turn share a round; while four are out, later ones share the next", () => {
    const lone = Lone.established();
    for (let at = 0; at < 9; at += 1) lone.read("index");
    expect(lone.takeKind("heartbeat").filter(({ to }) => to === 2)).toHaveLength(4);
    lone.step(2, 1, heartbeatAck(lone, 5, 2));
    const round = newestRound(lone);
    lone.step(2, 1, heartbeatAck(lone, round));
    expect(lone.reads).toHaveLength(9);
  });

  test("a round that was lost is made good by the next (scenario 61)", () => {
    const lone = Lone.established();
    lone.read("index");
    lone.take();
    lone.tick(100);
    lone.step(2, 1, heartbeatAck(lone, newestRound(lone)));
    expect(lone.reads).toHaveLength(1);
  });

  test("answers to an earlier boot of this node confirm nothing (R16)", () => {
    const lone = Lone.established();
    lone.read("index");
    const round = { boot: 99n as BootNonce, counter: newestRound(lone) };
    const stamp = { boot: 7n as BootNonce, counter: 1 };
    lone.step(2, 1, { kind: "heartbeat-ack", round, stamp });
    expect(lone.reads).toEqual([]);
  });

  test("learners confirm nothing (R6)", () => {
    const lone = Lone.established({ learners: [4] });
    lone.read("index");
    lone.step(4, 1, heartbeatAck(lone, newestRound(lone)));
    expect(lone.reads).toEqual([]);
  });

  test("end when leadership does (scenario 58)", () => {
    const lone = Lone.established();
    lone.read("index");
    lone.step(3, 2, append(1, 1, []));
    expect(lone.reads).toMatchObject([{ ok: false, reason: "superseded" }]);
  });

  test("end by their deadline, at the first input after it (scenario 61)", () => {
    const lone = Lone.established();
    const id = lone.read("index", 50);
    lone.tick(49);
    expect(lone.reads).toEqual([]);
    lone.tick(1);
    expect(lone.reads).toEqual([{ id, ok: false, reason: "deadline", leader: 1 }]);
    lone.step(2, 1, heartbeatAck(lone, newestRound(lone)));
    expect(lone.reads).toHaveLength(1);
  });

  test("are refused beyond the bound", () => {
    const lone = Lone.established({ options: { readsWaitingMax: 1 } });
    lone.read("index");
    lone.read("index");
    expect(lone.reads).toMatchObject([{ ok: false, reason: "overloaded" }]);
  });

  test("a group of one confirms them by itself", () => {
    const lone = new Lone({ voters: [1] });
    lone.tick();
    lone.persistAll();
    lone.apply();
    lone.read("index");
    expect(lone.reads).toMatchObject([{ ok: true, index: 1 }]);
  });
});

describe("follower reads (Thesis 6.4, last paragraph)", () => {
  function follower(): Lone {
    const lone = Lone.awake();
    lone.step(2, 1, append(0, 0, [1, 1], 2));
    lone.persistAll();
    lone.apply();
    lone.take();
    return lone;
  }

  test("ask the leader once for all that came in a turn, then read here", () => {
    const lone = follower();
    lone.turn((core, now) => {
      for (const id of [1, 2]) {
        core.read({ id, mode: "follower", deadlineAtMs: (now + 99) as MonotonicMs }, now);
      }
    });
    const asks = lone.takeKind("read-index");
    expect(asks).toHaveLength(1);
    const { id } = present(asks[0], "a question").body;
    lone.step(2, 1, { kind: "read-index-answer", id, index: 2 as LogIndex });
    expect(lone.reads.map((read) => read.ok && read.used)).toEqual(["follower", "follower"]);
  });

  test("wait until the answered index is applied here", () => {
    const lone = follower();
    lone.read("follower");
    const id = present(lone.takeKind("read-index")[0], "a question").body.id;
    lone.step(2, 1, { kind: "read-index-answer", id, index: 3 as LogIndex });
    expect(lone.reads).toEqual([]);
    lone.step(2, 1, append(2, 1, [1], 3));
    lone.persistAll();
    lone.apply();
    expect(lone.reads).toMatchObject([{ ok: true, index: 3 }]);
  });

  test("take no answer to an earlier boot, nor to a question already repeated (R16, scenario 61)", () => {
    const lone = follower();
    lone.read("follower");
    const first = present(lone.takeKind("read-index")[0], "a question").body.id;
    const earlier = { ...first, boot: 99n as BootNonce };
    lone.step(2, 1, { kind: "read-index-answer", id: earlier, index: 2 as LogIndex });
    lone.tick(500);
    const second = lone.takeKind("read-index")[0]?.body.id;
    expect(second?.counter).toBe(first.counter + 1);
    lone.step(2, 1, { kind: "read-index-answer", id: first, index: 2 as LogIndex });
    expect(lone.reads).toEqual([]);
  });

  test("need a leader: lease reads this very node (design 3)", () => {
    const lone = follower();
    lone.read("lease");
    expect(lone.reads).toMatchObject([{ ok: false, reason: "not-leader", leader: 2 }]);
    const alone = Lone.awake();
    alone.read("follower");
    expect(alone.reads).toMatchObject([{ ok: false, reason: "no-leader" }]);
  });

  test("are answered by the leader after a round that came after the question (R6)", () => {
    const lone = Lone.established();
    const id = { boot: 7n as BootNonce, counter: 5 };
    lone.step(3, 1, { kind: "read-index", id, by: "round" });
    const round = newestRound(lone);
    expect(lone.takeKind("read-index-answer")).toEqual([]);
    lone.step(2, 1, heartbeatAck(lone, round));
    expect(lone.takeKind("read-index-answer")).toEqual([
      { to: 3, term: 1, body: { kind: "read-index-answer", id, index: 1 } },
    ]);
  });
});

describe("quorum reads (design 3)", () => {
  test("go through the log: one barrier serves all of a turn", () => {
    const lone = Lone.established();
    lone.turn((core, now) => {
      for (const id of [1, 2, 3]) {
        core.read({ id, mode: "quorum", deadlineAtMs: (now + 99) as MonotonicMs }, now);
      }
    });
    expect(lone.last).toBe(2);
    lone.persistAll();
    lone.step(2, 1, appendAck(2));
    expect(lone.reads).toEqual([]);
    lone.apply();
    expect(lone.reads).toMatchObject([1, 2, 3].map((id) => ({ id, used: "quorum", index: 2 })));
  });

  test("a command proposed after them in the turn is their barrier", () => {
    const lone = Lone.established();
    lone.turn((core, now) => {
      core.read({ id: 1, mode: "quorum", deadlineAtMs: (now + 99) as MonotonicMs }, now);
      core.propose(new Uint8Array(1), now);
    });
    expect(lone.last).toBe(2);
  });

  test("an entry appended before them is not", () => {
    const lone = Lone.established();
    lone.turn((core, now) => {
      core.propose(new Uint8Array(1), now);
      core.read({ id: 1, mode: "quorum", deadlineAtMs: (now + 99) as MonotonicMs }, now);
    });
    expect(lone.last).toBe(3);
    lone.persistAll();
    lone.step(2, 1, appendAck(2));
    lone.apply();
    expect(lone.reads).toEqual([]);
  });

  test("elsewhere ask the leader for a barrier", () => {
    const lone = Lone.established();
    const id = { boot: 7n as BootNonce, counter: 5 };
    lone.step(3, 1, { kind: "read-index", id, by: "barrier" });
    lone.persistAll();
    lone.take();
    lone.step(2, 1, appendAck(2));
    expect(lone.takeKind("read-index-answer")).toMatchObject([{ to: 3, body: { id, index: 2 } }]);
  });
});

describe("lease reads (Thesis 6.4.1)", () => {
  test("are answered at once within the lease, and fall back to a round without it", () => {
    const lone = Lone.established();
    beat(lone, 2);
    lone.read("lease");
    expect(lone.reads).toMatchObject([{ ok: true, asked: "lease", used: "lease" }]);
    lone.elapse(1000);
    lone.read("lease");
    expect(lone.reads).toHaveLength(1);
    lone.step(2, 1, heartbeatAck(lone, newestRound(lone)));
    expect(lone.reads[1]).toMatchObject({ ok: true, asked: "lease", used: "index" });
  });

  test("the lease runs from when the round was sent (R7, scenario 64)", () => {
    const lone = Lone.established();
    lone.tick(100);
    const round = newestRound(lone);
    const { epoch } = lone.core.status();
    lone.elapse(900);
    lone.step(2, 1, heartbeatAck(lone, round));
    expect(lone.core.leaseHolds(epoch, (lone.now + 99) as MonotonicMs)).toBe(true);
    expect(lone.core.leaseHolds(epoch, (lone.now + 100) as MonotonicMs)).toBe(false);
  });

  test("counts the members that refuse to vote: of five, two others (R7)", () => {
    const lone = Lone.established({ voters: [1, 2, 3, 4, 5] });
    lone.tick(100);
    const round = newestRound(lone);
    const { epoch } = lone.core.status();
    lone.step(2, 1, heartbeatAck(lone, round));
    expect(lone.core.leaseHolds(epoch, lone.now)).toBe(false);
    lone.step(3, 1, heartbeatAck(lone, round));
    expect(lone.core.leaseHolds(epoch, lone.now)).toBe(true);
  });

  test("is none before the first commit of the term (R5)", () => {
    const lone = Lone.leader({ terms: [1] });
    lone.tick(100);
    lone.step(2, 2, heartbeatAck(lone, newestRound(lone)));
    expect(lone.core.leaseHolds(lone.core.status().epoch, lone.now)).toBe(false);
  });

  test("is none for another epoch than the grant's (R7)", () => {
    const lone = Lone.established();
    beat(lone, 2);
    const { epoch } = lone.core.status();
    expect(lone.core.leaseHolds(epoch, lone.now)).toBe(true);
    expect(lone.core.leaseHolds({ ...epoch, round: 2 }, lone.now)).toBe(false);
  });

  test("ends when leadership does", () => {
    const lone = Lone.established();
    beat(lone, 2);
    const { epoch } = lone.core.status();
    lone.step(3, 2, append(1, 1, []));
    expect(lone.core.leaseHolds(epoch, lone.now)).toBe(false);
  });

  test("a group of one holds its lease for ever", () => {
    const lone = new Lone({ voters: [1] });
    lone.tick();
    lone.persistAll();
    lone.apply();
    lone.elapse(99_999);
    lone.read("lease");
    expect(lone.reads).toMatchObject([{ ok: true, used: "lease" }]);
  });
});

describe("freshness (F1 to F4)", () => {
  const stamp = { boot: 7n as BootNonce, counter: 3 };

  test("a stamp is echoed after a round that was sent after it came, with that round's index (F2)", () => {
    const lone = Lone.established();
    lone.tick(100);
    const before = newestRound(lone);
    lone.step(3, 1, { kind: "heartbeat-ack", round: { boot: lone.boot, counter: before }, stamp });
    lone.step(2, 1, heartbeatAck(lone, before));
    expect(lone.takeKind("freshness-echo").filter(({ to }) => to === 3)).toEqual([]);
    lone.tick(100);
    lone.step(2, 1, heartbeatAck(lone, newestRound(lone), 2));
    expect(lone.takeKind("freshness-echo").filter(({ to }) => to === 3)).toMatchObject([
      { body: { echo: { stamp, index: 1 } } },
    ]);
  });

  test("nothing is echoed before the term's first commit (F2, R5)", () => {
    const lone = Lone.leader({ terms: [1] });
    for (let at = 0; at < 3; at += 1) {
      lone.tick(100);
      const round = { boot: lone.boot, counter: newestRound(lone) };
      lone.step(3, 2, { kind: "heartbeat-ack", round, stamp });
    }
    expect(lone.take().filter(({ body }) => "echo" in body)).toEqual([]);
  });

  test("an echo counts once its index is applied, from when its stamp was made (F3)", () => {
    const lone = Lone.awake({ term: 1 });
    lone.step(2, 1, heartbeat(1));
    const made = lone.now;
    const mine = present(lone.takeKind("heartbeat-ack")[0], "an answer").body.stamp;
    lone.elapse(70);
    const echo = { stamp: mine, index: 1 as LogIndex };
    lone.step(2, 1, { kind: "freshness-echo", echo });
    expect(lone.core.status().freshAtMs).toBeUndefined();
    lone.step(2, 1, append(0, 0, [1], 1));
    lone.persistAll();
    lone.apply();
    expect(lone.core.status().freshAtMs).toBe(made);
    lone.read("learner");
    expect(lone.reads.at(-1)).toMatchObject({ freshAtMs: made, guarantee: "bounded-stale" });
  });

  test("echoes of another boot's stamps are dropped (F3)", () => {
    const lone = Lone.awake({ term: 1 });
    lone.step(2, 1, heartbeat(1));
    const mine = present(lone.takeKind("heartbeat-ack")[0], "an answer").body.stamp;
    const echo = { stamp: { ...mine, boot: 99n as BootNonce }, index: 0 as LogIndex };
    lone.step(2, 1, { kind: "freshness-echo", echo });
    expect(lone.core.status().freshAtMs).toBeUndefined();
  });

  test("an unknown age is absent, never 0 (F3)", () => {
    const lone = Lone.awake();
    lone.read("learner");
    expect(lone.reads[0]).not.toHaveProperty("freshAtMs");
  });

  test("the leader's own stamp is the send time of its newest confirmed round (F4)", () => {
    const lone = Lone.established();
    lone.tick(100);
    const sentAt = lone.now;
    const round = newestRound(lone);
    lone.elapse(40);
    lone.step(2, 1, heartbeatAck(lone, round));
    expect(lone.core.status().freshAtMs).toBe(sentAt);
  });

  test("a machine that may have slept knows no age, of itself or of waiting reads (R7)", () => {
    const lone = Lone.established();
    beat(lone, 2);
    lone.read("index");
    lone.turn((core, now) => core.clockUncertain(now));
    expect(lone.core.status().freshAtMs).toBeUndefined();
    lone.step(2, 1, heartbeatAck(lone, newestRound(lone)));
    expect(lone.reads.at(-1)).not.toHaveProperty("freshAtMs");
  });
});
