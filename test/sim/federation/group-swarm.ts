// What a seed draws for the consensus group of a region: times, disks, network and faults as for a group that is alone,
// but for what changes who its members are. Its faults come less often: a federation has several groups.
import type { Chance } from "../chance.ts";
import { drawSwarm } from "../swarm.ts";
import type { Swarm } from "../swarm.ts";

const CALMER = 8;
/** What a server takes in before it refuses: that clients are refused is judged elsewhere. */
const COMMANDS_WAITING_MAX = 1_000;
const UNCOMMITTED_BYTES_MAX = 1 << 20;

export function drawGroup(chance: Chance, members: number): Swarm {
  const drawn = drawSwarm(chance.stream(), chance.stream());
  const { nemesis, changes, limits } = drawn;
  const { quorums: _ofOtherMembers, ...options } = drawn.options;
  const { wipe: _losesMembers, ...weights } = nemesis.weights;
  return {
    ...drawn,
    voters: members,
    learners: 0,
    clocksWild: false,
    options: { ...options, uncommittedBytesMax: UNCOMMITTED_BYTES_MAX },
    limits: { ...limits, commandsWaitingMax: COMMANDS_WAITING_MAX },
    nemesis: { ...nemesis, weights, everyMeanMs: nemesis.everyMeanMs * CALMER },
    changes: { ...changes, weights: {} },
  };
}
