// What a seed decides before the first event: the cluster's size and times, which faults are on and how
// often, what the clients do. Each seed leaves some faults out, so that rare ones meet undisturbed (swarm
// testing, ISSTA 2012).
import type { ConsensusOptions, ReadMode } from "../../consensus/index.ts";
import type { ReplicaLimits } from "../../server/limits.ts";
import { REPLICA_LIMITS_DEFAULT } from "../../server/limits.ts";
import type { Chance } from "./chance.ts";
import type { NetworkFaults } from "./network.ts";
import { NETWORK_HEALTHY } from "./network.ts";
import type { CrashLoss, DiskFaults } from "./sim-disk.ts";
import { DISK_HEALTHY } from "./sim-disk.ts";
import { drawStorageFaults } from "./storage-faults.ts";
import { drawStreams } from "./streams-plan.ts";
import type { StreamsPlan } from "./streams-plan.ts";

const FAULT_KINDS = [
  "shut-down",
  "kill",
  "power-cut",
  "kill-all",
  "power-cut-all",
  "stop",
  "stop-cut-off",
  "suspend",
  "isolate",
  "isolate-inward",
  "isolate-outward",
  "isolate-from-voters",
  "split",
  "one-way",
  "bridge",
  "isolate-from-incoming",
  "wipe",
  "clock-rate",
  "wall-jump",
  "disk-stall",
  "weather",
] as const;

/** The last one is for plans alone: what a seed draws stays as it was. */
export type FaultKind = (typeof FAULT_KINDS)[number] | "suspend-in-pair";

/** What operators do to a running cluster. */
export const CHANGE_KINDS = [
  "add-voter",
  "add-learner",
  "promote",
  "remove",
  "remove-leader",
  "replace",
  "reshape",
  "stale-change",
  "transfer",
  "move-leader",
] as const;

export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface ChangePlan {
  readonly weights: Readonly<Partial<Record<ChangeKind, number>>>;
  /** In ms of true time, exponential: between two of them, and until a machine for a new member starts. */
  readonly everyMeanMs: number;
  readonly startMeanMs: number;
  /** etcd's --strict-reconfig-check. */
  readonly strict: boolean;
  /** A machine whose disk was lost is made to come back under its old id, to learn and never to vote (P11). */
  readonly wipedLearn: boolean;
  /** Machines there ever are; each new member gets one of its own. */
  readonly machinesMax: number;
}

/** A fault that strikes at a telling moment instead of at any: `rate` is the probability each time. */
export interface Reaction {
  /**
   * Somebody was elected; a vote was sent; an append was acknowledged; a leader's commit moved; a leader
   * appended a configuration, which is in force at once on Raft; the log of a leader has another newest
   * configuration, in force or not; a leader told another to campaign; a snapshot is about to be in force.
   */
  readonly on: "elected" | "vote" | "ack" | "commit" | "config" | "wish" | "transfer" | "install";
  readonly does: FaultKind | ChangeKind;
  /** Who is struck: the one that did it, the leader, one other voter, a learner, or anybody. */
  readonly to: "actor" | "leader" | "other" | "learner" | "any";
  readonly rate: number;
  readonly delayMaxMs: number;
}

export interface NemesisPlan {
  readonly weights: Readonly<Partial<Record<FaultKind, number>>>;
  /** Probability that a fault of the schedule strikes the leader, if there is one. */
  readonly leaderShare: number;
  /** Between faults of the schedule, and how long one lasts, in ms of true time, exponential. */
  readonly everyMeanMs: number;
  readonly lastsMeanMs: number;
  /** Between a death and the next start. */
  readonly downMeanMs: number;
  readonly reactions: readonly Reaction[];
  readonly weather: NetworkFaults;
  readonly crashLoss: CrashLoss;
}

