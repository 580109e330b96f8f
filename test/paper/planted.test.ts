// Each planted bug removes exactly the guard it is named after: what the guard forbids happens with the switch
// and not without. Whether the simulator's checks see the harm is the simulator's to prove.
import { expect, test } from "@jest/globals";
import { present } from "../../base/index.ts";
import type { BootNonce, LogIndex, MonotonicMs, NodeId, PlantedBug } from "../../base/index.ts";
import { Lone, append, appendAck, heartbeat, heartbeatAck, requestVote } from "./lone.ts";
import type { LoneInit } from "./lone.ts";

type Forbidden = (init: LoneInit) => boolean;

const OTHER_BOOT = 99n as BootNonce;

function newestRound(lone: Lone): number {
  return present(lone.takeKind("heartbeat").at(-1), "a heartbeat").body.round.counter;
}

const FORBIDDEN: Partial<Record<PlantedBug, Forbidden>> = {
  "skip-vote-persist": (init) => {
    const lone = Lone.awake(init);
    lone.step(2, 1, requestVote(0, 0));
    lone.persistAll();
    return lone.log.votedFor === 0;
  },
  "commit-old-term-by-count": (init) => {
    const lone = Lone.leader({ ...init, terms: [1, 1] });
    lone.step(2, 2, appendAck(2));
    return lone.commit === 2;
  },
  "ack-before-fsync": (init) => {
    const lone = Lone.awake({ ...init, term: 1 });
    lone.step(2, 1, append(0, 0, [1]));
    return lone.takeKind("append-ack").length === 1;
  },
  "lease-from-ack-time": (init) => {
    const lone = Lone.established(init);
    lone.tick(100);
    const round = newestRound(lone);
    lone.elapse(900);
    lone.step(2, 1, heartbeatAck(lone, round));
    return lone.core.leaseHolds(lone.core.status().epoch, (lone.now + 500) as MonotonicMs);
  },
  "read-index-before-own-commit": (init) => {
    const lone = Lone.leader({ ...init, terms: [1] });
    lone.read("index");
    lone.tick(100);
    lone.step(2, 2, heartbeatAck(lone, newestRound(lone)));
    return lone.reads.length === 1;
  },
  "reuse-read-round": (init) => {
    const lone = Lone.established(init);
    lone.read("index");
    const round = newestRound(lone);
    lone.step(2, 1, heartbeatAck(lone, round));
    lone.read("index");
    return lone.reads.length === 2;
  },
  "learner-serves-uncommitted": (init) => {
    const lone = Lone.awake({ ...init, voters: [2, 3], learners: [1] });
    lone.step(2, 1, append(0, 0, [1]));
    lone.persistAll();
    return lone.committed.length === 1;
  },
  "learner-trusts-deposed-leader": (init) => {
    const lone = Lone.established({ ...init, voters: [1, 2, 3], learners: [4] });
    lone.tick(100);
    lone.step(4, 1, heartbeatAck(lone, newestRound(lone)));
    return lone.takeKind("freshness-echo").some(({ to }) => to === 4);
  },
  "send-before-epoch-durable": (init) => {
    const lone = Lone.awake(init);
    lone.step(2, 1, requestVote(0, 0));
    return lone.takeKind("vote").length === 1;
  },
  "stamp-from-earlier-boot": (init) => {
    const lone = Lone.awake({ ...init, term: 1 });
    lone.step(2, 1, heartbeat(1));
    const stamp = { boot: OTHER_BOOT, counter: 1 };
    lone.step(2, 1, { kind: "freshness-echo", echo: { stamp, index: 0 as LogIndex } });
    return lone.core.status().freshAtMs !== undefined;
  },
  "echo-before-own-commit": (init) => {
    const lone = Lone.leader({ ...init, terms: [1] });
    for (let at = 0; at < 3; at += 1) {
      lone.tick(100);
      lone.step(3, 2, heartbeatAck(lone, newestRound(lone), at + 1));
    }
    lone.tick(100);
    return lone.take().some(({ body }) => "echo" in body);
  },
  "read-id-without-boot": (init) => {
    const lone = Lone.awake({ ...init, term: 1 });
    lone.step(2, 1, heartbeat(1));
    lone.read("follower");
    const id = { boot: OTHER_BOOT, counter: 1 };
    lone.step(2, 1, { kind: "read-index-answer", id, index: 0 as LogIndex });
    return lone.reads.length === 1;
  },
  "config-before-own-commit": (init) => {
    const lone = Lone.leader({ ...init, terms: [1] });
    return change(lone, [1, 2]);
  },
  "joint-left-without-both-majorities": (init) => {
    const lone = Lone.established({ ...init, voters: [1, 2, 3, 4, 5] });
    change(lone, [1, 2, 3]);
    lone.persistAll();
    return lone.core.status().config.outgoing === undefined;
  },
  "lease-after-timeout-now": (init) => {
    const lone = Lone.established(init);
    lone.turn((core, now) => core.transferTo(2 as NodeId, now));
    return lone.core.leaseHolds(lone.core.status().epoch, lone.now);
  },
  "lease-cached-across-config": (init) => {
    const lone = Lone.established({ ...init, voters: [1, 2, 3, 4, 5] });
    lone.step(3, 1, heartbeatAck(lone, 1));
    change(lone, [1, 4, 5]);
    return lone.core.leaseHolds(lone.core.status().epoch, lone.now);
  },
  "removed-leader-counts-itself": (init) => {
    const lone = Lone.established(init);
    change(lone, [2, 3]);
    lone.persistAll();
    lone.step(2, 1, appendAck(lone.last));
    return lone.commit === lone.last;
  },
  "learner-promoted-behind": (init) => {
    const lone = Lone.established({ ...init, learners: [4] });
    return change(lone, [1, 2, 3, 4]);
  },
  "install-keeps-conflicting-suffix": (init) => {
    const lone = Lone.awake({ ...init, terms: [1, 1, 1], term: 1 });
    install(lone, 2, 2);
    return lone.last > 2;
  },
  "snapshot-config-ignored": (init) => {
    const lone = Lone.awake({ ...init, terms: [1], term: 1 });
    install(lone, 5, 2);
    return lone.core.status().config.index !== 4;
  },
  "snapshot-not-pinned": (init) => {
    const lone = Lone.leader({ ...init, terms: [1, 1, 1] });
    lone.step(2, lone.term, appendAck(4));
    lone.apply();
    lone.turn((core, now) => core.compactTo(2 as LogIndex, now));
    lone.persistAll();
    lone.step(3, lone.term, { kind: "append-reject", ...REJECTED });
    lone.turn((core, now) => core.compactTo(4 as LogIndex, now));
    lone.persistAll();
    return lone.log.first() > 3;
  },
  "stalled-leader-stays": (init) => {
    const lone = Lone.established(init);
    lone.propose("a");
    lone.tick(600);
    lone.step(2, 1, heartbeatAck(lone, newestRound(lone)));
    lone.tick(600);
    return lone.role === "leader";
  },
  "vote-without-log-check": (init) => {
    const lone = Lone.awake({ ...init, terms: [1, 1] });
    lone.step(2, 2, requestVote(1, 1));
    lone.persistAll();
    return lone.log.votedFor === 2;
  },
  "truncates-matching-suffix": (init) => {
    const lone = Lone.awake({ ...init, term: 1 });
    lone.step(2, 1, append(0, 0, [1, 1, 1]));
    lone.step(2, 1, append(0, 0, [1]));
    return lone.last < 3;
  },
  "stickiness-ignored": (init) => {
    const lone = Lone.awake({ ...init, term: 1 });
    lone.step(2, 1, heartbeat(1));
    lone.step(3, 2, requestVote(0, 0));
    return lone.term === 2;
  },
  "round-confirms-later-stamp": (init) => {
    const lone = Lone.established(init);
    lone.tick(100);
    lone.step(3, 1, heartbeatAck(lone, newestRound(lone)));
    return lone.takeKind("freshness-echo").some(({ to }) => to === 3);
  },
  "lost-said-too-early": (init) => {
    const lone = Lone.established(init);
    const newest = present(lone.applied.at(-1), "the leader's no-op");
    return !lone.core.canCommitBehind(newest, lone.core.status().epoch);
  },
};

const REJECTED = { prevIndex: 3 as LogIndex, hintIndex: 0 as LogIndex, hintTerm: 0 };

/** A snapshot whose configuration is of entry 4, or of none before that. */
function install(lone: Lone, index: number, round: number): void {
  const config = {
    ...lone.core.status().config,
    index: Math.min(index, 4) as LogIndex,
    incoming: [1, 2, 3, 4] as NodeId[],
  };
  const meta = { index: index as LogIndex, epoch: { config: 0, round, node: 0 as const }, config };
  lone.turn((core, now) => {
    core.install(meta, 1, now);
  });
  lone.persistAll();
}

/** Whether the change was accepted. */
function change(lone: Lone, voters: readonly number[]): boolean {
  const { index } = lone.core.status().config;
  const wish = { voters: voters as NodeId[], learners: [] };
  const result = lone.core.proposeConfig(wish, index, lone.now);
  lone.drain();
  return result.ok;
}

test.each(Object.entries(FORBIDDEN))("%s", (name, happens) => {
  expect(happens({})).toBe(false);
  expect(happens({ options: { planted: name as PlantedBug } })).toBe(true);
});
