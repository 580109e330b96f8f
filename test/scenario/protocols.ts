// The language of scenarios for each core. A term is a number; a ballot is written ROUND.NODE: `start 2
// terms=1.3,-,2.1` holds a slot of ballot 1.3, a gap, one of 2.1.
import type { NodeId } from "../../base/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import type { Commands } from "./datadriven.ts";
import { Script } from "./script.ts";
import type { EpochOf } from "./script.ts";
import { WIRE } from "./voice.ts";

const termOf: EpochOf = (term) => ({ config: 0, round: term, node: 0 });

const ballotOf: EpochOf = (ballot) => ({
  config: 0,
  round: Math.floor(ballot),
  node: Math.round((ballot % 1) * 10) as NodeId | 0,
});

/** Commands over a cluster of their own. */
export const PROTOCOLS = {
  raft: (voice = WIRE): Commands => new Script(createRaft, termOf, voice).commands(),
  paxos: (voice = WIRE): Commands => new Script(createPaxos, ballotOf, voice).commands(),
};
