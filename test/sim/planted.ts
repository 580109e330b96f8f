// The planted bugs: for each the check that must catch it, and the faults and load under which its harm
// shows (a bug behind a guard that ten other things hide is not found by chance alone). The same seeds and
// profiles without the bug must be clean.
import type { PlantedBug } from "../../base/index.ts";
import type { ConsensusOptions } from "../../consensus/index.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import type { NetworkFaults } from "./network.ts";
import { NETWORK_HEALTHY } from "./network.ts";
import type { DiskFaults } from "./sim-disk.ts";
import { DISK_HEALTHY } from "./sim-disk.ts";
import type { NemesisPlan, Reaction, Swarm, WorkloadPlan } from "./swarm.ts";
import type { CheckName } from "./violation.ts";

export interface PlantedPlan {
  /** Found when one of these says so. */
  readonly caughtBy: readonly CheckName[];
  readonly profile: (swarm: Swarm) => Swarm;
  /** Whose guard it removes. */
  readonly protocols: readonly ProtocolName[];
}

/** What a profile asks for; times in election timeouts where they say so. */
interface Focus {
  readonly voters?: number;
  readonly options?: Partial<ConsensusOptions>;
  readonly leaseOfTimeout?: number;
  readonly network?: Partial<NetworkFaults>;
  readonly disk?: Partial<DiskFaults>;
  readonly gapRate?: number;
  readonly nemesis?: Partial<NemesisPlan>;
  readonly workload?: Partial<WorkloadPlan>;
}

/** A calm cluster with one learner, on which only what the profile asks for goes wrong. */
function focused(swarm: Swarm, focus: Focus): Swarm {
  const { options, limits, nemesis, workload } = swarm;
  const timeoutMs = options.electionTimeoutMs;
  return {
    ...swarm,
    voters: focus.voters ?? 3,
    learners: 1,
    clocksWild: false,
    options: {
      ...options,
      leaseMarginMs: 0,
      readsWaitingMax: 1000,
      readLagEntriesMax: 1000,
      uncommittedBytesMax: 1_000_000,
      ...focus.options,
    },
    limits: { ...limits, commandsWaitingMax: 1000, readsRetryingMax: 1000, readsLoadingMax: 256 },
    leaseMs: timeoutMs * (focus.leaseOfTimeout ?? 1),
    network: { ...NETWORK_HEALTHY, inOrder: false, ...focus.network },
    disk: { ...DISK_HEALTHY, ...focus.disk },
    engine: { ...DISK_HEALTHY, ...focus.disk },
    gapRate: focus.gapRate ?? 0,
    nemesis: {
      ...nemesis,
      weights: {},
      reactions: [],
      leaderShare: 0,
      everyMeanMs: timeoutMs * 4,
      lastsMeanMs: timeoutMs * 2,
      downMeanMs: timeoutMs / 10,
      crashLoss: "any",
      ...focus.nemesis,
    },
    workload: {
      ...workload,
      clients: 5,
      keys: 2,
      thinkMeanMs: timeoutMs / 40,
      timeoutMs: timeoutMs * 2,
      readRate: 0.6,
      sessionRate: 0,
      repeatRate: 0,
      lossRate: 0,
      compactionRate: 0,
      stickyRate: 0,
      waitRate: 0,
      ...focus.workload,
    },
  };
}

function reaction(
  on: Reaction["on"],
  does: Reaction["does"],
  to: Reaction["to"],
  rate: number,
  delayMaxMs = 0,
): Reaction {
  return { on, does, to, rate, delayMaxMs };
}

/** As the seed drew it: the harm shows under any faults. */
const asDrawn = (swarm: Swarm): Swarm => swarm;

/** Elections one after the other, voters that die right after they voted and are back at once. */
function forgetfulVoters(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    leaseOfTimeout: 0.1,
    network: {
      delayMeanMs: timeoutMs / 20,
      lossRate: 0.1,
      duplicateRate: 0.4,
      spikeRate: 0.4,
      spikeMs: timeoutMs,
    },
    disk: { delayMeanMs: timeoutMs / 15 },
    nemesis: {
      downMeanMs: timeoutMs / 100,
      lastsMeanMs: timeoutMs * 2,
      reactions: [
        reaction("vote", "power-cut", "actor", 0.6, timeoutMs / 50),
        reaction("elected", "isolate", "actor", 0.9),
      ],
    },
    workload: { clients: 1, thinkMeanMs: timeoutMs },
  });
}

