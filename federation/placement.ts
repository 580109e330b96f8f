// Whose word counts for a write that waits for regions and for a read that asks them: the placement of the longest
// prefix, all members where there is none (federation 4, 13). Every region stores every prefix all the same.
import type { Key } from "../base/index.ts";
import { overlap, spanUnder } from "../store/index.ts";
import type { Span } from "../store/index.ts";
import { memberNamed } from "./config-standing.ts";
import type { FederationConfig, Placement } from "./config.ts";
import type { OriginId } from "./dot.ts";

export function placementOf(config: FederationConfig, key: Key): ReadonlySet<OriginId> {
  const around = config.placements.filter(({ prefix }) => key.startsWith(prefix));
  return originsIn(config, longest(around));
}

/** All that have a say in keys of the span: of no key's regions another's may answer for them. */
export function placementsOver(
  config: FederationConfig,
  asked: Span,
): readonly ReadonlySet<OriginId>[] {
  if (asked.single) return [placementOf(config, asked.from)];
  const isAround = ({ prefix }: Placement): boolean => {
    const { from, until } = spanUnder(prefix);
    return from <= asked.from && asked.until <= until;
  };
  const isOfSome = (one: Placement): boolean =>
    !isAround(one) && overlap(spanUnder(one.prefix), asked);
  const { placements } = config;
  const ofAll = originsIn(config, longest(placements.filter(isAround)));
  return [ofAll, ...placements.filter(isOfSome).map((one) => originsIn(config, one))];
}

function longest(placements: readonly Placement[]): Placement | undefined {
  return placements.reduce<Placement | undefined>((best, one) => {
    return best === undefined || one.prefix.length > best.prefix.length ? one : best;
  }, undefined);
}

/** Without a placement all members have a say. */
function originsIn(config: FederationConfig, placement: Placement | undefined): Set<OriginId> {
  const names = placement?.regions ?? config.members.map(({ name }) => name);
  return new Set(names.flatMap((name) => memberNamed(config, name)?.origin ?? []));
}
