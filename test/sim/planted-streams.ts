// Planted bugs of watches and leases: what a watch is told, and how long a lease lives.
import type { PlantedBug } from "../../base/index.ts";
import { BOTH, focused } from "./planted-plan.ts";
import type { Focus, PlantedPlan } from "./planted-plan.ts";
import type { Swarm } from "./swarm.ts";

/** Watches that fall behind and catch up, a few changes a turn, cut off again and again. */
function restlessWatches(swarm: Swarm, focus: Focus = {}): Swarm {
  return focused(swarm, {
    ...focus,
    workload: { readRate: 0.2, keys: 4, ...focus.workload },
    hub: { stepChangesMax: 1, deliveriesPerTurnMax: 1, ...focus.hub },
    watch: {
      watchers: 4,
      watchesEach: 3,
      thinkMeanMs: swarm.options.electionTimeoutMs / 4,
      cutRate: 0.1,
      progressRate: 0.2,
      slowRate: 0.5,
      roomAnswers: 1,
      ...focus.watch,
    },
  });
}

/** Values that are not in memory, so that a step waits for the engine, and histories that are cut. */
function compactedWatches(swarm: Swarm, focus: Focus = {}): Swarm {
  return {
    ...restlessWatches(swarm, {
      ...focus,
      workload: { compactionRate: 0.1, readRate: 0.1, ...focus.workload },
    }),
    valueCacheBytes: 0,
  };
}

/** Members that fall so far behind that they are sent a snapshot while they are watched. */
function snapshotsUnderWatches(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return restlessWatches(swarm, {
    limits: { snapshotEntries: 5, catchUpEntries: 0 },
    nemesis: {
      weights: { isolate: 1, stop: 0.5 },
      everyMeanMs: timeoutMs * 2,
      lastsMeanMs: timeoutMs * 2,
    },
    watch: { cutRate: 0, slowRate: 0 },
  });
}

/** Leases that are kept alive, and leaders that come and go. */
function leasesUnder(swarm: Swarm, focus: Focus): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return focused(swarm, {
    ...focus,
    options: { clockDriftMax: 0, ...focus.options },
    workload: { thinkMeanMs: timeoutMs / 4, clients: 2, ...focus.workload },
    leases: { holders: 6, ttlS: 1 },
  });
}

function leadersChange(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return leasesUnder(swarm, {
    nemesis: {
      weights: { kill: 1, isolate: 1 },
      leaderShare: 1,
      everyMeanMs: timeoutMs * 3,
      lastsMeanMs: timeoutMs * 2,
    },
  });
}

/** Leaders that stand still while others lead and hear the holders, and then go on. */
function leadersStopped(swarm: Swarm): Swarm {
  const timeoutMs = swarm.options.electionTimeoutMs;
  return leasesUnder(swarm, {
    nemesis: {
      weights: { stop: 1, isolate: 1 },
      leaderShare: 1,
      everyMeanMs: timeoutMs * 4,
      lastsMeanMs: Math.max(timeoutMs * 3, 800),
    },
  });
}

export const STREAM_PLANS = {
  "watch-skips-on-catch-up": {
    protocols: BOTH,
    caughtBy: ["watch-resumable", "watch-reliable"],
    profile: restlessWatches,
  },
  "watch-duplicates-on-resume": {
    protocols: BOTH,
    caughtBy: ["watch-unique", "watch-filter"],
    profile: restlessWatches,
  },
  "watch-splits-revision": {
    protocols: BOTH,
    caughtBy: ["watch-atomic"],
    profile: (swarm) => restlessWatches(swarm, { watch: { fragmentBytesMax: 1, roomAnswers: 64 } }),
  },
  "watch-skips-over-snapshot": {
    protocols: BOTH,
    caughtBy: ["watch-reliable", "watch-resumable"],
    profile: snapshotsUnderWatches,
  },
  "watch-outlives-compaction": {
    protocols: BOTH,
    caughtBy: ["watch-reliable", "watch-resumable"],
    profile: compactedWatches,
  },
  "progress-ahead-of-events": {
    protocols: BOTH,
    caughtBy: ["watch-bookmarkable", "watch-reliable", "watch-resumable"],
    profile: (swarm) => compactedWatches(swarm, { watch: { progressRate: 0.6, roomAnswers: 4 } }),
  },
  "dropped-delete-at-compaction": {
    protocols: BOTH,
    caughtBy: ["watch-resumable", "watch-reliable"],
    profile: compactedWatches,
  },
  "prev-kv-of-wrong-revision": {
    protocols: BOTH,
    caughtBy: ["watch-prev-kv"],
    profile: restlessWatches,
  },
  "lease-extended-by-new-leader": {
    protocols: BOTH,
    caughtBy: ["lease-extended"],
    profile: leadersChange,
  },
  "lease-expired-by-deposed-leader": {
    protocols: BOTH,
    caughtBy: ["lease-held"],
    profile: leadersStopped,
  },
  "lease-keys-left-behind": {
    protocols: BOTH,
    caughtBy: ["lease-keys"],
    profile: (swarm) => leasesUnder(swarm, {}),
  },
  "renewal-not-logged": {
    protocols: BOTH,
    caughtBy: ["lease-held"],
    profile: (swarm) => leasesUnder(swarm, {}),
  },
  "log-time-of-own-clock": {
    protocols: BOTH,
    caughtBy: ["lease-held", "lease-ended"],
    profile: leadersChange,
  },
} satisfies Partial<Record<PlantedBug, PlantedPlan>>;
