// Which neighbour is asked for the word of a region that is none (federation 13): the first on a shortest way to it, by
// who pulls from whom. Each on the way goes on by its own document and what it reaches, and never back.
import type { FederationConfig } from "./config.ts";
import type { OriginId } from "./dot.ts";
import { neighbourMembers } from "./topology.ts";

/**
 * Of each neighbour in `open`, whom of `wanted` it is to ask in turn. Who cannot be reached is left out, and so are
 * those in `open`, which are asked themselves. `via`: those on the way, this region the last of them.
 */
export function askRoutes(
  config: FederationConfig,
  via: readonly OriginId[],
  open: ReadonlySet<OriginId>,
  wanted: Iterable<OriginId>,
): ReadonlyMap<OriginId, readonly OriginId[]> {
  const ahead = [...open].filter((origin) => !via.includes(origin));
  const firstHop = new Map<OriginId, OriginId>(ahead.map((origin) => [origin, origin]));
  // A Map's entries come in the order in which they were added: nearer ones first.
  for (const [origin, first] of firstHop) {
    for (const { origin: next } of neighbourMembers(config, origin)) {
      if (!via.includes(next) && !firstHop.has(next)) firstHop.set(next, first);
    }
  }
  const routes = new Map<OriginId, OriginId[]>();
  for (const origin of wanted) {
    const first = firstHop.get(origin);
    if (first === undefined || open.has(origin)) continue;
    routes.set(first, [...(routes.get(first) ?? []), origin]);
  }
  return routes;
}
