// The homes of prefixes (federation 12). A planned move has three steps, so that at no instant two regions own a
// prefix: the old home takes no more writes and logs its Fence; the new one applies up to it; then it owns. An unplanned
// one has no fence: it goes by the words of other regions, or by force; the document keeps what was known of the old home,
// and what comes beyond it comes late.
import { CONFIG_LIMITS } from "./config.ts";
import type { FederationConfig, Gathering, Home, LateCut, RegionName } from "./config.ts";
import type { ConfigCommand } from "./config-command.ts";
import { requireFederated } from "./config-placement.ts";
import { memberNamed } from "./config-standing.ts";
import type { OriginId } from "./dot.ts";
import { mostTold } from "./home-gathering.ts";
import { placementOf } from "./placement.ts";
import {
  byRegion,
  prefixText,
  Refusal,
  requireMember,
  requireStaying,
  type Step,
  withoutPrefix,
  withPrefix,
} from "./config-step.ts";
import type { Key } from "../base/index.ts";

type Command<Name extends ConfigCommand["command"]> = Extract<
  ConfigCommand,
  { readonly command: Name }
>;

export function setHome(
  config: FederationConfig,
  { prefix, region, elsewhere }: Command<"home">,
): Step {
  requireFederated(config, prefix);
  requireStaying(config, region);
  const there = config.homes.find((home) => home.prefix === prefix);
  if (there === undefined) {
    const home: Home = { prefix, region, elsewhere, epoch: config.epoch + 1 };
    return { homes: withPrefix(config.homes, home) };
  }
  if (there.region !== region) {
    throw new Refusal(`the home of ${prefixText(prefix)} is ${there.region}: move it`);
  }
  return { homes: withPrefix(config.homes, { ...there, elsewhere }) };
}

export function unsetHome(config: FederationConfig, prefix: Key): Step {
  homeOf(config, prefix);
  return { homes: withoutPrefix(config.homes, prefix) };
}

/**
 * No heirs named: every member, in the order of the document. `ttlS` 0: it moves by command alone again. The home gets
 * an epoch with it: nobody takes over before the home is known to have logged that it needs a lease.
 */
export function leaseHome(config: FederationConfig, command: Command<"home-lease">): Step {
  const { prefix, ttlS } = command;
  const { lease, ...moving } = homeOf(config, prefix);
  if (ttlS === 0 && lease === undefined) return undefined;
  if (moving.move !== undefined) {
    throw new Refusal(`it is on its way from ${moving.region} to ${moving.move.to}`);
  }
  const home: Home = { ...moving, epoch: config.epoch + 1 };
  if (ttlS === 0) return { homes: withPrefix(config.homes, home) };
  const { leaseTtlMin, leaseTtlMax } = CONFIG_LIMITS;
  if (ttlS < leaseTtlMin || ttlS > leaseTtlMax) {
    throw new Refusal(`a home is leased for ${leaseTtlMin} to ${leaseTtlMax} s, not ${ttlS}`);
  }
  const writeRegions = command.writeRegions || Math.min(2, config.members.length);
  if (writeRegions > config.members.length) {
    throw new Refusal(`${writeRegions} regions; the federation has ${config.members.length}`);
  }
  const { leasedMax } = CONFIG_LIMITS;
  if (lease === undefined && config.homes.filter((one) => one.lease).length >= leasedMax) {
    throw new Refusal(`a federation has at most ${leasedMax} leased homes`);
  }
  for (const heir of command.heirs) requireMember(config, heir);
  const all = config.members.map(({ name }) => name);
  const heirs = command.heirs.length > 0 ? command.heirs : all;
  const asked = { ttlS, heirs, writeRegions };
  if (JSON.stringify(lease) === JSON.stringify(asked)) return undefined;
  return { homes: withPrefix(config.homes, { ...home, lease: asked }) };
}

export function moveHome(config: FederationConfig, command: Command<"home-move">): Step {
  const { prefix, to, force } = command;
  const home = homeOf(config, prefix);
  requireStaying(config, to);
  const { region, move } = home;
  if (region === to) {
    if (move === undefined) return undefined;
    throw new Refusal(`it is on its way from ${region} to ${move.to}: home stay keeps it`);
  }
  if (force) {
    return { homes: withPrefix(config.homes, lost(config, home, to, command.known)) };
  }
  const isParted = memberNamed(config, region) === undefined;
  const gathering = isParted ? undefined : gatheringFor(config, command);
  if (move !== undefined) {
    const isSame =
      gathering === undefined || gathering.writeRegions === move.gathering?.writeRegions;
    if (move.to === to && isSame) return undefined;
    if (gathering === undefined && !isParted) {
      throw new Refusal(`it is on its way from ${region} to ${move.to}: home stay keeps it`);
    }
  }
  // What the home has logged of an earlier move stands: it has taken no write since.
  const fence = move?.fence && { fence: move.fence };
  const moving = { to, begun: config.epoch + 1, ...fence, ...(gathering && { gathering }) };
  return { homes: withPrefix(config.homes, { ...home, move: moving }) };
}

