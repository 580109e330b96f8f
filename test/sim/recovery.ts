// The second half of every run: all faults end, and the cluster must elect one leader, end every call,
// serve every read mode, and hold one and the same state, which is the history's. The cluster is who is in the
// configuration by then: members whose disks are lost are removed first, and whoever was removed disturbs nobody.
import { assert, checkedKey, keyOf, present } from "../../base/index.ts";
import type { KvError, MonotonicMs, Revision } from "../../base/index.ts";
import { isVoter, membersOf, sameEpoch } from "../../consensus/index.ts";
import type { ReadMode } from "../../consensus/index.ts";
import type { ReadOptions } from "../../rpc/backend.ts";
import { NOBODY } from "../../store/caller.ts";
import type { Client } from "./client.ts";
import type { Crew } from "./crew.ts";
import type { Holder } from "./holder.ts";
import type { Judge } from "./judge.ts";
import type { Oracle } from "./oracle.ts";
import type { SimNode } from "./sim-node.ts";
import { servingOf } from "./sim-node.ts";
import type { Swarm } from "./swarm.ts";
import { Violation, demand } from "./violation.ts";
import type { CheckName } from "./violation.ts";
import type { Watcher } from "./watcher.ts";
import type { Witness } from "./witness.ts";
import { rangeOf } from "./workload.ts";

/** Election timeouts within which a healed cluster is quiet and agrees. */
const SETTLE_TIMEOUTS_MAX = 60;
/** Election timeouts within which a settled cluster answers one read. */
const READ_TIMEOUTS_MAX = 10;
/** Election timeouts, and ms beside, within which watches of a settled cluster are told everything. */
const TOLD_TIMEOUTS_MAX = 40;
const TOLD_MS_MAX = 1_000;
/** The same for the expiry of leases that nobody renews, behind their time to live by the slowest clock. */
const ENDED_TIMEOUTS_MAX = 5;
const ENDED_MS_MAX = 500;
/** Events between two looks at whether the cluster has settled. */
const LOOK_EVERY_STEPS = 32;
/** Election timeouts for which those who were removed are watched. */
const UNDISTURBED_TIMEOUTS = 5;

export interface RecoveryInit {
  readonly swarm: Swarm;
  readonly nodes: readonly SimNode[];
  readonly clients: readonly Client[];
  readonly watchers: readonly Watcher[];
  readonly holders: readonly Holder[];
  readonly crew: Crew;
  readonly witness: Witness;
  readonly oracle: Oracle;
  readonly judge: Judge;
  readonly nowMs: () => number;
  readonly step: () => void;
  readonly note: (what: () => string) => void;
  readonly heal: () => void;
}

export class Recovery {
  readonly #init: RecoveryInit;
  #removeAtMs = 0;

  constructor(init: RecoveryInit) {
    this.#init = init;
  }

  /** @throws {Violation} liveness, convergence, durability, or any check that the last reads fail. */
  run(): void {
    const { heal, note } = this.#init;
    note(() => "every fault ends");
    heal();
    this.#outlastStalls();
    this.#settle();
    note(() => "settled");
    this.#demandUndisturbed();
    this.#settle();
    this.#demandLeasesEnd();
    this.#settle();
    this.#demandEveryMode();
    // The reads that go through the log have added to it.
    this.#settle();
    this.#demandTold();
    this.#demandOneState();
  }

