// The planted bugs, all areas together: for each the check that must catch it, and the faults and load under
// which its harm shows. The same seeds and profiles without the bug must be clean.
import type { PlantedBug } from "../../base/index.ts";
import { ELECTION_PLANS } from "./planted-elections.ts";
import { MEMBERSHIP_PLANS } from "./planted-membership.ts";
import { PAXOS_PLANS } from "./planted-paxos.ts";
import type { PlantedPlan } from "./planted-plan.ts";
import { READ_PLANS } from "./planted-reads.ts";
import { SNAPSHOT_PLANS } from "./planted-snapshots.ts";
import { STORAGE_PLANS } from "./planted-storage.ts";
import { STREAM_PLANS } from "./planted-streams.ts";

const PLANS = {
  ...ELECTION_PLANS,
  ...READ_PLANS,
  ...STORAGE_PLANS,
  ...MEMBERSHIP_PLANS,
  ...SNAPSHOT_PLANS,
  ...PAXOS_PLANS,
  ...STREAM_PLANS,
} satisfies Record<PlantedBug, PlantedPlan>;

/** All of them: a guard without a plan does not compile. */
export type SimulatedBug = keyof typeof PLANS;

export const PLANTED: Readonly<Record<SimulatedBug, PlantedPlan>> = PLANS;

export const PLANTED_NAMES = Object.keys(PLANTED) as readonly SimulatedBug[];
