// Planted bugs of elections and replication: votes, epochs, what may be counted and acknowledged.
import type { PlantedBug } from "../../base/index.ts";
import { BOTH, RAFT, asDrawn, focused, reaction } from "./planted-plan.ts";
import type { PlantedPlan } from "./planted-plan.ts";
import type { Swarm } from "./swarm.ts";

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

/** Members that fall behind and campaign, old appends that come late, and leaders that die. */
function laggards(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    options: { appendBytesMax: 1, inflightMessagesMax: 8 },
    leaseOfTimeout: 0.25,
    network: {
      delayMeanMs: timeoutMs / 40,
      lossRate: 0.05,
      duplicateRate: 0.3,
      spikeRate: 0.2,
      spikeMs: timeoutMs,
      inOrder: false,
    },
    nemesis: {
      weights: { isolate: 1, kill: 0.5 },
      leaderShare: 0.6,
      everyMeanMs: timeoutMs,
      lastsMeanMs: timeoutMs,
    },
    workload: { readRate: 0.1, thinkMeanMs: timeoutMs / 60 },
  });
}

/** Leaders with a lease, asked for reads while a member that does not hear them campaigns. */
function deafCandidates(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    options: { clockDriftMax: 0, heartbeatMs: timeoutMs / 10 },
    network: { delayMeanMs: timeoutMs / 60 },
    nemesis: {
      weights: { "isolate-inward": 1, "one-way": 1, bridge: 1 },
      everyMeanMs: timeoutMs,
      lastsMeanMs: timeoutMs * 3,
    },
    // Few writes: whoever lacks one is not elected.
    workload: { readModes: ["lease"], readRate: 0.97, thinkMeanMs: timeoutMs / 10, keys: 1 },
  });
}

/** Leaders that come and go, under writes that nobody may make twice. */
function busyElections(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    network: { delayMeanMs: timeoutMs / 30 },
    disk: { delayMeanMs: timeoutMs / 40 },
    nemesis: {
      weights: { isolate: 1 },
      leaderShare: 0.8,
      everyMeanMs: timeoutMs * 2,
      lastsMeanMs: timeoutMs,
    },
    workload: { readRate: 0.3, keys: 1, clients: 8, timeoutMs: timeoutMs * 4 },
  });
}

export const ELECTION_PLANS = {
  "vote-without-log-check": {
    protocols: RAFT,
    caughtBy: ["leader-completeness"],
    profile: laggards,
  },
  "truncates-matching-suffix": {
    protocols: RAFT,
    caughtBy: ["commit-durability", "leader-completeness", "state-machine-safety"],
    profile: laggards,
  },
  "stickiness-ignored": {
    protocols: BOTH,
    caughtBy: ["lease-exclusion", "linearizability"],
    profile: deafCandidates,
  },
  "lost-said-too-early": {
    protocols: BOTH,
    caughtBy: ["linearizability", "exactly-once", "durability"],
    profile: busyElections,
  },
  "skip-vote-persist": { protocols: RAFT, caughtBy: ["election-safety"], profile: forgetfulVoters },
  "commit-old-term-by-count": {
    protocols: RAFT,
    caughtBy: ["leader-completeness"],
    profile: shortReigns,
  },
  "ack-before-fsync": { protocols: BOTH, caughtBy: ["commit-durability"], profile: asDrawn },
  // Over Paxos the promise and what it lets be accepted go to disk together, and no seed has shown the harm.
  "send-before-epoch-durable": {
    protocols: RAFT,
    caughtBy: ["election-safety", "log-matching"],
    profile: forgetfulVoters,
  },
} satisfies Partial<Record<PlantedBug, PlantedPlan>>;
