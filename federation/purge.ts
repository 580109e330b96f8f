// When a tombstone may be forgotten: alone, and applied by every member (federation 10). No clock has a say; regions may
// purge at different times, because whatever is minted after has seen it.
import type { FederationBug } from "./planted.ts";
import { isTombstone } from "./sibling.ts";
import type { Siblings } from "./sibling.ts";
import { hasDot } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** The siblings once what may be purged is. `stable`: applied by every member, in its stream's order. */
export function purged(siblings: Siblings, stable: Vector, planted?: FederationBug): Siblings {
  const mayGo = (dot: (typeof siblings)[number]["dot"]): boolean =>
    planted === "tombstone-by-wall-time" || hasDot(stable, dot);
  if (planted === "purge-with-sibling") {
    return siblings.filter((one) => !(isTombstone(one) && mayGo(one.dot)));
  }
  const [only, ...others] = siblings;
  if (only === undefined || others.length > 0) return siblings;
  return isTombstone(only) && mayGo(only.dot) ? [] : siblings;
}
