// The command line of the federation's simulator: what to run, and the line that runs it again.
import { parseArgs } from "node:util";
import type { FederationBug } from "../../../federation/index.ts";
import type { ProtocolName } from "../../../server/cluster.ts";
import { UsageError } from "../command.ts";
import { PLANTED_FEDERATION_NAMES } from "./planted-plans.ts";
import { FEDERATION_STEPS_DEFAULT, GROUPS_STEPS_DEFAULT } from "./simulate.ts";
import type { FederationJob } from "./simulate.ts";

const SEEDS_MAX = 2 ** 31;
const HUNT_SEEDS_DEFAULT = 300;

export interface FederationCommand {
  readonly job: FederationJob;
  readonly count: number;
  /** Bugs to be hunted, each on up to `count` seeds. */
  readonly hunted: readonly FederationBug[];
  readonly writeSeeds: boolean;
  readonly shrinks: boolean;
  readonly threads: number;
  readonly list: boolean;
}

/** @throws {UsageError} naming the option and what it expects. */
export function parseFederation(args: readonly string[]): FederationCommand {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      federation: { type: "boolean" },
      ...{ seed: text, seeds: text, steps: text, bug: text, profile: text, without: text },
      ...{ regions: text, members: text, jobs: text, groups: text },
      ...{ planted: flag, "write-seeds": flag, "no-shrink": flag, list: flag },
    },
  });
  const bug = bugOf("bug", values.bug);
  const profile = bugOf("profile", values.profile) ?? bug;
  const count = countOf("seeds", values.seeds);
  const isHunt = values.planted || (bug !== undefined && count !== 1);
  const groups = groupsOf(values.groups);
  const stepsDefault = groups === undefined ? FEDERATION_STEPS_DEFAULT : GROUPS_STEPS_DEFAULT;
  if (groups !== undefined && values["write-seeds"]) {
    throw new UsageError(
      `--write-seeds with --groups ${groups}: the seeds that are kept are of lists`,
    );
  }
  const regions = countOf("regions", values.regions);
  const members = countOf("members", values.members);
  const lesser = {
    ...(values.without === undefined ? {} : { without: values.without.split(",") }),
    ...(regions === undefined ? {} : { regions }),
    ...(members === undefined ? {} : { members }),
  };
  return {
    job: {
      seed: countOf("seed", values.seed) ?? 1,
      steps: countOf("steps", values.steps) ?? stepsDefault,
      ...(groups === undefined ? {} : { groups }),
      ...(profile === undefined ? {} : { profile }),
      ...(bug === undefined ? {} : { planted: bug }),
      ...(Object.keys(lesser).length === 0 ? {} : { lesser }),
    },
    count: count ?? (isHunt ? HUNT_SEEDS_DEFAULT : 1),
    hunted: isHunt ? (bug === undefined ? PLANTED_FEDERATION_NAMES : [bug]) : [],
    writeSeeds: values["write-seeds"],
    shrinks: !values["no-shrink"],
    threads: countOf("jobs", values.jobs) ?? Infinity,
    list: values.list,
  };
}

function countOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count < SEEDS_MAX) return count;
  throw new UsageError(`--${name} ${text}: expected a whole number from 1 to ${SEEDS_MAX - 1}`);
}

/** Undefined: lists. */
function groupsOf(name: string | undefined): ProtocolName | undefined {
  if (name === undefined || name === "list") return undefined;
  if (name === "raft" || name === "paxos") return name;
  throw new UsageError(`--groups ${name}: expected list, raft or paxos`);
}

function bugOf(option: string, name: string | undefined): FederationBug | undefined {
  if (name === undefined) return undefined;
  const bug = PLANTED_FEDERATION_NAMES.find((one) => one === name);
  if (bug !== undefined) return bug;
  throw new UsageError(
    `--${option} ${name}: expected one of ${PLANTED_FEDERATION_NAMES.join(", ")}`,
  );
}

/** The line that runs this seed again, with all that was left out of it. */
export function replayOf(job: FederationJob): string {
  const { seed, steps, groups, planted, profile, lesser = {} } = job;
  const { without = [], regions, members } = lesser;
  const parts = [
    `npm run sim -- --federation --seed ${seed} --steps ${steps}`,
    groups === undefined ? "" : `--groups ${groups}`,
    planted === undefined ? "" : `--bug ${planted} --seeds 1`,
    planted === undefined && profile !== undefined ? `--profile ${profile}` : "",
    without.length === 0 ? "" : `--without ${without.join(",")}`,
    regions === undefined ? "" : `--regions ${regions}`,
    members === undefined ? "" : `--members ${members}`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}
