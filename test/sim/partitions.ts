// Which links a partition cuts: all of one member's, or one way only; two sides, whole or in part; two sides
// that one member still reaches; one link; the voters that come with a change of membership.
import type { NodeId } from "../../base/index.ts";
import type { Membership } from "../../consensus/index.ts";
import type { Chance } from "./chance.ts";

export type Link = readonly [from: NodeId, to: NodeId];

export type Direction = "both" | "inward" | "outward";

/** Between `node` and the others. */
export function around(node: NodeId, others: readonly NodeId[], way: Direction): readonly Link[] {
  return others.flatMap((other): readonly Link[] => {
    if (other === node) return [];
    if (way === "inward") return [[other, node]];
    if (way === "outward") return [[node, other]];
    return [
      [other, node],
      [node, other],
    ];
  });
}

/** Each pair of the two sides, or only some of them, or one way only. */
export function split(nodes: readonly NodeId[], chance: Chance): readonly Link[] {
  const cutRate = chance.pick([1, 1, 0.6]);
  return between(nodes, chance).filter(() => chance.hits(cutRate));
}

/** Only `bridge` reaches both sides (scenario 11). */
export function bridged(bridge: NodeId, nodes: readonly NodeId[], chance: Chance): readonly Link[] {
  const rest = nodes.filter((node) => node !== bridge);
  return between(rest, chance);
}

function between(nodes: readonly NodeId[], chance: Chance): readonly Link[] {
  const left = new Set(nodes.filter(() => chance.hits(0.5)));
  return nodes.flatMap((from) =>
    nodes.filter((to) => left.has(from) !== left.has(to)).map((to): Link => [from, to]),
  );
}

/** The voters that `node` has got from `committed` to its own `config`; without any, all the others. */
export function incomingOf(
  node: NodeId,
  config: Membership,
  committed: Membership,
): readonly NodeId[] {
  const before = committed.outgoing ?? committed.incoming;
  const others = config.incoming.filter((other) => other !== node);
  const joined = others.filter((other) => !before.includes(other));
  return joined.length > 0 ? joined : others;
}
