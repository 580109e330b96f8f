// How a planted bug is hunted: the check that must catch it, and the cluster, faults and load under which its
// harm shows (a bug behind a guard that ten other things hide is not found by chance alone). The plans are in
// planted-*.ts, one file an area.
import type { ConsensusOptions } from "../../consensus/index.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import type { ReplicaLimits } from "../../server/limits.ts";
import type { NetworkFaults } from "./network.ts";
import { NETWORK_HEALTHY } from "./network.ts";
import type { DiskFaults } from "./sim-disk.ts";
import { DISK_HEALTHY } from "./sim-disk.ts";
import type { ChangePlan, NemesisPlan, Reaction, Swarm, WorkloadPlan } from "./swarm.ts";
import type { LeasePlan, StreamsPlan, WatchPlan } from "./streams-plan.ts";
import { STREAMS_NONE } from "./streams-plan.ts";
import type { CheckName } from "./violation.ts";

export interface PlantedPlan {
  /** Found when one of these says so. */
  readonly caughtBy: readonly CheckName[];
  readonly profile: (swarm: Swarm) => Swarm;
  /** Whose guard it removes. */
  readonly protocols: readonly ProtocolName[];
}

/** What a profile asks for; times in election timeouts where they say so. */
export interface Focus {
  readonly voters?: number;
  readonly learners?: number;
  readonly options?: Partial<ConsensusOptions>;
  /** Of the log and of snapshots; without it the whole log is kept. */
  readonly limits?: Partial<ReplicaLimits>;
  /** Without it the members stay. */
  readonly changes?: Partial<ChangePlan>;
  readonly leaseOfTimeout?: number;
  readonly network?: Partial<NetworkFaults>;
  readonly disk?: Partial<DiskFaults>;
  readonly gapRate?: number;
  readonly nemesis?: Partial<NemesisPlan>;
  readonly workload?: Partial<WorkloadPlan>;
  /** Without it nobody watches, and nobody holds a lease. */
  readonly watch?: Partial<WatchPlan>;
  readonly leases?: Partial<LeasePlan>;
  readonly hub?: Partial<Omit<StreamsPlan, "watch" | "leases">>;
}

/** A calm cluster with one learner, on which only what the profile asks for goes wrong. */
export function focused(swarm: Swarm, focus: Focus): Swarm {
  const { limits, nemesis, workload, changes } = swarm;
  const { quorums: _, ...options } = swarm.options;
  const timeoutMs = options.electionTimeoutMs;
  return {
    ...swarm,
    voters: focus.voters ?? 3,
    learners: focus.learners ?? 1,
    clocksWild: false,
    options: {
      ...options,
      leaseMarginMs: 0,
      readsWaitingMax: 1000,
      readLagEntriesMax: 1000,
      uncommittedBytesMax: 1_000_000,
      ...focus.options,
    },
    limits: {
      ...limits,
      snapshotEntries: Infinity,
      logBytesMax: Infinity,
      commandsWaitingMax: 1000,
      readsRetryingMax: 1000,
      readsLoadingMax: 256,
      ...focus.limits,
    },
    changes: { ...changes, weights: {}, ...focus.changes },
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
    streams: {
      ...STREAMS_NONE,
      ...focus.hub,
      watch: { ...STREAMS_NONE.watch, thinkMeanMs: timeoutMs / 8, ...focus.watch },
      leases: { ...STREAMS_NONE.leases, ...focus.leases },
    },
  };
}

export function reaction(
  on: Reaction["on"],
  does: Reaction["does"],
  to: Reaction["to"],
  rate: number,
  delayMaxMs = 0,
): Reaction {
  return { on, does, to, rate, delayMaxMs };
}

/** As the seed drew it: the harm shows under any faults. */
export const asDrawn = (swarm: Swarm): Swarm => swarm;

export const RAFT: readonly ProtocolName[] = ["raft"];
export const PAXOS: readonly ProtocolName[] = ["paxos"];
export const BOTH: readonly ProtocolName[] = ["raft", "paxos"];
