// The federated prefixes of a simulation, each named after what it is about: one of every policy, one of every kind, one
// with a home, and those that are federated and given up while it runs.
import { keyOf } from "../../../base/index.ts";
import type { Key } from "../../../base/index.ts";
import { CONFIG_OF_NOBODY, originId } from "../../../federation/index.ts";
import type {
  FederationConfig,
  Handler,
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

/** Keys may hang on leases, which their owners end. */
export const LEASED = "leased";
/** Its conflicts are resolved by a handler, on write. */
export const RESOLVER = "resolver";
export const HOMED = "homed";
/** Each is federated once, and given up once at most. */
export const LATE = ["late-1", "late-2", "late-3"] as const;

const HANDLER: Handler = {
  ...{ name: "union", hash: "1".repeat(64), source: "function resolve() {}", runs: "on-write" },
};

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
    ...CONFIG_OF_NOBODY,
    federationId: identityOf(1),
    epoch: 1,
    originNext: originId(regionCount + 1),
    members,
    handlers: [HANDLER],
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
  const resolver: Policy = {
    prefix: keyIn(RESOLVER),
    ...{ policy: "resolver", handler: HANDLER.name, ranks: [], ...OPEN },
  };
  const leased: Policy = { ...homed, prefix: keyIn(LEASED), ttl: "owner" };
  const policies = [...plain, ...kinds, homed, resolver, leased].sort((left, right) =>
    left.prefix < right.prefix ? -1 : 1,
  );
  return { ...config, policies };
}
