// The document of a federation as tests write it: regions under origins 1, 2, ... in the order in which they are named,
// live, in a mesh, and whatever a test says beside.
import { keyOf } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import { CONFIG_OF_NOBODY, originId } from "../../federation/index.ts";
import type { FederationConfig, Home, Identity, Policy } from "../../federation/index.ts";

export interface NamedRegion {
  readonly name: string;
  readonly endpoints?: readonly string[];
  readonly incarnation?: Identity;
}

/** Another one for each number. */
export function identity(number: number): Identity {
  return number.toString(16).padStart(32, "0") as Identity;
}

export const FEDERATION_ID = identity(0xfed);

export function documentOf(
  regions: readonly NamedRegion[],
  rest: Partial<FederationConfig> = {},
): FederationConfig {
  const members = regions.map(({ name, endpoints, incarnation }, at) => ({
    name,
    origin: originId(at + 1),
    incarnation: incarnation ?? identity(100 + at),
    endpoints: endpoints ?? [`${name}:1`],
    admitted: 1,
    live: true,
  }));
  return {
    ...CONFIG_OF_NOBODY,
    federationId: FEDERATION_ID,
    epoch: 1,
    originNext: originId(regions.length + 1),
    members: members.sort((left, right) => (left.name < right.name ? -1 : 1)),
    ...rest,
  };
}

/** Regions r1, r2, ... */
export function numbered(count: number): NamedRegion[] {
  return Array.from({ length: count }, (_, at) => ({ name: `r${at + 1}` }));
}

/** `lww`, and open to writes. */
export function policy(prefix: string, rest: Partial<Policy> = {}): Policy {
  return {
    prefix: keyOf(Buffer.from(prefix)),
    policy: "lww",
    ranks: [],
    ttl: "refused",
    progress: { stage: "open" },
    ...rest,
  };
}

/** Forwarded to by the others, and not leased; each character of the prefix is a byte. */
export function home(prefix: string, region: string, rest: Partial<Home> = {}): Home {
  return {
    prefix: prefix as Key,
    region,
    elsewhere: "forward",
    epoch: 1,
    ...rest,
  };
}
