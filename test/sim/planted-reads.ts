// Planted bugs of reads: leases, rounds, freshness echoes, and what a replica may show.
import type { PlantedBug } from "../../base/index.ts";
import { BOTH, RAFT, asDrawn, focused, reaction } from "./planted-plan.ts";
import type { PlantedPlan } from "./planted-plan.ts";
import type { Swarm, WorkloadPlan } from "./swarm.ts";

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

/** Leaders whose machines sleep while others take over, asked as they wake. */
function sleepers(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    options: { clockDriftMax: 0 },
    network: { delayMeanMs: timeoutMs / 40 },
    nemesis: {
      weights: { suspend: 1 },
      leaderShare: 0.8,
      everyMeanMs: timeoutMs * 3,
      lastsMeanMs: timeoutMs * 3,
    },
    workload: { readModes: ["lease", "learner"], stickyRate: 0.7, keys: 1, clients: 8 },
  });
}

/** Acknowledgements that overtake each other, and learners that trust what comes of them. */
function lateAcknowledgements(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    options: { clockDriftMax: 0, heartbeatMs: timeoutMs / 6 },
    network: {
      delayMeanMs: timeoutMs / 30,
      spikeRate: 0.3,
      spikeMs: timeoutMs / 2,
      inOrder: false,
    },
    nemesis: { weights: {} },
    workload: { readModes: ["learner", "index"], readRate: 0.6, clients: 8, keys: 2 },
  });
}

export const READ_PLANS = {
  "lease-after-suspend": {
    protocols: BOTH,
    caughtBy: ["lease-exclusion", "linearizability", "staleness-bound"],
    profile: sleepers,
  },
  "round-confirms-later-stamp": {
    protocols: BOTH,
    caughtBy: ["staleness-bound"],
    profile: lateAcknowledgements,
  },
  "lease-from-ack-time": {
    protocols: BOTH,
    caughtBy: ["linearizability", "lease-exclusion"],
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
} satisfies Partial<Record<PlantedBug, PlantedPlan>>;
