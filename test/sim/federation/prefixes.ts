// The federated prefixes of a simulation, each named after what it is about: one of every policy, one of every kind, one
// with a home, and those that are federated and given up while it runs.
import { keyOf } from "../../../base/index.ts";
import type { Key } from "../../../base/index.ts";
import { originId } from "../../../federation/index.ts";
import type {
  FederationConfig,
  KindName,
  Policy,
  PolicyName,
  Topology,
} from "../../../federation/index.ts";
import { identityOf } from "./directory.ts";

export const POLICIES = [
  "lww",
  "first-writer",
  "priority",
  "add-wins",
  "delete-wins",
  "merge",
  "siblings",
] as const satisfies readonly PolicyName[];

export const KINDS = [
  "counter",
  "bounded-counter",
  "set",
  "map",
  "register",
  "flag",
] as const satisfies readonly KindName[];

export const HOMED = "homed";
/** Each is federated once, and given up once at most. */
export const LATE = ["late-1", "late-2", "late-3"] as const;

const OPEN = { ttl: "refused", progress: { stage: "open" } } as const;

export function keyIn(prefix: string, name: string | number = ""): Key {
  return keyOf(new TextEncoder().encode(`${prefix}/${name}`));
}

/** Its ranks are the regions that there are. */
export function namedPolicy(
  policy: PolicyName,
  { members }: FederationConfig,
): Pick<Policy, "policy" | "ranks"> {
  return { policy, ranks: policy === "priority" ? members.map(({ name }) => name) : [] };
}

/** Regions r1 and so on, all live, with every prefix but the late ones. */
export function firstConfig(regionCount: number, topology: Topology): FederationConfig {
  const members = Array.from({ length: regionCount }, (_, at) => ({
    name: `r${at + 1}`,
    origin: originId(at + 1),
    incarnation: identityOf(100 + at),
    endpoints: [`r${at + 1}:1`],
    admitted: 1,
    live: true,
  }));
  const config: FederationConfig = {
    federationId: identityOf(1),
    epoch: 1,
    originNext: originId(regionCount + 1),
    members,
    closed: [],
    paused: [],
    policies: [],
    handlers: [],
    placements: [],
    homes: [],
    topology,
  };
  const plain = POLICIES.map((policy): Policy => ({
    prefix: keyIn(policy),
    ...namedPolicy(policy, config),
    ...OPEN,
  }));
  const kinds = KINDS.map((kind): Policy => ({
    prefix: keyIn(kind),
    ...{ policy: "lww", kind, ranks: [], ...OPEN },
  }));
  const homed: Policy = { prefix: keyIn(HOMED), policy: "lww", ranks: [], ...OPEN };
  const policies = [...plain, ...kinds, homed].sort((left, right) =>
    left.prefix < right.prefix ? -1 : 1,
  );
  return { ...config, policies };
}