/** Leaders that come to power, take one step and lose it; entries travel one by one (Raft Fig. 8). */
function shortReigns(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    voters: 3,
    options: { appendBytesMax: 1, inflightMessagesMax: 1 },
    leaseOfTimeout: 0.25,
    network: { delayMeanMs: timeoutMs / 50 },
    nemesis: {
      lastsMeanMs: timeoutMs * 2,
      reactions: [
        reaction("elected", "isolate", "actor", 0.5, timeoutMs / 20),
        reaction("commit", "isolate", "actor", 0.3),
      ],
    },
    workload: { readRate: 0.1 },
  });
}

/** Leaders that are stopped while others take over, asked before they can hear of it. */
function oldLeadersAsked(swarm: Swarm, readModes: WorkloadPlan["readModes"]): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    options: { clockDriftMax: 0 },
    network: { delayMeanMs: timeoutMs / 40 },
    nemesis: {
      lastsMeanMs: timeoutMs * 3,
      reactions: [reaction("commit", "stop-cut-off", "actor", 0.05)],
    },
    workload: { readModes, stickyRate: 0.5, keys: 1, clients: 8, timeoutMs: timeoutMs * 4 },
  });
}

/** Leaders that die with a commit nobody else knows of, and successors whose disks are slow. */
function uninformedSuccessors(swarm: Swarm, readModes: WorkloadPlan["readModes"]): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    disk: { delayMeanMs: timeoutMs / 15 },
    nemesis: { reactions: [reaction("commit", "kill", "actor", 0.1)] },
    workload: { readModes, keys: 1, readRate: 0.7 },
  });
}

/** Members that are killed and back at once, over a network in which their past still travels. */
function quickRestarts(swarm: Swarm, readModes: WorkloadPlan["readModes"]): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    network: { delayMeanMs: timeoutMs / 20, spikeRate: 0.3, spikeMs: timeoutMs },
    nemesis: {
      weights: { kill: 1 },
      everyMeanMs: timeoutMs / 2,
      downMeanMs: timeoutMs / 50,
      reactions: [reaction("commit", "kill", "learner", 0.1)],
    },
    workload: { readModes, keys: 1, readRate: 0.6, clients: 8 },
  });
}

/** A leader that the voters no longer hear, and a learner that still does. */
function deposedButHeard(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    options: { clockDriftMax: 0.1, heartbeatMs: timeoutMs / 10 },
    network: { delayMeanMs: timeoutMs / 40, spikeRate: 0.2, spikeMs: timeoutMs * 2 },
    nemesis: {
      weights: { "clock-rate": 1 },
      lastsMeanMs: timeoutMs * 3,
      reactions: [reaction("commit", "isolate-from-voters", "actor", 0.05)],
    },
    workload: { readModes: ["learner"], readRate: 0.7, clients: 8 },
  });
}

/** Power cuts that leave some of what was not synced, with a state that is seldom synced. */
function powerCuts(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    gapRate: 1,
    disk: { delayMeanMs: timeoutMs / 100 },
    nemesis: { weights: { "power-cut": 1, "power-cut-all": 0.5 }, everyMeanMs: timeoutMs },
    workload: { readRate: 0.2, sessionRate: 0.3, repeatRate: 0.2 },
  });
}

const RAFT: readonly ProtocolName[] = ["raft"];
const PAXOS: readonly ProtocolName[] = ["paxos"];
const BOTH: readonly ProtocolName[] = ["raft", "paxos"];
/** What an acceptor, a proposer or a quorum can do wrong. */
const BALLOTS: readonly CheckName[] = [
  "ballot-safety",
  "state-machine-safety",
  "commit-durability",
];

/** Leaders that lose their accepts on the way, die, and meet what they left behind (P4). */
function duels(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    options: { appendBytesMax: 1, inflightMessagesMax: 4 },
    leaseOfTimeout: 0.1,
    network: {
      delayMeanMs: timeoutMs / 30,
      lossRate: 0.15,
      duplicateRate: 0.2,
      spikeRate: 0.2,
      spikeMs: timeoutMs,
    },
    nemesis: {
      weights: { isolate: 1, kill: 1, split: 1 },
      everyMeanMs: timeoutMs,
      lastsMeanMs: timeoutMs,
      reactions: [
        reaction("elected", "isolate-outward", "actor", 0.5, timeoutMs / 10),
        reaction("ack", "kill", "leader", 0.02),
      ],
    },
    workload: { readRate: 0.2, thinkMeanMs: timeoutMs / 60 },
  });
}

