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
import { drawSwarm } from "./swarm.ts";
import { Trace } from "./trace.ts";
import type { RunTotals } from "./world.ts";
import { World } from "./world.ts";

const CORES: Readonly<Record<ProtocolName, ConsensusFactory<ConsensusMessage>>> = {
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
  /** Readable lines: the last ones, or each as it comes. */
  readonly keepLines?: boolean;
  readonly print?: (line: string) => void;
}

export interface SimOutcome extends RunTotals {
  readonly lines: readonly string[];
}

/** Of the seeds without a profile, those that borrow one: each aims at a guard, and none is planted. */
const THEMED_RATE = 0.4;

export const STEPS_DEFAULT = 10_000;

export function simulate(options: SimOptions): SimOutcome {
  const { protocol, seed, steps, planted, profile, print } = options;
  const trace = new Trace({
    keep: options.keepLines ?? false,
    ...(print === undefined ? {} : { print }),
  });
  const chance = new Chance(seed);
  const drawn = drawSwarm(chance);
  const themes = PLANTED_NAMES.filter((name) => PLANTED[name].protocols.includes(protocol));
  const theme = chance.hits(THEMED_RATE) ? chance.pick(themes) : undefined;
  const profiled = profile ?? theme;
  const swarm = profiled === undefined ? drawn : PLANTED[profiled].profile(drawn);
  const totals = new World({
    seed,
    steps,
    swarm,
    planted,
    protocol,
    createConsensus: CORES[protocol],
    trace,
  }).run();
  return { ...totals, lines: trace.lines };
}
