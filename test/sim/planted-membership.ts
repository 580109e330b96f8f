// Planted bugs of membership, of what a lost disk may do, and of leadership handed over.
import type { PlantedBug } from "../../base/index.ts";
import { BOTH, PAXOS, RAFT, focused, reaction } from "./planted-plan.ts";
import type { PlantedPlan } from "./planted-plan.ts";
import type { ChangePlan, Swarm } from "./swarm.ts";
import type { CheckName } from "./violation.ts";

/** What comes of two quorums that do not meet. */
const SPLITS: readonly CheckName[] = [
  "leader-completeness",
  "commit-durability",
  "election-safety",
  "log-matching",
  "ballot-safety",
  "state-machine-safety",
];

function changing(swarm: Swarm, weights: ChangePlan["weights"], everyTimeouts = 0.2): ChangePlan {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return {
    ...swarm.changes,
    weights,
    everyMeanMs: timeoutMs * everyTimeouts,
    startMeanMs: timeoutMs / 10,
    strict: false,
  };
}

/** Changes asked for as soon as somebody leads, whose disk and peers are slow. */
function changesAtElections(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    voters: 4,
    leaseOfTimeout: 0.25,
    disk: { delayMeanMs: timeoutMs / 20 },
    network: { delayMeanMs: timeoutMs / 40 },
    changes: changing(swarm, { reshape: 1, "add-learner": 0.2 }),
    nemesis: {
      reactions: [
        reaction("elected", "reshape", "leader", 0.9, timeoutMs / 20),
        reaction("commit", "kill", "actor", 0.05),
      ],
    },
    workload: { readRate: 0.2 },
  });
}

/** Several voters at once, over a slow network. */
function jointChanges(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    voters: 3,
    learners: 2,
    network: { delayMeanMs: timeoutMs / 30 },
    disk: { delayMeanMs: timeoutMs / 30 },
    changes: changing(swarm, { replace: 1, reshape: 1, "add-learner": 0.5 }),
    workload: { readRate: 0.3 },
  });
}

/** Leaders that remove themselves while their peers are slow to answer. */
function leadersLeave(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    voters: 4,
    network: { delayMeanMs: timeoutMs / 20, spikeRate: 0.1, spikeMs: timeoutMs / 2 },
    changes: changing(swarm, { "remove-leader": 1, "add-voter": 1 }),
    workload: { readRate: 0.2, clients: 8 },
  });
}

/** Learners asked to vote at once, whose machines may not even run. */
function hastyPromotions(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    network: { delayMeanMs: timeoutMs / 40 },
    changes: {
      ...changing(swarm, { "add-learner": 1, promote: 3, replace: 1, "remove-leader": 0.3 }),
      startMeanMs: timeoutMs,
    },
    workload: { readRate: 0.2 },
  });
}

/**
 * Leaders of voters that were few once: they sleep while those that came choose another, and wake beside one voter,
 * with whom they were a quorum. Asleep they counted no time, so they need not make way yet (R14).
 */
function leadersOfThePast(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    voters: 3,
    learners: 2,
    options: { clockDriftMax: 0, heartbeatMs: timeoutMs / 10 },
    network: { delayMeanMs: timeoutMs / 100 },
    changes: changing(swarm, { promote: 1 }, 0.1),
    nemesis: {
      lastsMeanMs: timeoutMs * 3,
      reactions: [reaction("commit", "suspend-in-pair", "actor", 0.05)],
    },
    workload: { readModes: ["lease"], stickyRate: 0.7, keys: 1, clients: 8 },
  });
}

/** Voters that lose their disks right after they acknowledged, among peers that lag. */
function lostDisks(swarm: Swarm, wipedLearn: boolean): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    leaseOfTimeout: 0.25,
    network: { delayMeanMs: timeoutMs / 30, lossRate: 0.05 },
    changes: { ...changing(swarm, {}), wipedLearn },
    nemesis: {
      weights: { wipe: 1, "isolate-outward": 1, isolate: 2, kill: 1 },
      leaderShare: 0.5,
      everyMeanMs: timeoutMs / 2,
      lastsMeanMs: timeoutMs * 2,
      downMeanMs: timeoutMs / 20,
      reactions: [
        reaction("commit", "wipe", "other", 0.1),
        reaction("commit", "isolate", "actor", 0.1, timeoutMs / 50),
      ],
    },
    workload: { readRate: 0.1, timeoutMs },
  });
}

