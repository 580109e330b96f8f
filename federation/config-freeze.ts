// Parting and reincarnation in two phases (federation 11). FREEZE: every region that stays accepts nothing more of
// the frozen origins and reports what it has of them. The last report commits the cuts, each the most that a
// reporter has, so that what is within a cut can be fetched and what is beyond it nobody has applied.
import {
  CONFIG_LIMITS,
  type Closing,
  type ClosedOrigin,
  type FederationConfig,
  type Freeze,
  type FreezeReport,
  type Home,
  type Member,
  type Reached,
  type RegionName,
} from "./config.ts";
import { frozenOrigins } from "./config-check-freeze.ts";
import type { ConfigCommand } from "./config-command.ts";
import { policiesWithout } from "./config-policies.ts";
import { reportersOf } from "./config-standing.ts";
import { byName, byRegion, Refusal, requireMember, type Step } from "./config-step.ts";
import { originId, type OriginId } from "./dot.ts";
import { withoutMember } from "./topology.ts";

type Command<Name extends ConfigCommand["command"]> = Extract<
  ConfigCommand,
  { readonly command: Name }
>;

export function part(config: FederationConfig, { regions }: Command<"part">): Step {
  if (regions.length === 0) throw new Refusal("name at least one region to part");
  const closing = regions.map((region): Closing => ({ region, then: "part" }));
  return freezing(config, closing);
}

export function reincarnate(config: FederationConfig, command: Command<"reincarnate">): Step {
  const { region, incarnation, soleSurvivor } = command;
  const reborn: Closing = { region, then: "reincarnate", incarnation };
  if (requireMember(config, region).incarnation === incarnation) return undefined;
  if (!soleSurvivor) {
    requireGiver(config, region);
    return freezing(config, [reborn]);
  }
  const lost = config.members.filter(({ name }) => name !== region);
  return freezing(config, [
    reborn,
    ...lost.map(({ name }): Closing => ({ region: name, then: "part" })),
  ]);
}

/** What lies beyond the cut is let go by taking the state of another region, which has to be live for that. */
function requireGiver(config: FederationConfig, region: RegionName): void {
  const others = config.members.filter(({ name }) => name !== region);
  const isGiver = ({ name, live }: Member): boolean =>
    live && config.freeze?.closing.some((one) => one.region === name) !== true;
  if (others.length === 0 || others.some(isGiver)) return;
  const names = others.map(({ name }) => name).join(", ");
  throw new Refusal(`no other region is live: ${names} first, or part those that are lost`);
}

/** Extending a freeze asks everybody anew: who reported and is closed now was the only holder, perhaps. */
function freezing(config: FederationConfig, added: readonly Closing[]): Step {
  const closing = new Map(config.freeze?.closing.map((one) => [one.region, one]));
  for (const one of added) {
    requireMember(config, one.region);
    closing.set(one.region, one);
  }
  const sorted = byRegion(closing.values());
  if (config.freeze?.closing.map(closingText).join() === sorted.map(closingText).join()) {
    return undefined;
  }
  if (config.closed.length + sorted.length > CONFIG_LIMITS.closedMax) {
    throw new Refusal(`a federation closes at most ${CONFIG_LIMITS.closedMax} origins`);
  }
  const freeze: Freeze = { epoch: config.epoch + 1, closing: sorted, origins: [], reports: [] };
  const frozen = { ...config, freeze };
  if (reportersOf(frozen).length === 0) {
    throw new Refusal("no region would be left: the last one is not parted");
  }
  return { freeze: { ...freeze, origins: frozenOrigins(frozen).map(originId) } };
}

function closingText(closing: Closing): string {
  const { region, then } = closing;
  return then === "part" ? `${region} ${then}` : `${region} ${then} ${closing.incarnation}`;
}

/** What was reported is forgotten: a later freeze asks again. */
export function thaw(): Step {
  return { freeze: undefined };
}

