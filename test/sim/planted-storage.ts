// Planted bugs of storage: what a restart finds, and in which order it was written.
import type { PlantedBug } from "../../base/index.ts";
import { BOTH, focused } from "./planted-plan.ts";
import type { PlantedPlan } from "./planted-plan.ts";
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
} satisfies Partial<Record<PlantedBug, PlantedPlan>>;
