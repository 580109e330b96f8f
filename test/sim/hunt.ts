// The search for a planted bug: seed after seed until the check that names it sees its harm, then the same
// seeds without the bug, which must be clean. Many hunts share one fleet, so that no core waits for another.
import type { ProtocolName } from "../../server/cluster.ts";
import { runFleet } from "./fleet.ts";
import type { Job, JobReport, Task } from "./fleet.ts";
import { PLANTED } from "./planted.ts";
import type { SimulatedBug } from "./planted.ts";
import type { CheckName } from "./violation.ts";

/** Seeds that are run again without the bug, the finding one always among them. */
const CLEAN_SEEDS_MIN = 20;
const CLEAN_SEEDS_MAX = 100;

/** One bug in one core. */
export interface Prey {
  readonly bug: SimulatedBug;
  readonly protocol: ProtocolName;
}

export interface HuntOptions {
  readonly script: string;
  readonly seed: number;
  readonly seeds: number;
  readonly steps: number;
  readonly jobs: number;
}

export interface Found {
  readonly job: Job;
  readonly steps: number;
  readonly violation: { readonly check: CheckName; readonly message: string };
}

/** How one hunt stands; at its end all that is to be said of it. */
export class Hunt {
  readonly prey: Prey;
  readonly #options: HuntOptions;
  readonly #clean: number[] = [];
  #at: number;
  #open = 0;
  #cleanDrawn = false;

  /** Of the lowest seed that found it. */
  found: Found | undefined;
  /** Seeds that broke a check that does not name this bug. */
  others = 0;
  /** Seeds run again without the bug, and how many of them broke anything. */
  clean = 0;
  falseAlarms = 0;

  constructor(prey: Prey, options: HuntOptions) {
    this.prey = prey;
    this.#options = options;
    this.#at = options.seed;
  }

  /** Seeds run in order up to the one that found it, or all. */
  get seedsNeeded(): number {
    return (this.found?.job.seed ?? this.#at - 1) - this.#options.seed + 1;
  }

  get escaped(): boolean {
    return this.found === undefined || this.falseAlarms > 0;
  }

  get ended(): boolean {
    return this.#open === 0 && this.#clean.length === 0 && (this.#cleanDrawn || this.#isSpent);
  }

  get #isSpent(): boolean {
    return this.found === undefined && this.#at >= this.#options.seed + this.#options.seeds;
  }

  /** Undefined while there is nothing to run, which a report may change. */
  next(): Job | undefined {
    const { bug, protocol } = this.prey;
    const { steps } = this.#options;
    if (this.found === undefined) {
      if (this.#isSpent) return undefined;
      const seed = this.#at;
      this.#at += 1;
      this.#open += 1;
      return { protocol, seed, steps, planted: bug, profile: bug };
    }
    const again = this.#clean.shift();
    if (again === undefined) return undefined;
    this.#open += 1;
    return { protocol, seed: again, steps, profile: bug };
  }

  onReport(report: JobReport): void {
    this.#open -= 1;
    const { job, steps, violation } = report;
    if (job.planted === undefined) {
      this.clean += 1;
      if (violation !== undefined) this.falseAlarms += 1;
      return;
    }
    if (violation !== undefined) {
      if (!PLANTED[this.prey.bug].caughtBy.includes(violation.check)) this.others += 1;
      else if (this.found === undefined || job.seed < this.found.job.seed) {
        this.found = { job, steps, violation };
      }
    }
    if (this.found !== undefined && this.#open === 0) this.#drawClean(this.found.job.seed);
  }

  /** Every lower seed has reported by now. */
  #drawClean(foundAt: number): void {
    if (this.#cleanDrawn) return;
    this.#cleanDrawn = true;
    const length = Math.min(Math.max(this.seedsNeeded, CLEAN_SEEDS_MIN), CLEAN_SEEDS_MAX);
    const first = Array.from({ length }, (_, at) => this.#options.seed + at);
    this.#clean.push(foundAt, ...first.filter((seed) => seed !== foundAt));
  }
}

/** Runs the hunts on every core, an early one before a later; `onEnd` hears of each as it ends. */
export async function runHunts(
  preys: readonly Prey[],
  options: HuntOptions,
  onEnd: (hunt: Hunt) => void,
): Promise<readonly Hunt[]> {
  const hunts = preys.map((prey) => new Hunt(prey, options));
  let live: readonly Hunt[] = hunts;
  const next = (): Task | undefined => {
    for (const hunt of live) {
      const job = hunt.next();
      if (job !== undefined) return { job, onReport: (report) => settle(hunt, report) };
    }
    return undefined;
  };
  const settle = (hunt: Hunt, report: JobReport): void => {
    hunt.onReport(report);
    if (!hunt.ended) return;
    onEnd(hunt);
    live = live.filter((each) => each !== hunt);
  };
  await runFleet(options.script, options.jobs, next);
  return hunts;
}
