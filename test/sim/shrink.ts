// A failing run made small: fewer faults, fewer members and clients, fewer steps, for as long as the same
// check fails. Greedy and bounded: every try is a whole run.
import type { Job } from "./fleet.ts";
import { lessen, switchesOf } from "./shrink-swarm.ts";
import type { Lesser } from "./shrink-swarm.ts";
import { simulate, swarmOf } from "./simulate.ts";
import type { Violation } from "./violation.ts";

/** Whole runs that one failing seed may cost. */
const RERUNS_MAX = 80;

export interface Shrunk {
  readonly job: Job;
  readonly violation: Violation;
  /** At the violation. */
  readonly steps: number;
  readonly reruns: number;
}

/** What two violations of one cause have in common: of assertions there are many, and each says its own words. */
function signOf({ check, message }: Violation): string {
  return check === "core-assertion" ? message.replace(/\d+|\n[\s\S]*/g, "") : check;
}

/** @returns undefined if `job` does not fail. */
export function shrink(job: Job): Shrunk | undefined {
  const first = simulate(job);
  if (first.violation === undefined) return undefined;
  const search = new Shrinking(job, first.violation, first.steps);
  // What one pass leaves may let the next leave out more.
  for (let before = -1; before !== search.accepted && search.mayGoOn;) {
    before = search.accepted;
    search.fewerFaults();
    search.fewerMembers();
    search.fewerSteps();
  }
  const { best, violation, steps, reruns } = search;
  return { job: best, violation, steps, reruns };
}

class Shrinking {
  best: Job;
  violation: Violation;
  steps: number;
  reruns = 1;
  accepted = 0;

  constructor(job: Job, violation: Violation, steps: number) {
    this.best = job;
    this.violation = violation;
    this.steps = steps;
    this.#cutToViolation();
  }

  get mayGoOn(): boolean {
    return this.reruns < RERUNS_MAX;
  }

  /** All at once, then by halves, then one by one. */
  fewerFaults(): void {
    for (
      let size = this.#switches().length;
      size >= 1 && this.mayGoOn;
      size = Math.floor(size / 2)
    ) {
      const names = this.#switches();
      for (let at = 0; at < names.length; at += size) this.#withoutAlso(names.slice(at, at + size));
    }
  }

  fewerMembers(): void {
    const { voters, learners, workload } = this.#swarm();
    for (const fewer of [1, 3, 5, 7]) if (fewer < voters && this.#lessen({ voters: fewer })) break;
    for (let fewer = 0; fewer < learners; fewer += 1) if (this.#lessen({ learners: fewer })) break;
    for (let fewer = 1; fewer < workload.clients; fewer *= 2) {
      if (this.#lessen({ clients: fewer })) break;
    }
  }

  /** A violation of the recovery may need less to recover from. */
  fewerSteps(): void {
    for (let less = Math.floor(this.best.steps / 2); less >= 1; less = Math.floor(less / 2)) {
      if (!this.#try({ ...this.best, steps: less })) return;
    }
  }

  #swarm(): ReturnType<typeof swarmOf> {
    return lessen(swarmOf(this.best), this.best.lesser ?? {});
  }

  #switches(): readonly string[] {
    return switchesOf(this.#swarm());
  }

  #withoutAlso(names: readonly string[]): void {
    this.#lessen({ without: [...(this.best.lesser?.without ?? []), ...names] });
  }

  #lessen(lesser: Lesser): boolean {
    return this.#try({ ...this.best, lesser: { ...this.best.lesser, ...lesser } });
  }

  #try(job: Job): boolean {
    if (!this.mayGoOn) return false;
    this.reruns += 1;
    const { violation, steps } = simulate(job);
    if (violation === undefined || signOf(violation) !== signOf(this.violation)) return false;
    this.accepted += 1;
    this.best = job;
    this.violation = violation;
    this.steps = steps;
    this.#cutToViolation();
    return true;
  }

  /** Under faults a run is the same whatever comes after its last step. */
  #cutToViolation(): void {
    if (this.steps < this.best.steps) this.best = { ...this.best, steps: this.steps };
  }
}
