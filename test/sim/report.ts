// What the simulator says: the line that replays a run, the totals of many, what became of a planted bug.
import { PLANTED } from "./planted.ts";
import type { Job, JobReport } from "./fleet.ts";
import type { Hunt } from "./hunt.ts";

/** The line that runs this seed again, with all that was left out of it. */
export function replayOf({ protocol, seed, steps, planted, profile, lesser = {} }: Job): string {
  const { without = [], voters, learners, clients } = lesser;
  const parts = [
    `npm run sim -- --protocol ${protocol} --seed ${seed} --steps ${steps}`,
    planted !== undefined ? `--bug ${planted} --seeds 1` : "",
    planted === undefined && profile !== undefined ? `--profile ${profile}` : "",
    without.length === 0 ? "" : `--without ${without.join(",")}`,
    voters === undefined ? "" : `--voters ${voters}`,
    learners === undefined ? "" : `--learners ${learners}`,
    clients === undefined ? "" : `--clients ${clients}`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

export class Totals {
  readonly #beganAtMs = performance.now();
  #seeds = 0;
  #steps = 0;
  #simulatedMs = 0;
  #operations = 0;
  #reads = 0;
  #told = 0;
  #leases = 0;
  #undecided = 0;
  violations = 0;

  add(report: JobReport): void {
    this.#seeds += 1;
    this.#steps += report.steps;
    this.#simulatedMs += report.simulatedMs;
    this.#operations += report.operations;
    this.#reads += report.reads;
    this.#told += report.told;
    this.#leases += report.leases;
    this.#undecided += report.undecided;
    if (report.violation !== undefined) this.violations += 1;
  }

  line(): string {
    const hours = (this.#simulatedMs / 3_600_000).toFixed(2);
    return [
      `seeds ${this.#seeds}, steps ${this.#steps}, simulated hours ${hours}`,
      `${this.#operations} operations and ${this.#reads} reads judged`,
      `${this.#told} answers of watches and ${this.#leases} leases judged`,
      `${this.#undecided} searches undecided`,
      `violations ${this.violations}`,
      `wall time ${secondsSince(this.#beganAtMs)} s`,
    ].join(", ");
  }
}

export function secondsSince(beganAtMs: number): string {
  return ((performance.now() - beganAtMs) / 1000).toFixed(0);
}

export function huntLine(hunt: Hunt): string {
  const { prey, found, others, clean, falseAlarms, seedsNeeded } = hunt;
  const name = `${prey.bug} (${prey.protocol})`;
  const missed = others === 0 ? "" : `, ${others} broke other checks first`;
  if (found === undefined) {
    const due = PLANTED[prey.bug].caughtBy.join(" or ");
    return `ESCAPED ${name}: ${due} saw nothing in ${seedsNeeded} seeds${missed}`;
  }
  const { job, steps, violation } = found;
  const where = `${seedsNeeded} seeds needed${missed}, step ${steps}`;
  const same = `${clean} seeds without the bug: ${falseAlarms} violations`;
  const verdict = falseAlarms === 0 ? "found" : "FALSE ALARM";
  return `${verdict} ${name}: by ${violation.check}, ${where}; ${same}\n  ${replayOf(job)}`;
}
