// What is as good as something else by another name. Names are given in the order in which they are first needed,
// so worlds that differ in names alone are met once. Boots are alike too (node.ts): nothing that this world delivers
// tells of one.
//
// Raft knows members apart only to tell one from another: whoever is the first to do anything is n1, whoever campaigns
// second n2. Paxos orders ballots by name, so it matters who of two campaigners comes first in that order, and not
// what the names are; who never campaigns has no ballot.
import type { NodeId } from "../../base/index.ts";
import type { Epoch } from "../../consensus/index.ts";
import type { Bounds } from "./bounds.ts";
import { isProposed } from "./spent.ts";

/** The first so many members campaign: as many as there are campaigns. */
export function campaignersIn({ nodes, campaigns, alike }: Bounds): number {
  return alike ? Math.min(nodes, campaigns) : nodes;
}

/** The first so many members may be the first to do anything. */
export function firstMoversIn({ nodes, protocol, alike }: Bounds): number {
  return alike && protocol === "raft" ? 1 : nodes;
}

/** Values are all different and nothing else: they are proposed in order. */
export function nextValues(spent: number, { values, alike }: Bounds): readonly number[] {
  const left: number[] = [];
  for (let value = 0; value < values; value += 1) {
    if (isProposed(spent, value)) continue;
    left.push(value);
    if (alike) break;
  }
  return left;
}

/** Nobody begins one behind it. */
export function lastEpochIn(bounds: Bounds): Epoch {
  const node = bounds.protocol === "raft" ? 0 : (campaignersIn(bounds) as NodeId);
  return { config: 0, round: bounds.epochs, node };
}
