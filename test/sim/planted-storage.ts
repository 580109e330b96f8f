// Planted bugs of storage: what a restart finds, and in which order it was written.
import type { PlantedBug } from "../../base/index.ts";
import { BOTH, PAXOS, focused, reaction } from "./planted-plan.ts";
import type { PlantedPlan } from "./planted-plan.ts";
import type { DiskFaults } from "./sim-disk.ts";
import type { Swarm } from "./swarm.ts";

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

/** Members that go down and come back to disks that have rotted: mended by the others each time. */
function rotting(swarm: Swarm, disk: Partial<DiskFaults>): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return {
    ...focused(swarm, {
      disk: { delayMeanMs: timeoutMs / 100, rotRate: 0.9, rotMax: 6, ...disk },
      nemesis: {
        weights: { kill: 1, "power-cut": 1, "shut-down": 0.5, "power-cut-all": 0.3 },
        everyMeanMs: timeoutMs,
      },
      workload: { readRate: 0.2 },
    }),
    segmentBytes: 4096,
  };
}

/** Leaders cut off with entries of their own, who are asked for what others hold in their place. */
function rottenRemains(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  const rotten = rotting(swarm, {});
  return {
    ...rotten,
    voters: 5,
    nemesis: {
      ...rotten.nemesis,
      weights: { kill: 1, "power-cut-all": 0.5 },
      everyMeanMs: timeoutMs / 2,
      downMeanMs: timeoutMs / 50,
      lastsMeanMs: timeoutMs * 3,
      reactions: [reaction("commit", "isolate", "actor", 0.05)],
    },
  };
}

/** Voters whose newest promises rot, asked again at once by whoever else campaigns. */
function rottenVotes(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  const rotten = rotting(swarm, { namesRate: 1 });
  return {
    ...rotten,
    leaseMs: timeoutMs * 0.1,
    nemesis: {
      ...rotten.nemesis,
      weights: { "power-cut": 0.5 },
      downMeanMs: timeoutMs / 100,
      reactions: [
        reaction("vote", "power-cut", "actor", 0.5, timeoutMs / 50),
        reaction("elected", "isolate", "actor", 0.9),
      ],
    },
  };
}

/** Disks that fail some writes, in clusters that are often restarted. */
function failing(swarm: Swarm, disk: Partial<DiskFaults>): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return {
    ...focused(swarm, {
      disk: { delayMeanMs: timeoutMs / 100, ...disk },
      nemesis: { weights: { "power-cut": 1 }, everyMeanMs: timeoutMs * 2 },
      workload: { readRate: 0.2 },
    }),
    segmentBytes: 4096,
  };
}

/** Leaders whose disks stop for longer than an election timeout. */
function stalling(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    nemesis: {
      lastsMeanMs: timeoutMs * 4,
      reactions: [reaction("commit", "disk-stall", "actor", 0.02)],
    },
    workload: { readRate: 0.2 },
  });
}

export const STORAGE_PLANS = {
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
  "state-gap-ignored-at-boot": {
    protocols: BOTH,
    caughtBy: ["state-machine-safety"],
    profile: powerCuts,
  },
  "writes-reordered": { protocols: BOTH, caughtBy: ["log-durability"], profile: powerCuts },
  "damage-truncated-silently": {
    protocols: BOTH,
    caughtBy: ["log-durability"],
    profile: (swarm) => rotting(swarm, { namesRate: 0.3 }),
  },
  "crc-not-checked": {
    protocols: BOTH,
    caughtBy: ["state-machine-safety", "core-assertion", "log-durability"],
    profile: (swarm) => rotting(swarm, {}),
  },
  "checksum-without-place": {
    protocols: BOTH,
    caughtBy: ["log-durability", "core-assertion"],
    profile: (swarm) => rotting(swarm, { rotRate: 0, misdirectRate: 0.05 }),
  },
  "repair-of-another-epoch": {
    protocols: PAXOS,
    caughtBy: ["log-durability"],
    profile: rottenRemains,
  },
  "vote-with-corrupt-hard-state": {
    protocols: BOTH,
    caughtBy: ["log-durability", "election-safety"],
    profile: rottenVotes,
  },
  "write-after-error": {
    protocols: BOTH,
    caughtBy: ["log-durability"],
    profile: (swarm) => failing(swarm, { errorRate: 0.002 }),
  },
  "full-disk-ignored": {
    protocols: BOTH,
    caughtBy: ["log-durability"],
    profile: (swarm) =>
      failing(swarm, { fullRate: 0.002, fullMs: swarm.options.electionTimeoutMs }),
  },
  "stalled-leader-stays": { protocols: BOTH, caughtBy: ["stalled-leader"], profile: stalling },
} satisfies Partial<Record<PlantedBug, PlantedPlan>>;