/** Undefined: the home's region is waited for. */
function gatheringFor(
  config: FederationConfig,
  { prefix, gathers }: Command<"home-move">,
): Gathering | undefined {
  if (gathers === undefined) return undefined;
  const writeRegions = gathers === 0 ? 2 : gathers;
  const { size } = placementOf(config, prefix);
  if (writeRegions < 2) {
    throw new Refusal("what one region alone acknowledged no other can tell of: force moves it");
  }
  if (writeRegions > size) {
    throw new Refusal(`${writeRegions} regions; ${size} count for ${prefixText(prefix)}`);
  }
  return { writeRegions, words: [] };
}

export function stayHome(config: FederationConfig, prefix: Key): Step {
  const { move, ...home } = homeOf(config, prefix);
  if (move === undefined) return undefined;
  return { homes: withPrefix(config.homes, { ...home, epoch: config.epoch + 1 }) };
}

export function fenceHome(
  config: FederationConfig,
  { prefix, region, fence }: Command<"home-fenced">,
): Step {
  const home = homeOf(config, prefix);
  if (home.move === undefined || home.region !== region) return undefined; // Ended meanwhile.
  if (home.move.fence !== undefined) return undefined;
  if (memberNamed(config, region)?.origin !== fence.origin) {
    throw new Refusal(`origin ${fence.origin} is not that of region ${region}`);
  }
  return { homes: withPrefix(config.homes, { ...home, move: { ...home.move, fence } }) };
}

/** Once enough are gathered no more are: the region to be goes by those. */
export function wordOfHome(config: FederationConfig, command: Command<"home-word">): Step {
  const { prefix, region, begun, applied } = command;
  const home = homeOf(config, prefix);
  const { move } = home;
  if (move?.gathering === undefined || move.begun !== begun) return undefined; // Ended meanwhile.
  const { gathering } = move;
  const isTold = gathering.words.some((word) => word.region === region);
  if (isTold || mostTold(config, prefix, gathering) !== undefined) return undefined;
  requireMember(config, region);
  if (region === home.region) throw new Refusal(`region ${region} is the home: it fences`);
  const words = byRegion([...gathering.words, { region, applied }]);
  const told = { ...home, move: { ...move, gathering: { ...gathering, words } } };
  return { homes: withPrefix(config.homes, told) };
}

export function ownHome(
  config: FederationConfig,
  { prefix, region, known }: Command<"home-own">,
): Step {
  const { move, ...home } = homeOf(config, prefix);
  if (home.region === region) return undefined;
  if (move?.to !== region) throw new Refusal(`${prefixText(prefix)} is not moving to ${region}`);
  const old = memberNamed(config, home.region);
  if (known === undefined || old === undefined) {
    if (move.fence === undefined && old !== undefined) {
      throw new Refusal(`region ${home.region} has not fenced ${prefixText(prefix)} yet`);
    }
    return { homes: withPrefix(config.homes, { ...home, region, epoch: config.epoch + 1 }) };
  }
  const most = move.gathering && mostTold(config, prefix, move.gathering);
  if (most === undefined || known < most) {
    throw new Refusal(`region ${region} does not know yet what region ${home.region} took`);
  }
  return { homes: withPrefix(config.homes, lost(config, home, region, [[old.origin, known]])) };
}

/** By an heir that has found the lease to have ended; whoever sends it makes sure of that in the same change. */
export function takeHome(config: FederationConfig, command: Command<"home-taken">): Step {
  const { prefix, region, from, known } = command;
  const home = homeOf(config, prefix);
  if (home.region !== from) return undefined; // Another has taken it meanwhile.
  if (home.lease === undefined) throw new Refusal(`the home of ${prefixText(prefix)} has no lease`);
  if (!home.lease.heirs.includes(region)) {
    throw new Refusal(`region ${region} is no heir of ${prefixText(prefix)}`);
  }
  requireStaying(config, region);
  return { homes: withPrefix(config.homes, lost(config, home, region, known)) };
}

/** Without a fence: nobody knows what else the old home took. `known`: how much of each origin is. */
function lost(
  config: FederationConfig,
  { move: _, late = [], ...home }: Home,
  to: RegionName,
  known: readonly (readonly [OriginId, number])[] = [],
): Home {
  const epoch = config.epoch + 1;
  const taken = { ...home, region: to, epoch };
  // A closed origin has a cut of its own, beyond which nothing is accepted at all.
  const origin = memberNamed(config, home.region)?.origin;
  if (origin === undefined) return late.length === 0 ? taken : { ...taken, late };
  const cut: LateCut = { origin, epoch, cut: new Map(known).get(origin) ?? 0 };
  return { ...taken, late: [...late, cut].slice(-CONFIG_LIMITS.latesMax) };
}

function homeOf({ homes }: FederationConfig, prefix: Key): Home {
  const home = homes.find((one) => one.prefix === prefix);
  if (home === undefined) throw new Refusal(`${prefixText(prefix)} has no home`);
  return home;
}
