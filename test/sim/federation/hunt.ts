// The search for a planted bug of the federation: seed after seed until the check that names it sees its harm, then
// seeds without the bug under the same profile, which must be clean.
import type { FederationBug } from "../../../federation/index.ts";
import type { ProtocolName } from "../../../server/cluster.ts";
import { PLANTED_FEDERATION } from "./planted-plans.ts";
import { simulateFederation } from "./simulate.ts";
import type { FederationReport } from "./simulate.ts";

/** Seeds that are run again without the bug, the finding one first. */
const CLEAN_SEEDS = 5;

export interface FederationHunt {
  readonly bug: FederationBug;
  readonly from: number;
  /** Seeds that were run. */
  readonly seeds: number;
  /** By a check that names the bug. */
  readonly found?: FederationReport;
  /** Seeds that broke a check that does not name this bug. */
  readonly others: readonly FederationReport[];
  /** Seeds run without the bug, and those of them that broke anything. */
  readonly clean: number;
  readonly falseAlarms: readonly FederationReport[];
}

export interface HuntOptions {
  readonly seed: number;
  readonly seeds: number;
  readonly steps: number;
  readonly groups?: ProtocolName;
}

export function hunt(
  bug: FederationBug,
  { seed: from, seeds, ...options }: HuntOptions,
): FederationHunt {
  const { caughtBy } = PLANTED_FEDERATION[bug];
  const others: FederationReport[] = [];
  for (let seed = from; seed < from + seeds; seed += 1) {
    const report = simulateFederation({ ...options, seed, planted: bug, profile: bug });
    const { violation } = report;
    if (violation === undefined) continue;
    if (!caughtBy.includes(violation.check)) {
      others.push(report);
      continue;
    }
    const again = Array.from({ length: CLEAN_SEEDS }, (_, at) =>
      simulateFederation({ ...options, seed: seed + at, profile: bug }),
    );
    const falseAlarms = again.filter((one) => one.violation !== undefined);
    const count = seed - from + 1;
    return { bug, from, seeds: count, found: report, others, clean: again.length, falseAlarms };
  }
  return { bug, from, seeds, others, clean: 0, falseAlarms: [] };
}

export function isCaught({ found, falseAlarms }: FederationHunt): boolean {
  return found !== undefined && falseAlarms.length === 0;
}
