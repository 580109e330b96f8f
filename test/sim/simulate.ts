// One seed from beginning to end: draws its swarm, runs its world, says what came of it.
import type { PlantedBug } from "../../base/index.ts";
import type { ConsensusFactory } from "../../consensus/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import type { ConsensusMessage } from "../../rpc/peer-message.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { Chance } from "./chance.ts";
import { PLANTED, PLANTED_NAMES } from "./planted.ts";
import type { SimulatedBug } from "./planted.ts";
import { lessen } from "./shrink-swarm.ts";
import type { Lesser } from "./shrink-swarm.ts";
import { hubLimits } from "./streams-plan.ts";
import { drawSwarm } from "./swarm.ts";
import type { Swarm } from "./swarm.ts";
import { Trace } from "./trace.ts";
import type { RunTotals } from "./world.ts";
import { World } from "./world.ts";

export const CORES: Readonly<Record<ProtocolName, ConsensusFactory<ConsensusMessage>>> = {
  raft: createRaft,
  paxos: createPaxos,
};

export interface SimOptions {
  readonly protocol: ProtocolName;
  readonly seed: number;
  /** Events under faults; those of the recovery come on top. */
  readonly steps: number;
  /** The guard to switch off. */
  readonly planted?: PlantedBug;
  /** Faults and load as they suit this bug, whether or not it is planted. */
  readonly profile?: SimulatedBug;
  /** What is left out of what the seed draws. */
  readonly lesser?: Lesser;
  /** Readable lines: the last ones, or each as it comes. */
  readonly keepLines?: boolean;
  readonly print?: (line: string) => void;
}

export interface SimOutcome extends RunTotals {
  readonly lines: readonly string[];
}

/** Of the seeds without a profile, those that borrow one: each aims at a guard, and none is planted. */
const THEMED_RATE = 0.4;
/** Watches and leases are drawn apart, so that a seed's other draws are the same with and without them. */
const STREAMS_SALT = 0x3a7c4e;

export const STEPS_DEFAULT = 10_000;

/** What the seed draws, before anything is left out of it. */
export function swarmOf({ seed, protocol, profile }: SimOptions): Swarm {
  const chance = new Chance(seed);
  const drawn = drawSwarm(chance, new Chance(seed ^ STREAMS_SALT));
  const themes = PLANTED_NAMES.filter((name) => PLANTED[name].protocols.includes(protocol));
  const theme = chance.hits(THEMED_RATE) ? chance.pick(themes) : undefined;
  const profiled = profile ?? theme;
  return profiled === undefined ? drawn : PLANTED[profiled].profile(drawn);
}

export function simulate(options: SimOptions): SimOutcome {
  const { protocol, seed, steps, planted, print, lesser } = options;
  const trace = new Trace({
    keep: options.keepLines ?? false,
    ...(print === undefined ? {} : { print }),
  });
  const drawn = swarmOf(options);
  const swarm = lesser === undefined ? drawn : lessen(drawn, lesser);
  const createConsensus = CORES[protocol];
  const world = new World({
    seed,
    steps,
    swarm: inForce(swarm),
    planted,
    protocol,
    createConsensus,
    trace,
  });
  return { ...world.run(), lines: trace.lines };
}

/** With the bounds of its hubs among the replicas' limits. */
function inForce(swarm: Swarm): Swarm {
  return { ...swarm, limits: { ...swarm.limits, ...hubLimits(swarm.streams) } };
}
