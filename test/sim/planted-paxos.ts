// Planted bugs of Paxos alone: promises, acceptances, safe values and quorums.
import type { PlantedBug } from "../../base/index.ts";
import { PAXOS, asDrawn, focused, reaction } from "./planted-plan.ts";
import type { PlantedPlan } from "./planted-plan.ts";
import type { Swarm } from "./swarm.ts";
import type { CheckName } from "./violation.ts";

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

/** Candidates that do not hear whoever leads, campaign again and again, and get old answers late. */
function deafDuels(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    options: { appendBytesMax: 1, inflightMessagesMax: 4, heartbeatMs: timeoutMs / 4 },
    leaseOfTimeout: 0.05,
    network: {
      delayMeanMs: timeoutMs / 30,
      lossRate: 0.1,
      duplicateRate: 0.5,
      spikeRate: 0.35,
      spikeMs: timeoutMs * 4,
      inOrder: false,
    },
    nemesis: {
      weights: { "one-way": 3, isolate: 1, "isolate-inward": 1, "isolate-outward": 1 },
      leaderShare: 0.5,
      everyMeanMs: timeoutMs / 2,
      lastsMeanMs: timeoutMs * 2,
      reactions: [reaction("elected", "isolate-outward", "actor", 0.4, timeoutMs / 4)],
    },
    workload: { clients: 3, readRate: 0, thinkMeanMs: timeoutMs / 8, timeoutMs: timeoutMs / 2 },
  });
}

/** Slots that are chosen before their leader knows, read at another member that counted them (P9). */
function countingLearners(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    options: { clockDriftMax: 0 },
    network: {
      delayMeanMs: timeoutMs / 30,
      spikeRate: 0.2,
      spikeMs: timeoutMs / 3,
      inOrder: false,
    },
    workload: {
      readModes: ["index", "lease", "follower"],
      readRate: 0.6,
      keys: 1,
      clients: 8,
    },
  });
}

export const PAXOS_PLANS = {
  "paxos-index-uses-commit": {
    protocols: PAXOS,
    caughtBy: ["linearizability", "staleness-bound"],
    profile: countingLearners,
  },
  "stale-promise-counted": { protocols: PAXOS, caughtBy: BALLOTS, profile: deafDuels },
  "promise-not-raised-by-accept": { protocols: PAXOS, caughtBy: BALLOTS, profile: asDrawn },
  "shared-ballot-variable": { protocols: PAXOS, caughtBy: BALLOTS, profile: duels },
  "lowest-ballot-value-chosen": { protocols: PAXOS, caughtBy: BALLOTS, profile: duels },
  "learner-counts-across-ballots": {
    protocols: PAXOS,
    caughtBy: BALLOTS,
    profile: deafDuels,
  },
  "gap-skipped": { protocols: PAXOS, caughtBy: ["liveness"], profile: duels },
  "reads-accepted-value": {
    protocols: PAXOS,
    caughtBy: ["committed-visible", "commit-durability", "state-machine-safety"],
    profile: asDrawn,
  },
  "quorums-do-not-intersect": { protocols: PAXOS, caughtBy: BALLOTS, profile: duels },
} satisfies Partial<Record<PlantedBug, PlantedPlan>>;
