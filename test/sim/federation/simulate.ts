// One seed of a federation: what it came to, and the promise that it broke, if it broke one.
import type { FederationBug } from "../../../federation/index.ts";
import type { ProtocolName } from "../../../server/cluster.ts";
import { Violation } from "../violation.ts";
import type { CheckName } from "../violation.ts";
import { PLANTED_FEDERATION } from "./planted-plans.ts";
import { drawSwarm, lessenSwarm, swarmOfGroups } from "./swarm.ts";
import type { FederationLesser, FederationSwarm } from "./swarm.ts";
import { FederationWorld } from "./world.ts";

/** Events under faults; healing takes as many as it takes. */
export const FEDERATION_STEPS_DEFAULT = 6_000;
/** Of regions that are consensus groups: most are ticks, messages and writes of their own. */
export const GROUPS_STEPS_DEFAULT = 30_000;

export interface FederationJob {
  readonly seed: number;
  readonly steps: number;
  /** Absent: each region's log is a list. */
  readonly groups?: ProtocolName;
  /** Faults and load as they suit the hunt for this bug. */
  readonly profile?: FederationBug;
  readonly planted?: FederationBug;
  readonly lesser?: FederationLesser;
}

export interface FederationReport {
  readonly job: FederationJob;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly minted: number;
  readonly applied: number;
  readonly acknowledged: number;
  /** Acknowledgements of other regions that were judged. */
  readonly reached: number;
  /** Comparisons of one region with another at equal vectors. */
  readonly compared: number;
  /** States of other regions that were taken. */
  readonly installed: number;
  /** Changes of the document. */
  readonly changes: number;
  /** What operators did, by name. */
  readonly acts: Readonly<Record<string, number>>;
  /** The last things that happened, if a promise was broken. */
  readonly story?: readonly string[];
  /** Its check and what it saw. */
  readonly violation?: { readonly check: CheckName; readonly message: string };
}

export function swarmOf({ seed, groups, profile, lesser = {} }: FederationJob): FederationSwarm {
  const swarm = drawSwarm(seed);
  const themed = profile === undefined ? swarm : PLANTED_FEDERATION[profile].profile(swarm);
  return lessenSwarm(groups === undefined ? themed : swarmOfGroups(themed), lesser);
}

export function simulateFederation(job: FederationJob): FederationReport {
  const { seed, steps, planted, groups } = job;
  const swarm = swarmOf(job);
  const world = new FederationWorld({
    ...{ seed, steps, swarm },
    ...(planted && { planted }),
    ...(groups && { groups }),
  });
  const violation = violationOf(world);
  const { judge, operators } = world;
  return {
    job,
    steps: world.steps,
    simulatedMs: world.queue.nowMs,
    minted: judge.ledger.count,
    applied: judge.appliedCount,
    acknowledged: judge.writes.acknowledgedCount,
    reached: judge.writes.reachedCount,
    compared: judge.convergence.kernels,
    installed: judge.installedCount,
    changes: world.changes,
    acts: Object.fromEntries(operators.counts),
    ...(violation === undefined ? {} : { violation, story: world.story.lines }),
  };
}

/** An assertion of the product's own counts: it says what it saw. */
function violationOf(world: FederationWorld): FederationReport["violation"] {
  try {
    world.run();
    return undefined;
  } catch (cause) {
    if (cause instanceof Violation) return { check: cause.check, message: cause.message };
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    return { check: "core-assertion", message: `core-assertion: ${text}` };
  }
}
