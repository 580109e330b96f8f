// What the configuration says of the view of a key: its policy, with regions turned into origins (federation 7, 12).
import { unreachable } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import type { FederationConfig, Home, Policy, RegionName } from "./config.ts";
import type { OriginId } from "./dot.ts";
import type { Siblings } from "./sibling.ts";
import type { Vector } from "./vector.ts";

/** What a custom handler makes of siblings; `keep` leaves them as they are, the last of them shown (federation 8). */
export type Resolution =
  | { readonly action: "value"; readonly value: Uint8Array }
  | { readonly action: "delete" }
  | { readonly action: "keep" };

/** Total and the same everywhere: a handler that fails keeps. Siblings by ascending dot. */
export type Resolve = (key: Key, siblings: Siblings) => Resolution;

/** Writes minted under an epoch before `epoch`, and not within `cut`, come too late to be seen by themselves. */
export interface LateRule {
  readonly epoch: number;
  readonly cut: Vector;
}

export type ViewRules = { readonly late?: LateRule } & (
  | {
      readonly policy: "lww" | "first-writer" | "add-wins" | "delete-wins" | "merge" | "siblings";
    }
  /** 0 is the strongest; who is not named ranks behind all. */
  | { readonly policy: "priority"; readonly rankOf: ReadonlyMap<OriginId, number> }
  /** All origins, closed ones too, of the region that is the home. */
  | { readonly policy: "home-wins"; readonly home: ReadonlySet<OriginId> }
  /** Absent: the handler runs on write, and the view is that of `siblings`. */
  | { readonly policy: "resolver"; readonly resolve?: Resolve }
);

/** Of one prefix. `home`: that of the key, absent where it has none. */
export function viewRulesOf(
  config: FederationConfig,
  { policy, ranks }: Policy,
  more: { readonly home?: Home; readonly late?: LateRule; readonly resolve?: Resolve } = {},
): ViewRules {
  const late = more.late === undefined ? {} : { late: more.late };
  switch (policy) {
    case "lww":
    case "first-writer":
    case "add-wins":
    case "delete-wins":
    case "merge":
    case "siblings":
      return { policy, ...late };
    case "priority": {
      const ranked = ranks.flatMap((region, rank) =>
        originsOf(config, region).map((origin) => [origin, rank] as const),
      );
      return { policy, rankOf: new Map(ranked), ...late };
    }
    case "home-wins": {
      const home = more.home === undefined ? [] : originsOf(config, more.home.region);
      return { policy, home: new Set(home), ...late };
    }
    case "resolver":
      return { policy, ...(more.resolve && { resolve: more.resolve }), ...late };
    default:
      return unreachable(policy);
  }
}

/** The one it mints under, and those it once did: its old writes keep its rank. */
function originsOf({ members, closed }: FederationConfig, region: RegionName): readonly OriginId[] {
  const own = members.filter(({ name }) => name === region).map(({ origin }) => origin);
  return [...own, ...closed.filter((one) => one.region === region).map(({ origin }) => origin)];
}
