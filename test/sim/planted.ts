// The planted bugs: for each the check that must catch it, and the faults and load under which its harm
// shows (a bug behind a guard that ten other things hide is not found by chance alone). The same seeds and
// profiles without the bug must be clean.
import type { PlantedBug } from "../../base/index.ts";
import type { Chance } from "./chance.ts";
import type { Swarm } from "./swarm.ts";
import type { CheckName } from "./violation.ts";

export interface PlantedPlan {
  /** Found when one of these says so. */
  readonly caughtBy: readonly CheckName[];
  readonly profile: (swarm: Swarm, chance: Chance) => Swarm;
}

const same = (swarm: Swarm): Swarm => swarm;

export const PLANTED: Readonly<Record<PlantedBug, PlantedPlan>> = {
  "skip-vote-persist": { caughtBy: ["election-safety"], profile: same },
  "commit-old-term-by-count": { caughtBy: ["leader-completeness"], profile: same },
  "ack-before-fsync": { caughtBy: ["commit-durability"], profile: same },
  "lease-from-ack-time": { caughtBy: ["linearizability"], profile: same },
  "read-index-before-own-commit": { caughtBy: ["linearizability"], profile: same },
  "reuse-read-round": { caughtBy: ["linearizability"], profile: same },
  "learner-serves-uncommitted": { caughtBy: ["committed-visible"], profile: same },
  "learner-trusts-deposed-leader": { caughtBy: ["staleness-bound"], profile: same },
  "apply-twice-on-restart": { caughtBy: ["state-machine-safety"], profile: same },
  "session-forgotten-on-restart": { caughtBy: ["exactly-once"], profile: same },
  "send-before-epoch-durable": { caughtBy: ["election-safety", "log-matching"], profile: same },
  "stamp-from-earlier-boot": { caughtBy: ["staleness-bound"], profile: same },
  "echo-before-own-commit": { caughtBy: ["staleness-bound"], profile: same },
  "read-id-without-boot": { caughtBy: ["linearizability"], profile: same },
  "state-gap-ignored-at-boot": { caughtBy: ["state-machine-safety"], profile: same },
  "writes-reordered": { caughtBy: ["log-durability"], profile: same },
};

export const PLANTED_NAMES = Object.keys(PLANTED) as readonly PlantedBug[];