export function frozenReport(config: FederationConfig, report: Command<"frozen">): Step {
  const { freeze } = config;
  const { region, epoch, applied } = report;
  if (freeze === undefined || epoch < freeze.epoch) return undefined; // Ended or extended meanwhile.
  if (epoch !== freeze.epoch) {
    throw new Refusal(`the freeze is of epoch ${freeze.epoch}, not ${epoch}`);
  }
  const reporters = reportersOf(config);
  if (!reporters.includes(region)) {
    throw new Refusal(`region ${region} does not report; ${reporters.join(", ")} do`);
  }
  if (freeze.reports.some((one) => one.region === region)) return undefined;
  const added: FreezeReport = { region, applied: [...applied].sort(([a], [b]) => a - b) };
  const reports = byRegion([...freeze.reports, added]);
  const reported = { ...freeze, reports };
  return reports.length < reporters.length ? { freeze: reported } : committed(config, reported);
}

/** All have reported: the cuts, and what else goes with the regions. */
function committed(config: FederationConfig, freeze: Freeze): Step {
  const epoch = config.epoch + 1;
  const closing = new Map(freeze.closing.map((one) => [one.region, one]));
  // Where one region alone is left, its histories are the ones that count, whatever was cut before.
  const isSole = freeze.reports.every(({ region }) => closing.has(region));
  const closed = [
    ...config.closed.map((one) => {
      const reached = mostOf(freeze, one.origin);
      return isSole || (reached?.[1] ?? 0) < one.cut ? closedAt(one, reached) : one;
    }),
    ...config.members
      .filter(({ name }) => closing.has(name))
      .map(({ origin, incarnation, name }) => {
        const of = { origin, incarnation, region: name, closed: epoch };
        return closedAt(of, mostOf(freeze, origin));
      }),
  ].sort((left, right) => left.origin - right.origin);
  let { originNext } = config;
  const members = config.members.flatMap((member): Member[] => {
    const one = closing.get(member.name);
    if (one === undefined) return [member];
    if (one.then === "part") return [];
    const origin = originNext;
    originNext = originId(originNext + 1);
    const { incarnation } = one;
    const { name, endpoints } = member;
    return [{ name, origin, incarnation, endpoints, admitted: epoch, live: false }];
  });
  const names = members.map(({ name }) => name);
  const gone = freeze.closing.filter(({ then }) => then === "part").map(({ region }) => region);
  return {
    freeze: undefined,
    originNext,
    members: byName(members),
    closed,
    paused: config.paused.filter((origin) => members.some((member) => member.origin === origin)),
    policies: policiesWithout(config.policies, gone, members, closed),
    placements: config.placements
      .map((one) => ({ ...one, regions: one.regions.filter((name) => !gone.includes(name)) }))
      .filter(({ regions }) => regions.length > 0),
    homes: config.homes.map((home) => homeAfter(home, closing, epoch)),
    topology: gone.reduce((shape, name) => withoutMember(shape, names, name), config.topology),
  };
}

/** What a reporter has most of the origin; of equals the first reporter's history counts. Undefined: none of them has it. */
function mostOf({ reports }: Freeze, origin: OriginId): Reached | undefined {
  const all = reports.flatMap(({ applied }) => applied.filter(([of]) => of === origin));
  return all.reduce<Reached | undefined>(
    (most, one) => (most !== undefined && most[1] >= one[1] ? most : one),
    undefined,
  );
}

/** What nobody that is left has is cut off. */
function closedAt(
  { origin, incarnation, region, closed }: Omit<ClosedOrigin, "cut" | "hash">,
  reached: Reached | undefined,
): ClosedOrigin {
  const [, cut = 0, hash] = reached ?? [];
  return { origin, incarnation, region, cut, ...(hash !== undefined && { hash }), closed };
}

/**
 * A home of a parted region stays where it was, without writes; a move to one is given up. A fence of a closed origin is
 * logged anew by its region's next one, and what was told of it is of no use any more: its cut says more. What a closed
 * region has told it may have lost.
 */
function homeAfter(home: Home, closing: ReadonlyMap<RegionName, Closing>, epoch: number): Home {
  const { move, ...stays } = home;
  if (move === undefined) return home;
  if (closing.get(move.to)?.then === "part") return { ...stays, epoch };
  const { to, begun, gathering } = move;
  if (closing.has(home.region)) return { ...stays, move: { to, begun } };
  if (gathering === undefined) return home;
  const words = gathering.words.filter(({ region }) => !closing.has(region));
  return { ...stays, move: { ...move, gathering: { ...gathering, words } } };
}