  /** Nobody renews any more: each lease ends soon after its time has passed. */
  #demandLeasesEnd(): void {
    const { oracle, nowMs, swarm } = this.#init;
    if (oracle.leases.size === 0) return;
    const { electionTimeoutMs, clockDriftMax } = swarm.options;
    const ttlMs = swarm.streams.leases.ttlS * 1000 * (1 + 3 * clockDriftMax);
    const withinMs = ttlMs + ENDED_TIMEOUTS_MAX * electionTimeoutMs + ENDED_MS_MAX;
    const left = (): string => `${oracle.leases.size} leases are there; ${this.#statuses()}`;
    this.#runUntil(() => oracle.leases.size === 0, nowMs() + withinMs, left, "lease-ended");
  }

  /** Each watch, wherever it is, hears of everything. */
  #demandTold(): void {
    const { watchers, oracle, nowMs, swarm } = this.#init;
    const lacks = (): string | undefined =>
      watchers.map((watcher) => watcher.lacks(oracle.revision)).find((what) => what !== undefined);
    const withinMs = TOLD_TIMEOUTS_MAX * swarm.options.electionTimeoutMs + TOLD_MS_MAX;
    const over = (): boolean => lacks() === undefined;
    if (over()) return;
    this.#runUntil(over, nowMs() + withinMs, () => lacks() ?? "told", "watch-reliable");
  }

  /** Operations that a device had accepted end when they were going to: nothing is owed before that. */
  #outlastStalls(): void {
    const { nodes, nowMs, step } = this.#init;
    const busyUntilMs = Math.max(...nodes.map((node) => node.devices.busyUntilMs));
    while (nowMs() < busyUntilMs) step();
  }

  #settle(): void {
    const { swarm, nowMs } = this.#init;
    const { options, workload } = swarm;
    const withinMs = SETTLE_TIMEOUTS_MAX * options.electionTimeoutMs + 4 * workload.timeoutMs;
    const over = (): boolean => this.#unsettled() === undefined;
    this.#runUntil(over, nowMs() + withinMs, () => this.#unsettled() ?? "settled");
  }

  #runUntil(
    over: () => boolean,
    untilMs: number,
    state: () => string,
    check: CheckName = "liveness",
  ): void {
    const { step, nowMs } = this.#init;
    for (;;) {
      for (let count = 0; count < LOOK_EVERY_STEPS; count += 1) step();
      if (over()) return;
      demand(nowMs() < untilMs, check, () => `after ${nowMs().toFixed(0)} ms: ${state()}`);
    }
  }

  /** Everybody in the newest committed configuration. */
  #members(): readonly SimNode[] {
    const { nodes, witness } = this.#init;
    const ids = membersOf(witness.config);
    return nodes.filter(({ id }) => ids.includes(id));
  }

  /** What is still missing; undefined: one leader, everybody idle, everything applied everywhere. */
  #unsettled(): string | undefined {
    const { clients, witness, crew } = this.#init;
    if (crew.lost.length > 0) return this.#removeLost();
    const members = this.#members();
    const down = members.find((node) => node.serving === undefined);
    if (down !== undefined) return `n${down.id} does not serve`;
    const busy = [...clients, ...this.#init.holders].filter((client) => client.busy).length;
    if (busy > 0) return `${busy} clients wait for an answer; ${this.#statuses()}`;
    const leaders = members.filter((node) => servingOf(node).replica.status().role === "leader");
    const [leader] = leaders;
    if (leader === undefined || leaders.length > 1)
      return `${leaders.length} leaders; ${this.#statuses()}`;
    const { config } = servingOf(leader).replica.status();
    if (config.index !== witness.config.index || config.outgoing !== undefined)
      return `a change of members is under way; ${this.#statuses()}`;
    const last = witness.committedLast;
    if (witness.durableOf(leader.id).last !== last)
      return `not all that n${leader.id} holds is committed; ${this.#statuses()}`;
    const behind = members.some((node) => {
      const { replica } = servingOf(node);
      return replica.status().leader !== leader.id || replica.machine.applied !== last;
    });
    return behind ? `not all at ${last} under one leader; ${this.#statuses()}` : undefined;
  }

  /** Again and again, as an operator would: a leader may change, a change may be under way. */
  #removeLost(): string {
    const { nowMs, swarm, crew } = this.#init;
    if (nowMs() >= this.#removeAtMs) {
      this.#removeAtMs = nowMs() + 2 * swarm.options.electionTimeoutMs;
      crew.removeLost();
    }
    const lost = crew.lost.map(({ id }) => `n${id}`).join();
    return `members whose disks are lost are still there: ${lost}; ${this.#statuses()}`;
  }

  /** Whoever was removed may run on for ever, and deposes nobody (scenario 9). */
  #demandUndisturbed(): void {
    const { nodes, swarm, nowMs, witness } = this.#init;
    const members = this.#members();
    const removed = nodes.filter((node) => !members.includes(node) && node.serving !== undefined);
    if (removed.length === 0) return;
    const leader = members.find((node) => servingOf(node).replica.status().role === "leader");
    const { replica } = servingOf(present(leader, "the leader of a settled cluster"));
    const { epoch, config } = replica.status();
    const untilMs = nowMs() + UNDISTURBED_TIMEOUTS * swarm.options.electionTimeoutMs;
    while (nowMs() < untilMs) this.#init.step();
    const after = replica.status();
    // A learner that was to vote as soon as it could does so now; with Paxos that takes a new ballot.
    const changed = witness.config.index !== config.index;
    const same = after.role === "leader" && sameEpoch(after.epoch, epoch);
    demand(same || changed, "liveness", () => {
      const who = removed.map(({ id }) => `n${id}`).join();
      return `n${leader?.id} led undisturbed until ${who}, removed from the cluster, ran on beside it`;
    });
  }

  #statuses(): string {
    return this.#init.nodes
      .map((node) => {
        if (node.serving === undefined) return `n${node.id} ${node.wiped ? "wiped" : "down"}`;
        const { replica } = node.serving;
        const { machine } = replica;
        const { role, epoch, leader, committed } = replica.status();
        const { commands, reads } = replica.backlog;
        const waits = `${commands} commands, ${reads} reads`;
        const applied = `applied ${machine.applied} of ${committed}`;
        const { incoming, index } = replica.status().config;
        const by = `by ${index} [${incoming.join()}]`;
        return `n${node.id} ${role} t${epoch.round} of ${leader ?? "nobody"} ${by}, ${applied}, ${waits}`;
      })
      .join("; ");
  }

  #demandEveryMode(): void {
    for (const node of this.#members()) {
      const votes = isVoter(this.#init.witness.config, node.id);
      for (const mode of modesOf(votes, servingOf(node).replica.status().role)) {
        this.#demandRead(node, mode);
      }
    }
  }

  /** Calls that clients have given up keep their places until their deadlines: those may be waited for. */
  #demandRead(node: SimNode, mode: ReadMode): void {
    const { swarm, nowMs } = this.#init;
    const freeAtMs = nowMs() + 4 * swarm.workload.timeoutMs;
    for (;;) {
      const refused = this.#readOnce(node, mode);
      if (refused === undefined) return;
      const full = refused.code === "too-many-requests" && nowMs() < freeAtMs;
      demand(full, "liveness", () => `n${node.id} refuses a ${mode} read: ${refused.message}`);
    }
  }

  #readOnce(node: SimNode, mode: ReadMode): KvError | undefined {
    const { swarm, nowMs, judge, oracle, note } = this.#init;
    const { replica, backend } = servingOf(node);
    const timeoutMs = READ_TIMEOUTS_MAX * swarm.options.electionTimeoutMs;
    const request = rangeOf(checkedKey("k"), checkedKey("l"), 0 as Revision);
    const options: ReadOptions = {
      mode,
      minRevision: oracle.revision as Revision,
      onMiss: "wait",
      ...(mode === "learner" ? { maxStalenessMs: timeoutMs } : {}),
    };
    let ended = false;
    let refused: KvError | undefined;
    const asked = { node: node.id, ...request, ...options, mode, floor: judge.floor };
    const deadlineAtMs = (replica.now() + timeoutMs) as MonotonicMs;
    const { signal } = new AbortController();
    const context = { deadlineAtMs, signal, caller: NOBODY };
    backend.range(request, options, context, (answer) => {
      note(() => `last read n${node.id} ${mode}: ${answer.ok ? "answered" : answer.error.message}`);
      ended = true;
      if (answer.ok) judge.onRead(asked, answer.value, undefined);
      else refused = answer.error;
    });
    this.#runUntil(
      () => ended,
      nowMs() + 3 * timeoutMs,
      () => `a ${mode} read at n${node.id} never ends`,
    );
    return refused;
  }

  /** Equal hashes, and rows as the history says. */
  #demandOneState(): void {
    const { witness, oracle } = this.#init;
    witness.demandSettled();
    const members = this.#members();
    const first = servingOf(present(members[0], "a first member")).replica.machine;
    for (const node of members) {
      const { machine } = servingOf(node).replica;
      assert(machine.applied === first.applied, "a settled cluster has applied the same entries");
      demand(machine.hash() === first.hash(), "convergence", () => {
        return `n${node.id} and n${members[0]?.id} hash the state at ${machine.applied} differently`;
      });
      this.#demandRows(node);
    }
    assert(oracle.applied === first.applied, "the oracle follows what is committed");
  }

  #demandRows(node: SimNode): void {
    const { oracle } = this.#init;
    const { machine } = servingOf(node).replica;
    const plan = machine.planRange(rangeOf(checkedKey("h"), checkedKey("l"), 0 as Revision));
    if ("kind" in plan) throw new Violation("convergence", `n${node.id}: ${plan.message}`);
    const answer = plan.answer(plan.missing.map((key) => node.devices.engine.peek(key)));
    if ("kind" in answer) throw new Violation("convergence", `n${node.id}: ${answer.message}`);
    const held = answer.kvs.map((kv) => `${kv.key}=${keyOf(kv.value)}@${kv.modRevision}`);
    const expected = oracle.keys().flatMap((key) => {
      const row = oracle.rowAt(key, oracle.revision);
      return row === undefined ? [] : [`${key}=${row.value}@${row.modRevision}`];
    });
    demand(held.join(" ") === expected.join(" "), "durability", () => {
      return `n${node.id} holds [${held.join(" ")}]; acknowledged is [${expected.join(" ")}]`;
    });
  }
}

function modesOf(votes: boolean, role: string): readonly ReadMode[] {
  if (role === "leader") return ["quorum", "index", "lease", "learner", "local"];
  if (votes) return ["quorum", "index", "follower", "learner", "local"];
  return ["index", "follower", "learner", "local"];
}