/** Leadership handed over by messages that come late, to targets that others do not hear. */
function lateTransfers(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    options: { clockDriftMax: 0, heartbeatMs: timeoutMs / 10 },
    network: {
      delayMeanMs: timeoutMs / 60,
      spikeRate: 0.15,
      spikeMs: timeoutMs * 3,
      inOrder: false,
    },
    changes: changing(swarm, { transfer: 1 }, 0.5),
    nemesis: {
      lastsMeanMs: timeoutMs * 3,
      reactions: [reaction("elected", "isolate-from-voters", "actor", 0.2, timeoutMs / 10)],
    },
    workload: { readModes: ["lease"], stickyRate: 0.6, keys: 1, clients: 8, readRate: 0.7 },
  });
}

/** Leaders that die as they hand over, to targets whose slow disks let another lead before they campaign. */
function lateCampaigns(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    voters: 3,
    options: { clockDriftMax: 0, heartbeatMs: timeoutMs / 10 },
    network: { delayMeanMs: timeoutMs / 100 },
    changes: changing(swarm, { transfer: 1 }, 0.3),
    nemesis: {
      everyMeanMs: timeoutMs,
      lastsMeanMs: timeoutMs * 2.5,
      downMeanMs: timeoutMs / 20,
      weights: { "one-way": 1 },
      reactions: [
        reaction("transfer", "disk-stall", "other", 0.9),
        reaction("transfer", "kill", "actor", 0.9, timeoutMs / 25),
      ],
    },
    workload: { readModes: ["lease"], keys: 1, clients: 2, thinkMeanMs: timeoutMs / 10 },
  });
}

/** Leaders that sleep from their stop-sign on and miss that it is chosen, asked as they wake (P9). */
function sealedSleepers(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    voters: 2,
    learners: 3,
    options: { clockDriftMax: 0, heartbeatMs: timeoutMs / 10 },
    network: { delayMeanMs: timeoutMs / 100 },
    changes: changing(swarm, { reshape: 1 }, 0.3),
    nemesis: {
      lastsMeanMs: timeoutMs * 2,
      reactions: [
        reaction("wish", "isolate-inward", "actor", 0.9),
        reaction("wish", "suspend", "actor", 0.9, timeoutMs / 20),
      ],
    },
    workload: { readModes: ["index"], stickyRate: 0.7, keys: 1, clients: 8 },
  });
}

export const MEMBERSHIP_PLANS = {
  "config-before-own-commit": {
    protocols: BOTH,
    caughtBy: ["config-safety"],
    profile: changesAtElections,
  },
  "joint-left-without-both-majorities": {
    protocols: RAFT,
    caughtBy: ["config-safety"],
    profile: jointChanges,
  },
  "removed-leader-counts-itself": {
    protocols: RAFT,
    caughtBy: ["commit-durability"],
    profile: leadersLeave,
  },
  "learner-promoted-behind": {
    protocols: BOTH,
    caughtBy: ["config-safety"],
    profile: hastyPromotions,
  },
  "lease-cached-across-config": {
    protocols: BOTH,
    caughtBy: ["lease-exclusion", "linearizability"],
    profile: leadersOfThePast,
  },
  "lease-after-timeout-now": {
    protocols: BOTH,
    caughtBy: ["lease-exclusion", "linearizability"],
    profile: lateTransfers,
  },
  "leave-outlives-its-ballot": {
    protocols: PAXOS,
    caughtBy: ["lease-exclusion", "linearizability"],
    profile: lateCampaigns,
  },
  "read-behind-stop-sign": {
    protocols: PAXOS,
    caughtBy: ["linearizability", "lease-exclusion"],
    profile: sealedSleepers,
  },
  "node-id-reused-after-wipe": {
    protocols: BOTH,
    caughtBy: SPLITS,
    profile: (swarm) => lostDisks(swarm, false),
  },
  "lost-acceptor-answers": {
    protocols: PAXOS,
    caughtBy: SPLITS,
    profile: (swarm) => lostDisks(swarm, true),
  },
  "config-quorum-not-by-slot": {
    protocols: PAXOS,
    caughtBy: SPLITS,
    profile: jointChanges,
  },
  "proposal-above-stop-sign": {
    protocols: PAXOS,
    caughtBy: SPLITS,
    profile: jointChanges,
  },
  "stop-sign-not-settled": {
    protocols: PAXOS,
    caughtBy: SPLITS,
    profile: changesAtElections,
  },
} satisfies Partial<Record<PlantedBug, PlantedPlan>>;
