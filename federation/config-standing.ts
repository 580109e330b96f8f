// What a document says of a region and of an origin: whether it writes, whether its transactions are accepted, and
// who has to be heard. Derived, so that no two fields can disagree.
import type { ClosedOrigin, FederationConfig, Member, RegionName } from "./config.ts";
import type { OriginId } from "./dot.ts";

/** `live` writes; `joining` does not yet; `frozen` no more; `parted` is a member no more. */
export type Standing = "joining" | "live" | "frozen" | "parted";

export function memberNamed(config: FederationConfig, name: RegionName): Member | undefined {
  return config.members.find((member) => member.name === name);
}

export function memberOf(config: FederationConfig, origin: OriginId): Member | undefined {
  return config.members.find((member) => member.origin === origin);
}

export function closedOrigin(config: FederationConfig, origin: OriginId): ClosedOrigin | undefined {
  return config.closed.find((closed) => closed.origin === origin);
}

/** Undefined: the federation never had a region of that name. */
export function standingOf(config: FederationConfig, name: RegionName): Standing | undefined {
  const member = memberNamed(config, name);
  if (member === undefined) {
    return config.closed.some((closed) => closed.region === name) ? "parted" : undefined;
  }
  if (config.freeze?.closing.some((closing) => closing.region === name) === true) return "frozen";
  return member.live ? "live" : "joining";
}

/** Whose writes an origin's are: of a member, or of a region as it was. Undefined: never allotted. */
export function regionOf(config: FederationConfig, origin: OriginId): RegionName | undefined {
  return memberOf(config, origin)?.name ?? closedOrigin(config, origin)?.region;
}

/**
 * What this document says of a transaction, whatever its dependencies (federation 4, 11).
 * - `unknown`: no such origin in this epoch; a newer document may have it.
 * - `frozen`: not while the freeze lasts. - `paused`: not until it is resumed. - `beyond-cut`: never.
 */
export function acceptance(
  config: FederationConfig,
  origin: OriginId,
  sequence: number,
): "accepted" | "unknown" | "frozen" | "paused" | "beyond-cut" {
  const closed = closedOrigin(config, origin);
  if (closed === undefined && memberOf(config, origin) === undefined) return "unknown";
  if (closed !== undefined && sequence > closed.cut) return "beyond-cut";
  if (config.freeze?.origins.includes(origin) === true) return "frozen";
  return config.paused.includes(origin) ? "paused" : "accepted";
}

/** Whose reports a freeze needs: the members that stay, or, if none does, the one that is reincarnated. */
export function reportersOf(config: FederationConfig): readonly RegionName[] {
  const { freeze, members } = config;
  if (freeze === undefined) return [];
  const closing = new Set(freeze.closing.map(({ region }) => region));
  const staying = members.map(({ name }) => name).filter((name) => !closing.has(name));
  if (staying.length > 0) return staying;
  return freeze.closing.filter((one) => one.then === "reincarnate").map(({ region }) => region);
}
