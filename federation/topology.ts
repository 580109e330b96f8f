// From whom each region pulls (federation 4). A shape follows the members in the order of their names; `lists` says
// it for each. Any will do that is connected: who is not a neighbour's neighbour is reached through others.
import { unreachable } from "../base/index.ts";
import type { FederationConfig, Member, NeighbourList, RegionName, Topology } from "./config.ts";
import { memberOf } from "./config-standing.ts";
import { byRegion } from "./config-step.ts";
import type { OriginId } from "./dot.ts";

/** By name, ascending; `region` itself is never among them. */
export function neighboursOf(
  topology: Topology,
  members: readonly RegionName[],
  region: RegionName,
): readonly RegionName[] {
  switch (topology.shape) {
    case "mesh":
      return members.filter((name) => name !== region);
    case "ring":
      return ringNeighbours(members, region);
    case "star":
      if (region === topology.hub) return members.filter((name) => name !== region);
      return [topology.hub];
    case "tree":
      return treeNeighbours(topology, members, region);
    case "lists":
      return topology.lists.find((list) => list.region === region)?.neighbours ?? [];
    default:
      return unreachable(topology);
  }
}

/** From whom the region of `origin` pulls under that document; a region that is no member pulls from nobody. */
export function neighbourMembers(config: FederationConfig, origin: OriginId): readonly Member[] {
  const { topology, members } = config;
  const own = memberOf(config, origin);
  if (own === undefined) return [];
  const names = neighboursOf(
    topology,
    members.map(({ name }) => name),
    own.name,
  );
  return members.filter(({ name }) => names.includes(name));
}

function ringNeighbours(members: readonly RegionName[], region: RegionName): RegionName[] {
  const at = members.indexOf(region);
  const { length } = members;
  const both = [members[(at + 1) % length], members[(at + length - 1) % length]];
  return ascending(both.filter((name) => name !== undefined && name !== region));
}

/** The root, then the others by name, level by level: `fanout` below each. */
function treeNeighbours(
  { root, fanout }: { readonly root: RegionName; readonly fanout: number },
  members: readonly RegionName[],
  region: RegionName,
): RegionName[] {
  const order = [root, ...members.filter((name) => name !== root)];
  const at = order.indexOf(region);
  const children = order.slice(at * fanout + 1, at * fanout + 1 + fanout);
  const parent = at === 0 ? undefined : order[Math.floor((at - 1) / fanout)];
  return ascending([parent, ...children]);
}

/** Whether what any region has reaches every other, by pulls. */
export function isConnected(topology: Topology, members: readonly RegionName[]): boolean {
  return members.every((start) => {
    const reached = new Set([start]);
    for (const region of reached) {
      for (const next of neighboursOf(topology, members, region)) reached.add(next);
    }
    return reached.size === members.length;
  });
}

/** Lists as they may be given, sorted as a document has them. */
export function inOrder(topology: Topology): Topology {
  if (topology.shape !== "lists") return topology;
  const lists = topology.lists.map(({ region, neighbours }) => ({
    region,
    neighbours: ascending(neighbours),
  }));
  return { shape: "lists", lists: byRegion(lists) };
}

/** With a newcomer: in lists it is everybody's neighbour, until they are given anew. */
export function withMember(
  topology: Topology,
  members: readonly RegionName[],
  newcomer: RegionName,
): Topology {
  if (topology.shape !== "lists") return topology;
  const lists = topology.lists.map(({ region, neighbours }) => ({
    region,
    neighbours: ascending([...neighbours, newcomer]),
  }));
  return { shape: "lists", lists: byRegion([...lists, { region: newcomer, neighbours: members }]) };
}

/** Without `gone`: whoever pulled from it pulls from its neighbours, so that what was connected still is. */
export function withoutMember(
  topology: Topology,
  remaining: readonly RegionName[],
  gone: RegionName,
): Topology {
  const first = remaining[0] ?? gone;
  switch (topology.shape) {
    case "mesh":
    case "ring":
      return topology;
    case "star":
      return topology.hub === gone ? { ...topology, hub: first } : topology;
    case "tree":
      return topology.root === gone ? { ...topology, root: first } : topology;
    case "lists":
      return { shape: "lists", lists: bypassed(topology.lists, gone) };
    default:
      return unreachable(topology);
  }
}

function bypassed(lists: readonly NeighbourList[], gone: RegionName): NeighbourList[] {
  const beyond = lists.find(({ region }) => region === gone)?.neighbours ?? [];
  return lists
    .filter(({ region }) => region !== gone)
    .map(({ region, neighbours }) => ({
      region,
      neighbours: ascending(
        (neighbours.includes(gone) ? [...neighbours, ...beyond] : neighbours).filter(
          (name) => name !== gone && name !== region,
        ),
      ),
    }));
}

/** Each once, sorted. */
function ascending(names: readonly (RegionName | undefined)[]): RegionName[] {
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}