export interface WorkloadPlan {
  readonly clients: number;
  readonly keys: number;
  readonly thinkMeanMs: number;
  readonly timeoutMs: number;
  /** Probabilities: an operation is a read; a write goes through a session; an answered one is repeated. */
  readonly readRate: number;
  readonly sessionRate: number;
  readonly repeatRate: number;
  readonly readModes: readonly ReadMode[];
  /** A request or an answer between client and member is lost. */
  readonly lossRate: number;
  /** Clients keep asking the member that somebody once elected, until it refuses them. */
  readonly stickyRate: number;
  /** A read waits for a better moment instead of failing. */
  readonly waitRate: number;
  readonly compactionRate: number;
}

export interface Swarm {
  readonly voters: number;
  readonly learners: number;
  readonly options: ConsensusOptions;
  readonly limits: ReplicaLimits;
  /** The group's lease constant in ms. */
  readonly leaseMs: number;
  readonly network: NetworkFaults;
  readonly disk: DiskFaults;
  readonly engine: DiskFaults;
  readonly gapRate: number;
  readonly segmentBytes: number;
  readonly logCacheBytes: number;
  readonly valueCacheBytes: number;
  /** Clock rates leave the stated bound: leases and staleness bounds then promise nothing. */
  readonly clocksWild: boolean;
  readonly nemesis: NemesisPlan;
  readonly changes: ChangePlan;
  readonly workload: WorkloadPlan;
  readonly streams: StreamsPlan;
}

const READ_MODES: readonly ReadMode[] = [
  "quorum",
  "index",
  "lease",
  "follower",
  "learner",
  "local",
];

/** `ofStreams`: what watches and leases are drawn from. */
export function drawSwarm(chance: Chance, ofStreams: Chance): Swarm {
  const electionTimeoutMs = chance.pick([100, 200, 400, 1000]);
  const voters = chance.pick([1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 7]);
  const clocksWild = chance.hits(0.05);
  const nemesis = drawNemesis(chance, electionTimeoutMs);
  const changes = drawChanges(chance, electionTimeoutMs);
  const keepsMachines =
    nemesis.weights.wipe === undefined && Object.keys(changes.weights).length === 0;
  return {
    voters,
    learners: chance.pick([1, 1, 1, 1, 2, 0]),
    options: { ...drawOptions(chance, electionTimeoutMs), ...drawQuorums(chance, voters) },
    limits: drawLimits(chance, electionTimeoutMs),
    leaseMs: electionTimeoutMs * chance.pick([1, 1, 0.5, 0.25]),
    network: drawNetwork(chance, electionTimeoutMs),
    disk: {
      ...drawDisk(chance, electionTimeoutMs),
      ...drawStorageFaults(chance, electionTimeoutMs, { keepsMachines }),
    },
    engine: drawEngine(chance, electionTimeoutMs),
    gapRate: chance.hits(0.3) ? 0.5 : 0,
    segmentBytes: chance.pick([4096, 16_384, 65_536]),
    logCacheBytes: chance.pick([1, 2048, 1_000_000]),
    valueCacheBytes: chance.pick([0, 256, 1_000_000]),
    clocksWild,
    nemesis,
    changes,
    workload: drawWorkload(chance, electionTimeoutMs),
    streams: drawStreams(ofStreams, electionTimeoutMs),
  };
}

function drawOptions(chance: Chance, electionTimeoutMs: number): ConsensusOptions {
  return {
    electionTimeoutMs,
    heartbeatMs: electionTimeoutMs / chance.pick([4, 6, 10]),
    clockDriftMax: chance.pick([0, 0.001, 0.02, 0.1]),
    leaseMarginMs: chance.pick([0, 0, electionTimeoutMs / 50]),
    appendBytesMax: chance.pick([1, 512, 65_536]),
    inflightMessagesMax: chance.pick([1, 4, 64]),
    inflightBytesMax: chance.pick([1024, 1_000_000]),
    uncommittedBytesMax: chance.pick([2048, 1_000_000]),
    readsWaitingMax: chance.pick([4, 1000]),
    readLagEntriesMax: chance.pick([20, 1000]),
  };
}

/** Of Paxos: a smaller phase 2 at the price of a larger phase 1, or the other way round (P7). */
function drawQuorums(chance: Chance, voters: number): Pick<ConsensusOptions, "quorums"> {
  if (voters < 3 || !chance.hits(0.25)) return {};
  const phase2 = chance.whole(1, voters + 1);
  const phase1 = chance.whole(voters - phase2 + 1, voters + 1);
  return { quorums: { phase1, phase2 } };
}

