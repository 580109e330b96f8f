// What this region has to settle of its conflicts at a cut that all have (federation 5): looked for by its leader, so that
// no entry is logged where there is nothing to do, and once more where the entry is applied.
import type { Key } from "../base/index.ts";
import { closedOrigin } from "./config-standing.ts";
import type { OriginId } from "./dot.ts";
import type { RegionCore } from "./region-core.ts";
import { settlementOf } from "./settlement.ts";
import type { Operation } from "./transaction.ts";
import { shared } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** One of each key at most, in their order. `stable`: what every member has, by the word of who proposes. */
export function openSettlements(
  { records, rules, self, config, applied }: RegionCore,
  stable: Vector,
  keys: readonly Key[],
): readonly Operation[] {
  if (self === undefined || config === undefined) return [];
  const settler = {
    self: self.origin,
    stable: shared(stable, applied),
    isClosed: (origin: OriginId) => closedOrigin(config, origin) !== undefined,
  };
  return [...new Set(keys)].flatMap((key) => {
    const { siblings } = records.of(key);
    return settlementOf(rules.viewOf(key), key, siblings, settler) ?? [];
  });
}
