// The birth of a lineage: the stamp of the put that began it, carried on by every put that overwrites it, however
// often (policy `first-writer`, federation 7). A put behind a delete begins another.
import type { Siblings } from "./sibling.ts";
import type { Stamp } from "./transaction.ts";
import { compareStamps } from "./view.ts";

/** What a put over `overwritten` carries on; undefined: it begins a lineage itself. */
export function birthOver(overwritten: Siblings): Stamp | undefined {
  return overwritten
    .filter(({ value }) => value !== undefined)
    .map(({ birth }) => birth)
    .reduce<Stamp | undefined>(
      (least, one) => (least === undefined || compareStamps(one, least) < 0 ? one : least),
      undefined,
    );
}