function drawLimits(chance: Chance, electionTimeoutMs: number): ReplicaLimits {
  return {
    ...REPLICA_LIMITS_DEFAULT,
    applyEntriesPerTurnMax: chance.pick([1, 8, 512]),
    applyBacklogEntriesMax: chance.pick([16, 5000]),
    unflushedBytesMax: chance.pick([512, 1_000_000]),
    ...drawCompaction(chance),
    checkpointEntriesMax: chance.pick([5, 40, 10_000]),
    snapshotBlockBytes: chance.pick([64, 512, 4096]),
    snapshotWindowBlocks: chance.pick([1, 2, 8]),
    snapshotResendMs: electionTimeoutMs,
    snapshotStallMs: electionTimeoutMs * 4,
    snapshotsMax: chance.pick([1, 2]),
    repairEntriesMax: chance.pick([1, 5, 256]),
    repairBytesMax: chance.pick([1, 200, 65_536]),
    repairResendMs: electionTimeoutMs / 2,
    commandsWaitingMax: chance.pick([3, 1000]),
    readsRetryingMax: chance.pick([2, 1000]),
    readsLoadingMax: chance.pick([1, 256]),
    wallAheadMaxMs: electionTimeoutMs / 4,
  };
}

/** A third of the seeds keep their whole log; the others cut it often, and keep little for who lags. */
function drawCompaction(
  chance: Chance,
): Pick<ReplicaLimits, "snapshotEntries" | "catchUpEntries" | "logBytesMax"> {
  const snapshotEntries = chance.pick([Infinity, 5, 20, 60]);
  const logBytesMax = chance.pick([Infinity, Infinity, 6000, 30_000]);
  return { snapshotEntries, catchUpEntries: chance.pick([0, 3, 15]), logBytesMax };
}

function drawNetwork(chance: Chance, electionTimeoutMs: number): NetworkFaults {
  return {
    delayMinMs: 0.05,
    delayMeanMs: chance.pick([0.3, 1, electionTimeoutMs / 50, electionTimeoutMs / 12]),
    lossRate: chance.pick([0, 0, 0.01, 0.1]),
    duplicateRate: chance.pick([0, 0, 0.02, 0.1]),
    spikeRate: chance.pick([0, 0, 0.005, 0.05]),
    spikeMs: electionTimeoutMs * chance.pick([0.5, 2, 6]),
    inOrder: chance.hits(0.5),
  };
}

function drawDisk(chance: Chance, electionTimeoutMs: number): DiskFaults {
  return {
    ...DISK_HEALTHY,
    delayMeanMs: chance.pick([0.15, 1, electionTimeoutMs / 50]),
    stallRate: chance.pick([0, 0, 0.01]),
    stallMs: electionTimeoutMs * 2,
    errorRate: chance.pick([0, 0, 0, 0.0005]),
  };
}

/** Often far behind what is applied: answers and restarts must not mind. */
function drawEngine(chance: Chance, electionTimeoutMs: number): DiskFaults {
  return {
    ...DISK_HEALTHY,
    delayMeanMs: chance.pick([0.1, electionTimeoutMs / 50, electionTimeoutMs / 4]),
    stallRate: chance.pick([0, 0.01]),
    stallMs: electionTimeoutMs * 4,
    errorRate: chance.pick([0, 0, 0, 0.0002]),
  };
}

/** Half of the seeds keep the members they began with. */
function drawChanges(chance: Chance, electionTimeoutMs: number): ChangePlan {
  const weights: Partial<Record<ChangeKind, number>> = {};
  const changing = chance.hits(0.5);
  for (const kind of CHANGE_KINDS) {
    const drawn = chance.hits(0.7) ? chance.between(0.2, 1) : undefined;
    if (changing && drawn !== undefined) weights[kind] = drawn;
  }
  return {
    weights,
    everyMeanMs: electionTimeoutMs * chance.pick([0.1, 0.4, 1.5]),
    startMeanMs: electionTimeoutMs * chance.pick([0.05, 0.3, 1]),
    strict: chance.hits(0.5),
    wipedLearn: false,
    machinesMax: 10,
  };
}

