// When a region may take a home over from another (federation 12): it has to have all that the old home took and might
// have been believed. How much that is the home's fence says, or the words of other regions, or the cut of a part.
import type { Key } from "../base/index.ts";
import { spanUnder } from "../store/index.ts";
import type { FederationConfig, Gathering, Home, RegionName } from "./config.ts";
import { memberNamed } from "./config-standing.ts";
import type { OriginId } from "./dot.ts";
import { placementsOver } from "./placement.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

/**
 * Whether regions that told what they have are enough: of what W of N acknowledged one of N - W + 1 has a copy, whoever
 * it is. Of what one region alone acknowledged nobody else need have a copy: nothing is promised of it.
 */
export function toldEnough(
  config: FederationConfig,
  prefix: Key,
  writeRegions: number,
  told: ReadonlySet<OriginId>,
): boolean {
  if (writeRegions < 2) return true;
  return placementsOver(config, spanUnder(prefix)).every((placement) => {
    const count = [...told].filter((origin) => placement.has(origin)).length;
    return count >= placement.size - writeRegions + 1;
  });
}

/** The most that a region has told of; undefined: too few have told. */
export function mostTold(
  config: FederationConfig,
  prefix: Key,
  { writeRegions, words }: Gathering,
): number | undefined {
  const told = words.flatMap(({ region }) => memberNamed(config, region)?.origin ?? []);
  if (!toldEnough(config, prefix, writeRegions, new Set(told))) return undefined;
  return Math.max(0, ...words.map(({ applied }) => applied));
}

/** Whether it has all of a region's closed origins that there will ever be. */
export function hasAllLeftBy(
  region: RegionName,
  { closed }: FederationConfig,
  applied: Vector,
): boolean {
  const origins = closed.filter((one) => one.region === region);
  return origins.every(({ origin, cut }) => countOf(applied, origin) >= cut);
}

/**
 * Whether a region that has applied so much may own a home that moves to it; undefined: not yet. `known`: it goes by the
 * words of other regions, and what the old home took beyond comes late.
 */
export function owningBy(
  config: FederationConfig,
  { prefix, region, move }: Home,
  applied: Vector,
): { readonly known?: number } | undefined {
  if (move === undefined) return undefined;
  const { fence, gathering } = move;
  const member = memberNamed(config, region);
  if (member === undefined) return hasAllLeftBy(region, config, applied) ? {} : undefined;
  if (fence !== undefined && countOf(applied, fence.origin) >= fence.sequence) return {};
  const most = gathering && mostTold(config, prefix, gathering);
  const known = countOf(applied, member.origin);
  return most !== undefined && known >= most ? { known } : undefined;
}

/**
 * Whether what a region wrote under its home, as that was then, may come late: the home moves without waiting for the
 * region, or has moved so. Whoever has written it must not believe that it stands.
 */
export function mayComeLate(written: Home, { homes }: FederationConfig, self: OriginId): boolean {
  const home = homes.find(({ prefix }) => prefix === written.prefix);
  if (home === undefined) return false;
  if (home.region === written.region && home.move?.gathering !== undefined) return true;
  const { late = [] } = home;
  return late.some(({ origin, epoch }) => origin === self && epoch > written.epoch);
}
