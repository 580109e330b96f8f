// A failing seed of a federation made small: fewer faults, acts and kinds of writes, fewer regions and members, fewer
// steps, for as long as the same check fails. Greedy and bounded: every try is a whole run.
import { simulateFederation, swarmOf } from "./simulate.ts";
import type { FederationJob, FederationReport } from "./simulate.ts";
import { switchesOf } from "./swarm.ts";

/** Whole runs that one failing seed may cost. */
const RERUNS_MAX = 60;

/** @returns undefined if `job` does not fail. */
export function shrinkFederation(job: FederationJob): FederationReport | undefined {
  const first = simulateFederation(job);
  if (first.violation === undefined) return undefined;
  const { check } = first.violation;
  let best = cutToViolation(first);
  let runs = 1;
  const attempt = (next: FederationJob): boolean => {
    if (runs >= RERUNS_MAX) return false;
    runs += 1;
    const report = simulateFederation(next);
    if (report.violation?.check !== check) return false;
    best = cutToViolation(report);
    return true;
  };
  for (const name of switchesOf(swarmOf(best.job))) {
    const { lesser = {} } = best.job;
    const without = [...(lesser.without ?? []), name];
    attempt({ ...best.job, lesser: { ...lesser, without } });
  }
  const { regions, members } = swarmOf(best.job);
  for (let fewer = 2; fewer < regions; fewer += 1) {
    if (attempt({ ...best.job, lesser: { ...best.job.lesser, regions: fewer } })) break;
  }
  for (let fewer = 1; fewer < members; fewer += 1) {
    if (attempt({ ...best.job, lesser: { ...best.job.lesser, members: fewer } })) break;
  }
  for (let steps = Math.floor(best.job.steps / 2); steps >= 1; steps = Math.floor(steps / 2)) {
    if (!attempt({ ...best.job, steps })) break;
  }
  return best;
}

/** Under faults a run is the same whatever comes after its last step. */
function cutToViolation(report: FederationReport): FederationReport {
  const { job, steps } = report;
  return steps < job.steps ? { ...report, job: { ...job, steps } } : report;
}
