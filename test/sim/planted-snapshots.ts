// Planted bugs of snapshots and of the log behind them.
import type { PlantedBug } from "../../base/index.ts";
import { BOTH, PAXOS, RAFT, focused, reaction } from "./planted-plan.ts";
import type { PlantedPlan } from "./planted-plan.ts";
import type { NemesisPlan, Swarm } from "./swarm.ts";

/** A log that is cut all the time, and members that fall behind it. */
function shortLogs(swarm: Swarm, nemesis: Partial<NemesisPlan> = {}): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    leaseOfTimeout: 0.25,
    limits: {
      snapshotEntries: 5,
      catchUpEntries: 0,
      checkpointEntriesMax: 5,
      unflushedBytesMax: 1_000_000,
      snapshotBlockBytes: 128,
    },
    network: { delayMeanMs: timeoutMs / 50 },
    disk: { delayMeanMs: timeoutMs / 200 },
    nemesis: {
      weights: { isolate: 1, kill: 0.5, stop: 0.5 },
      leaderShare: 0.2,
      everyMeanMs: timeoutMs,
      lastsMeanMs: timeoutMs * 2,
      ...nemesis,
    },
    workload: { readRate: 0.1, sessionRate: 0.6, repeatRate: 0.3, thinkMeanMs: timeoutMs / 40 },
  });
}

/** The same, while the members change. */
function shortLogsOfChanges(swarm: Swarm): Swarm {
  const short = shortLogs(swarm);
  const timeoutMs = swarm.options.electionTimeoutMs;
  return {
    ...short,
    changes: {
      ...short.changes,
      weights: { reshape: 1, "add-learner": 1, "remove-leader": 0.3 },
      everyMeanMs: timeoutMs / 3,
      startMeanMs: timeoutMs / 10,
      strict: false,
    },
  };
}

/** Machines that die just when a snapshot is to take the place of their state. */
function deathsAtInstalls(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  const short = shortLogs(swarm, {
    reactions: [reaction("install", "kill", "actor", 0.8, timeoutMs / 40)],
  });
  return { ...short, disk: { ...short.disk, delayMeanMs: timeoutMs / 20 } };
}

/** Leaders cut off with writes that nobody else has, and back when the others have cut their logs behind them. */
function cutOffLeaders(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  const short = shortLogs(swarm, {
    weights: { isolate: 1 },
    leaderShare: 0.9,
    everyMeanMs: timeoutMs * 3,
    lastsMeanMs: timeoutMs * 2,
  });
  const { workload } = short;
  return {
    ...short,
    workload: {
      ...workload,
      clients: 10,
      stickyRate: 0.8,
      sessionRate: 0,
      timeoutMs: timeoutMs / 10,
    },
  };
}

/** Power goes while states are exchanged and logs cut. */
function powerCutsAtSnapshots(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return shortLogs(swarm, {
    weights: { isolate: 1, "power-cut": 2, kill: 1 },
    everyMeanMs: timeoutMs / 2,
    downMeanMs: timeoutMs / 10,
    crashLoss: "all",
  });
}

export const SNAPSHOT_PLANS = {
  "install-keeps-conflicting-suffix": {
    protocols: RAFT,
    caughtBy: ["log-matching", "state-machine-safety", "core-assertion", "commit-durability"],
    profile: cutOffLeaders,
  },
  "snapshot-config-ignored": {
    protocols: RAFT,
    caughtBy: ["config-safety"],
    profile: shortLogsOfChanges,
  },
  "snapshot-not-pinned": {
    protocols: BOTH,
    caughtBy: ["snapshot-pinned"],
    profile: shortLogs,
  },
  "log-cut-before-state-synced": {
    protocols: BOTH,
    caughtBy: ["log-durability", "durability"],
    profile: powerCutsAtSnapshots,
  },
  "snapshot-install-not-atomic": {
    protocols: BOTH,
    caughtBy: ["durability"],
    profile: deathsAtInstalls,
  },
  "dedupe-table-not-in-snapshot": {
    protocols: BOTH,
    caughtBy: ["exactly-once", "state-machine-safety"],
    profile: shortLogs,
  },
  "promise-without-compacted-to": {
    protocols: PAXOS,
    // A leader that cannot be sent a snapshot never learns what it lacks.
    caughtBy: ["liveness", "ballot-safety", "state-machine-safety"],
    profile: shortLogs,
  },
} satisfies Partial<Record<PlantedBug, PlantedPlan>>;
