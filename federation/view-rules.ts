// What the configuration says of the view of a key: its policy, with regions turned into origins (federation 7, 12).
import { unreachable } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import type { FederationConfig, Handler, Home, LateCut, Policy, RegionName } from "./config.ts";
import type { OriginId } from "./dot.ts";
import type { Siblings } from "./sibling.ts";

/** What a custom handler makes of siblings; `keep` leaves them as they are, the last of them shown (federation 8). */
export type Resolution =
  | { readonly action: "value"; readonly value: Uint8Array }
  | { readonly action: "delete" }
  | { readonly action: "keep" };

/** Total and the same everywhere: a handler that fails keeps. Siblings by ascending dot. */
export type Resolve = (key: Key, siblings: Siblings) => Resolution;

/** `late`: what homes minted that had lost the prefix by then is not seen by itself (federation 12). */
export type ViewRules = { readonly late?: readonly LateCut[] } & (
  | {
      readonly policy: "lww" | "first-writer" | "add-wins" | "delete-wins" | "merge" | "siblings";
    }
  /** 0 is the strongest; who is not named ranks behind all. */
  | { readonly policy: "priority"; readonly rankOf: ReadonlyMap<OriginId, number> }
  /** All origins, closed ones too, of the region that is the home. */
  | { readonly policy: "home-wins"; readonly home: ReadonlySet<OriginId> }
  /**
   * `shownBy`: the hash of the handler whose answers are shown; absent: it runs on write, or is stopped. `resolve`: that
   * answer, once it is known; absent: the view is that of `siblings`.
   */
  | { readonly policy: "resolver"; readonly shownBy?: string; readonly resolve?: Resolve }
);

/** Of one prefix. `at`: the home of the key; undefined: it has none. */
export function viewRulesOf(
  config: FederationConfig,
  { policy, ranks, handler }: Policy,
  at?: Home,
): ViewRules {
  const late = at?.late === undefined ? {} : { late: at.late };
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
      const home = at === undefined ? [] : originsOf(config, at.region);
      return { policy, home: new Set(home), ...late };
    }
    case "resolver": {
      const running = runningHandler(config, handler);
      return { policy, ...(running?.runs === "on-read" && { shownBy: running.hash }), ...late };
    }
    default:
      return unreachable(policy);
  }
}

/** Undefined: there is none of that name, or it is stopped. */
export function runningHandler(
  { handlers }: FederationConfig,
  name: string | undefined,
): Handler | undefined {
  const handler = handlers.find((one) => one.name === name);
  return handler?.stopped === undefined ? handler : undefined;
}

/** The one it mints under, and those it once did: its old writes keep its rank. */
function originsOf({ members, closed }: FederationConfig, region: RegionName): readonly OriginId[] {
  const own = members.filter(({ name }) => name === region).map(({ origin }) => origin);
  return [...own, ...closed.filter((one) => one.region === region).map(({ origin }) => origin)];
}
