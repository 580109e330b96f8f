// Closed origins of which this region has, or may have, another history than the one that counts (federation 1, 11). Told when
// another region's state takes the place of its own: what is retained of them is then for the salvage alone.
import { present } from "../base/index.ts";
import type { RowSet } from "../store/index.ts";
import type { ClosedOrigin } from "./config.ts";
import type { OriginId } from "./dot.ts";
import type { RegionCore } from "./region-core.ts";
import { isCounted } from "./strays.ts";

/** Names the rows that `otherHistories` reads. */
export function needHistories(core: RegionCore, rows: RowSet): void {
  for (const closed of core.config?.closed ?? []) {
    const { origin, cut } = closed;
    if (hasRowAtCut(core, closed)) core.retained.want(origin, cut, rows);
  }
}

export function otherHistories(core: RegionCore, rows: RowSet): readonly OriginId[] {
  const closed = core.config?.closed ?? [];
  return closed.filter((one) => isOther(core, one, rows)).map(({ origin }) => origin);
}

/** Whether what is applied here is, by where it ends: before the cut and beyond it nothing tells but that two were seen. */
export function mayBeOther(core: RegionCore, closed: ClosedOrigin): boolean {
  const { origin, cut } = closed;
  const applied = core.appliedOf(origin);
  if (applied === cut) return !isCounted(closed, core.chainOf(origin));
  return applied > 0 && core.forked.has(origin);
}

function isOther(core: RegionCore, closed: ClosedOrigin, rows: RowSet): boolean {
  const { origin, cut } = closed;
  if (core.appliedOf(origin) <= cut) return mayBeOther(core, closed);
  // Without the row nobody knows; what is retained beyond the cut is for the salvage alone in any case.
  if (!hasRowAtCut(core, closed)) return true;
  const kept = present(core.retained.read(origin, cut, rows), "a retained row");
  return !isCounted(closed, kept.hash);
}

/** Of what is applied beyond the cut, the row whose hash tells. */
function hasRowAtCut({ retained }: RegionCore, { origin, cut }: ClosedOrigin): boolean {
  const { retention } = retained;
  const [first, last] = [retention.firstOf(origin), retention.lastOf(origin)];
  return first !== undefined && last !== undefined && first <= cut && last > cut;
}
