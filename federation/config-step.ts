// What the steps of config-changes.ts share: the fields that differ, a refusal, sorted lists.
import type { Key } from "../base/index.ts";
import type { AutoPart, FederationConfig, Freeze, Member, RegionName } from "./config.ts";
import { memberNamed, standingOf } from "./config-standing.ts";

/** The fields to replace; `freeze: undefined` takes it away, as does `autoPart`. Undefined, or all equal: the epoch stays. */
export type Step =
  | (Partial<Omit<FederationConfig, "epoch" | "freeze" | "autoPart">> & {
      readonly freeze?: Freeze | undefined;
      readonly autoPart?: AutoPart | undefined;
    })
  | undefined;

/** A command that is not taken, and why, for whoever gave it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** @throws {Refusal} unless it is a member. */
export function requireMember(config: FederationConfig, name: RegionName): Member {
  const member = memberNamed(config, name);
  if (member !== undefined) return member;
  const names = config.members.map((one) => one.name).join(", ");
  throw new Refusal(
    standingOf(config, name) === "parted"
      ? `region ${name} is parted: it joins anew`
      : `no region is named ${name}; members are ${names}`,
  );
}

/** @throws {Refusal} if the member is being closed. */
export function requireStaying(config: FederationConfig, name: RegionName): Member {
  const member = requireMember(config, name);
  if (standingOf(config, name) === "frozen") throw new Refusal(`region ${name} is being closed`);
  return member;
}

export function sortedNames(names: Iterable<RegionName>): readonly RegionName[] {
  return [...new Set(names)].sort();
}

/** In the order of a document. */
export function byName<One extends { readonly name: string }>(all: Iterable<One>): One[] {
  return [...all].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** The same. */
export function byRegion<One extends { readonly region: RegionName }>(all: Iterable<One>): One[] {
  return [...all].sort((left, right) => (left.region < right.region ? -1 : 1));
}

/** With `entry` in the place of the one with its prefix, or added. */
export function withPrefix<Entry extends { readonly prefix: Key }>(
  entries: readonly Entry[],
  entry: Entry,
): readonly Entry[] {
  return [...withoutPrefix(entries, entry.prefix), entry].sort((left, right) =>
    left.prefix < right.prefix ? -1 : 1,
  );
}

export function withoutPrefix<Entry extends { readonly prefix: Key }>(
  entries: readonly Entry[],
  prefix: Key,
): readonly Entry[] {
  return entries.filter((entry) => entry.prefix !== prefix);
}

/** A prefix as people read it: printable ASCII as it is, other bytes escaped. */
export function prefixText(prefix: Key): string {
  const text = prefix.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\x${unit.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${text}"`;
}
