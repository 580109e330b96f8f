// What a region keeps of closed origins that nobody else has: transactions beyond a cut, or of another history than the
// one that counts, until its operator has exported them (federation 11).
import type { ClosedOrigin } from "./config.ts";
import type { OriginId } from "./dot.ts";
import type { Retention } from "./retention.ts";

/** From `first` to `last`, all of them retained. */
export interface Salvage {
  readonly origin: OriginId;
  readonly first: number;
  readonly last: number;
}

/** Undefined: nothing of the origin. Where two histories part is not known, so all that is retained of the other counts. */
export function salvageOf(
  retention: Retention,
  { origin, cut }: Pick<ClosedOrigin, "origin" | "cut">,
): Salvage | undefined {
  const kept = retention.rangeOf(origin);
  if (kept === undefined) return undefined;
  const first = retention.isAside(origin) ? kept.first : Math.max(kept.first, cut + 1);
  return first > kept.last ? undefined : { origin, first, last: kept.last };
}