const PLANS = {
  "skip-vote-persist": { protocols: RAFT, caughtBy: ["election-safety"], profile: forgetfulVoters },
  "commit-old-term-by-count": {
    protocols: RAFT,
    caughtBy: ["leader-completeness"],
    profile: shortReigns,
  },
  "ack-before-fsync": { protocols: BOTH, caughtBy: ["commit-durability"], profile: asDrawn },
  "lease-from-ack-time": {
    protocols: BOTH,
    caughtBy: ["linearizability"],
    profile: (swarm) => oldLeadersAsked(swarm, ["lease"]),
  },
  "read-index-before-own-commit": {
    protocols: RAFT,
    caughtBy: ["linearizability"],
    profile: (swarm) => uninformedSuccessors(swarm, ["index", "follower"]),
  },
  "reuse-read-round": {
    protocols: BOTH,
    caughtBy: ["linearizability"],
    profile: (swarm) => oldLeadersAsked(swarm, ["index"]),
  },
  "learner-serves-uncommitted": {
    protocols: RAFT,
    caughtBy: ["committed-visible"],
    profile: asDrawn,
  },
  "learner-trusts-deposed-leader": {
    protocols: RAFT,
    caughtBy: ["staleness-bound"],
    profile: deposedButHeard,
  },
  "apply-twice-on-restart": {
    protocols: BOTH,
    caughtBy: ["state-machine-safety"],
    profile: powerCuts,
  },
  "session-forgotten-on-restart": {
    protocols: BOTH,
    caughtBy: ["exactly-once"],
    profile: powerCuts,
  },
  "send-before-epoch-durable": {
    protocols: BOTH,
    caughtBy: ["election-safety", "log-matching"],
    profile: forgetfulVoters,
  },
  "stamp-from-earlier-boot": {
    protocols: BOTH,
    caughtBy: ["staleness-bound"],
    profile: (swarm) => quickRestarts(swarm, ["learner"]),
  },
  "echo-before-own-commit": {
    protocols: RAFT,
    caughtBy: ["staleness-bound"],
    profile: (swarm) => uninformedSuccessors(swarm, ["learner"]),
  },
  "read-id-without-boot": {
    protocols: BOTH,
    caughtBy: ["linearizability"],
    profile: (swarm) => quickRestarts(swarm, ["follower"]),
  },
  "state-gap-ignored-at-boot": {
    protocols: BOTH,
    caughtBy: ["state-machine-safety"],
    profile: powerCuts,
  },
  "writes-reordered": { protocols: BOTH, caughtBy: ["log-durability"], profile: powerCuts },
  "stale-promise-counted": { protocols: PAXOS, caughtBy: BALLOTS, profile: duels },
  "promise-not-raised-by-accept": { protocols: PAXOS, caughtBy: BALLOTS, profile: asDrawn },
  "shared-ballot-variable": { protocols: PAXOS, caughtBy: BALLOTS, profile: duels },
  "lowest-ballot-value-chosen": { protocols: PAXOS, caughtBy: BALLOTS, profile: duels },
  "learner-counts-across-ballots": {
    protocols: PAXOS,
    caughtBy: ["commit-durability", ...BALLOTS],
    profile: duels,
  },
  "gap-skipped": { protocols: PAXOS, caughtBy: ["liveness"], profile: duels },
  "reads-accepted-value": {
    protocols: PAXOS,
    caughtBy: ["committed-visible", "commit-durability", "state-machine-safety"],
    profile: asDrawn,
  },
  "quorums-do-not-intersect": { protocols: PAXOS, caughtBy: BALLOTS, profile: duels },
} satisfies Partial<Record<PlantedBug, PlantedPlan>>;

/** Those whose harm the simulator's world can bring about; scenarios show the others'. */
export type SimulatedBug = keyof typeof PLANS;

export const PLANTED: Readonly<Record<SimulatedBug, PlantedPlan>> = PLANS;

export const PLANTED_NAMES = Object.keys(PLANTED) as readonly SimulatedBug[];