function drawNemesis(chance: Chance, electionTimeoutMs: number): NemesisPlan {
  const weights: Partial<Record<FaultKind, number>> = {};
  for (const kind of FAULT_KINDS) if (chance.hits(0.45)) weights[kind] = chance.between(0.2, 1);
  if (weights.wipe !== undefined) weights.wipe /= 8;
  // A wall clock set back while a machine is suspended would hide the suspension.
  if (weights.suspend !== undefined) delete weights["wall-jump"];
  return {
    weights,
    leaderShare: chance.pick([0, 0.5, 0.8]),
    everyMeanMs: electionTimeoutMs * chance.pick([0.4, 1, 3]),
    lastsMeanMs: electionTimeoutMs * chance.pick([0.5, 1.5, 4]),
    downMeanMs: electionTimeoutMs * chance.pick([0.1, 1, 3]),
    reactions: drawReactions(chance, electionTimeoutMs),
    weather: {
      delayMinMs: 0.05,
      delayMeanMs: electionTimeoutMs / chance.pick([3, 10]),
      lossRate: chance.pick([0.1, 0.4]),
      duplicateRate: 0.1,
      spikeRate: 0.1,
      spikeMs: electionTimeoutMs * 3,
      inOrder: false,
    },
    crashLoss: chance.pick(["all", "none", "any", "any"]),
  };
}

/** How often each moment comes, elections seldom and acknowledgements all the time, sets the rates. */
const REACTION_RATES: Readonly<Record<Reaction["on"], readonly number[]>> = {
  elected: [0.3, 0.9],
  vote: [0.1, 0.5],
  commit: [0.01, 0.05],
  ack: [0.002, 0.02],
  config: [0.2, 0.6],
  wish: [0.2, 0.6],
  transfer: [0.3, 0.8],
  install: [0.2, 0.6],
};

const REACTION_FAULTS: readonly Reaction["does"][] = [
  "kill",
  "power-cut",
  "stop",
  "isolate",
  "isolate-outward",
  "isolate-from-incoming",
  "disk-stall",
  "transfer",
];

function drawReactions(chance: Chance, electionTimeoutMs: number): readonly Reaction[] {
  const count = chance.pick([0, 0, 1, 2, 3]);
  return Array.from({ length: count }, () => {
    const on = chance.pick([
      "elected",
      "vote",
      "ack",
      "commit",
      "config",
      "transfer",
      "install",
    ] as const);
    return {
      on,
      does: chance.pick(REACTION_FAULTS),
      to: chance.pick(["actor", "leader", "other", "learner"]),
      rate: chance.pick(REACTION_RATES[on]),
      delayMaxMs: chance.pick([0, electionTimeoutMs / 20, electionTimeoutMs / 4]),
    };
  });
}

function drawWorkload(chance: Chance, electionTimeoutMs: number): WorkloadPlan {
  return {
    clients: chance.whole(2, 11),
    keys: chance.whole(1, 5),
    thinkMeanMs: electionTimeoutMs / chance.pick([10, 40, 200]),
    timeoutMs: electionTimeoutMs * chance.pick([0.5, 1, 3]),
    readRate: chance.pick([0.3, 0.6, 0.8]),
    sessionRate: chance.pick([0, 0.5, 1]),
    repeatRate: chance.pick([0, 0.1]),
    readModes: chance.hits(0.5) ? READ_MODES : [chance.pick(READ_MODES), chance.pick(READ_MODES)],
    lossRate: chance.pick([0, 0.02]),
    stickyRate: chance.pick([0, 0.5, 0.9]),
    waitRate: chance.pick([0.2, 0.7]),
    compactionRate: chance.pick([0, 0.02]),
  };
}

/** The same cluster and clients, with every fault off: what the liveness phase runs under. */
export const HEALTHY = { network: NETWORK_HEALTHY, disk: DISK_HEALTHY, gapRate: 0 };
