// One seed of a federation: what it came to, and the promise that it broke, if it broke one.
import type { FederationBug } from "../../../federation/index.ts";
import { FederationWorld } from "./world.ts";

/** Events under faults; healing takes as many as it takes. */
export const FEDERATION_STEPS_DEFAULT = 6_000;

export interface FederationJob {
  readonly seed: number;
  readonly steps: number;
  readonly planted?: FederationBug;
}

export interface FederationReport {
  readonly job: FederationJob;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly minted: number;
  readonly applied: number;
  readonly acknowledged: number;
  /** Its check and what it saw. */
  readonly violation?: string;
}

export function simulateFederation(job: FederationJob): FederationReport {
  const world = new FederationWorld(job);
  const violation = violationOf(world);
  const { mintedCount, appliedCount, acknowledgedCount } = world.judge;
  return {
    job,
    steps: world.steps,
    simulatedMs: world.queue.nowMs,
    minted: mintedCount,
    applied: appliedCount,
    acknowledged: acknowledgedCount,
    ...(violation === undefined ? {} : { violation }),
  };
}

/** An assertion of the product's own counts: it says what it saw. */
function violationOf(world: FederationWorld): string | undefined {
  try {
    world.run();
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}
