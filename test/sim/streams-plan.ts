// What a seed decides of watches and leases: whether there are any, how patient and how careful their clients are.
// Drawn from a chance of its own, so that what else the seed draws is the same with and without.
import type { ReplicaLimits } from "../../server/limits.ts";
import type { Chance } from "./chance.ts";

export interface WatchPlan {
  /** Clients, each with a stream at a time. */
  readonly watchers: number;
  readonly watchesEach: number;
  readonly thinkMeanMs: number;
  /** Probabilities each time a client thinks: it leaves, asks for progress, ends a watch for another. */
  readonly cutRate: number;
  readonly progressRate: number;
  readonly cancelRate: number;
  /** Of clients that read slowly, and what the member holds for any before it says stop. */
  readonly slowRate: number;
  readonly roomAnswers: number;
  readonly fragmentBytesMax: number;
}

export interface LeasePlan {
  readonly holders: number;
  readonly ttlS: number;
}

export interface StreamsPlan {
  readonly watch: WatchPlan;
  readonly leases: LeasePlan;
  /** Of the hub, which production has large. */
  readonly stepChangesMax: number;
  readonly deliveriesPerTurnMax: number;
}

export const STREAMS_NONE: StreamsPlan = {
  watch: {
    watchers: 0,
    watchesEach: 1,
    thinkMeanMs: 100,
    cutRate: 0,
    progressRate: 0,
    cancelRate: 0,
    slowRate: 0,
    roomAnswers: 16,
    fragmentBytesMax: 1024,
  },
  leases: { holders: 0, ttlS: 1 },
  stepChangesMax: 2048,
  deliveriesPerTurnMax: 256,
};

/** What a replica's limits are for its hub. */
export function hubLimits({
  stepChangesMax,
  deliveriesPerTurnMax,
}: StreamsPlan): Pick<ReplicaLimits, "watchStepChangesMax" | "watchDeliveriesPerTurnMax"> {
  return {
    watchStepChangesMax: stepChangesMax,
    watchDeliveriesPerTurnMax: deliveriesPerTurnMax,
  };
}

/** Most seeds watch with a few; leases, which lengthen a run by their time to live, are in a quarter. */
export function drawStreams(chance: Chance, electionTimeoutMs: number): StreamsPlan {
  const watchers = chance.pick([0, 0, 1, 1, 2, 3]);
  const holders = chance.hits(0.25) ? chance.pick([1, 2]) : 0;
  return {
    watch: {
      watchers,
      watchesEach: chance.pick([1, 2, 3]),
      thinkMeanMs: electionTimeoutMs / chance.pick([2, 8]),
      cutRate: chance.pick([0, 0.05, 0.2]),
      progressRate: chance.pick([0, 0.2, 0.5]),
      cancelRate: chance.pick([0, 0.05]),
      slowRate: chance.pick([0, 0.5]),
      roomAnswers: chance.pick([1, 4, 64]),
      fragmentBytesMax: chance.pick([1, 128, 100_000]),
    },
    leases: { holders, ttlS: chance.pick([1, 1, 2]) },
    stepChangesMax: chance.pick([1, 3, 2048]),
    deliveriesPerTurnMax: chance.pick([1, 8, 256]),
  };
}
