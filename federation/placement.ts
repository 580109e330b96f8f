// Whose word counts for a write that waits for regions and for a read that asks them: the placement of the longest
// prefix, all members where there is none (federation 4, 13). Every region stores every prefix all the same.
import type { Key } from "../base/index.ts";
import { memberNamed } from "./config-standing.ts";
import type { FederationConfig } from "./config.ts";
import type { OriginId } from "./dot.ts";

export function placementOf(config: FederationConfig, key: Key): ReadonlySet<OriginId> {
  let best: (typeof config.placements)[number] | undefined;
  for (const placement of config.placements) {
    if (!key.startsWith(placement.prefix)) continue;
    if (best === undefined || placement.prefix.length > best.prefix.length) best = placement;
  }
  const names = best?.regions ?? config.members.map(({ name }) => name);
  return new Set(names.flatMap((name) => memberNamed(config, name)?.origin ?? []));
}

/** Of keys that begin with `prefix`: its own, and those of longer prefixes. */
export function placementsWithin(
  config: FederationConfig,
  prefix: Key,
): readonly ReadonlySet<OriginId>[] {
  const longer = config.placements.filter(
    (one) => one.prefix.length > prefix.length && one.prefix.startsWith(prefix),
  );
  return [placementOf(config, prefix), ...longer.map((one) => placementOf(config, one.prefix))];
}
