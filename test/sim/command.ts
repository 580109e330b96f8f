// The simulator's command line, read and checked: what to run, on which core, with which faults switched off.
import { parseArgs } from "node:util";
import type { ProtocolName } from "../../server/cluster.ts";
import { PLANTED_NAMES } from "./planted.ts";
import type { SimulatedBug } from "./planted.ts";
import { STEPS_DEFAULT } from "./simulate.ts";
import type { Lesser } from "./shrink-swarm.ts";

export const USAGE = `npm run sim -- [options]
  --protocol NAME    the core: raft or paxos (raft; both with --planted and --hours)
  --seed N           the first seed (1)
  --seeds K          how many seeds, on every core (1)
  --hours H          fresh seeds for so long, on every core, a line a minute
  --steps N          events under faults, a seed (${STEPS_DEFAULT})
  --trace            with one seed: print every message and answer
  --profile NAME     faults and load as they suit this planted bug, without the bug
  --bug NAME         switch this guard off and search up to --seeds seeds (2000) for the harm;
                     with --seeds 1: that one run
  --planted          the same for every planted bug
  --write-seeds      with --planted: note the seeds that found them in test/planted-seeds.txt
  --without A,B      with one seed: these faults and rates switched off, as a shrunk run prints them
  --voters N, --learners N, --clients N    with one seed: a smaller cluster than the seed drew
  --no-shrink        leave a failing seed as it is
  --jobs N           threads (one a core)
  --federation       whole federations: --seed, --seeds, --steps, --bug, --profile, --planted, --write-seeds,
                     --without, --regions, --members, --no-shrink, --jobs and --list mean the same of them
  --list             the planted bugs and the checks that must catch them`;

export interface Command {
  readonly protocols: readonly ProtocolName[];
  readonly seed: number | undefined;
  readonly seeds: number | undefined;
  readonly hours: number | undefined;
  readonly steps: number;
  readonly trace: boolean;
  readonly jobs: number;
  readonly profile: SimulatedBug | undefined;
  readonly bug: SimulatedBug | undefined;
  readonly planted: boolean;
  readonly writeSeeds: boolean;
  readonly lesser: Lesser;
  readonly shrinks: boolean;
  readonly list: boolean;
}

export class UsageError extends Error {
  override readonly name = "UsageError";
}

const TEXT = { type: "string" } as const;
const FLAG = { type: "boolean", default: false } as const;

/** @throws {UsageError} naming the option and what it expects. */
export function parseCommand(args: readonly string[]): Command {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    options: {
      protocol: TEXT,
      seed: TEXT,
      seeds: TEXT,
      hours: TEXT,
      steps: TEXT,
      trace: FLAG,
      profile: TEXT,
      bug: TEXT,
      planted: FLAG,
      "write-seeds": FLAG,
      without: TEXT,
      voters: TEXT,
      learners: TEXT,
      clients: TEXT,
      "no-shrink": FLAG,
      jobs: TEXT,
      list: FLAG,
    },
  });
  const command = {
    protocols: protocolsOf(values.protocol),
    seed: countOf("seed", values.seed),
    seeds: countOf("seeds", values.seeds),
    hours: hoursOf(values.hours),
    steps: countOf("steps", values.steps) ?? STEPS_DEFAULT,
    trace: values.trace,
    profile: bugOf("profile", values.profile),
    bug: bugOf("bug", values.bug),
    planted: values.planted,
    writeSeeds: values["write-seeds"],
    lesser: lesserOf(values),
    shrinks: !values["no-shrink"],
    jobs: countOf("jobs", values.jobs) ?? Infinity,
    list: values.list,
  };
  checkTogether(command);
  return command;
}

/** What only one seed can mean is refused with many. */
function checkTogether({ lesser, seeds, hours, planted, trace, writeSeeds }: Command): void {
  const many = (seeds ?? 1) > 1 || hours !== undefined || planted;
  if (many && (trace || Object.keys(lesser).length > 0)) {
    throw new UsageError("--trace, --without, --voters, --learners, --clients: expected one seed");
  }
  if (writeSeeds && !planted) throw new UsageError("--write-seeds: expected --planted with it");
  if (hours !== undefined && (seeds !== undefined || planted)) {
    throw new UsageError("--hours: expected neither --seeds nor --planted with it");
  }
}

function protocolsOf(name: string | undefined): readonly ProtocolName[] {
  if (name === undefined) return ["raft", "paxos"];
  if (name === "raft" || name === "paxos") return [name];
  throw new UsageError(`--protocol ${name}: expected raft or paxos`);
}

function countOf(name: string, text: string | undefined, least = 1): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= least && count < 2 ** 32) return count;
  throw new UsageError(`--${name} ${text}: expected a whole number from ${least} to 4294967295`);
}

function hoursOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const hours = Number(text);
  if (hours > 0 && hours <= 1000) return hours;
  throw new UsageError(`--hours ${text}: expected hours above 0, at most 1000`);
}

function bugOf(option: string, name: string | undefined): SimulatedBug | undefined {
  if (name === undefined) return undefined;
  const known = PLANTED_NAMES.find((bug) => bug === name);
  if (known !== undefined) return known;
  throw new UsageError(`--${option} ${name}: expected one of ${PLANTED_NAMES.join(", ")}`);
}

type LesserTexts = Readonly<Partial<Record<keyof Lesser, string | undefined>>>;

function lesserOf(texts: LesserTexts): Lesser {
  const { without } = texts;
  const voters = countOf("voters", texts.voters);
  const learners = countOf("learners", texts.learners, 0);
  const clients = countOf("clients", texts.clients);
  return {
    ...(without === undefined ? {} : { without: without.split(",").filter((name) => name !== "") }),
    ...(voters === undefined ? {} : { voters }),
    ...(learners === undefined ? {} : { learners }),
    ...(clients === undefined ? {} : { clients }),
  };
}
