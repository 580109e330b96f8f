// hansa_read_*: what reads of each mode got, what they missed, and how old their answers may be.
import type { ReadCounters } from "../read-counters.ts";
import type { Collection, Sample } from "./collected.ts";

export function addReadMetrics(collection: Collection, reads: ReadCounters): void {
  collection.counter(
    "hansa_reads_total",
    "Reads answered, by the mode that was asked and the one that the answer proves.",
    () => pairs(reads.answered, "asked", "used"),
    ["asked", "used"],
  );
  collection.counter(
    "hansa_read_misses_total",
    "Moments that did not come or did not do, by mode and reason; the read waits, goes elsewhere or fails.",
    () => pairs(reads.missed, "mode", "reason"),
    ["mode", "reason"],
  );
  collection.counter(
    "hansa_read_lease_fallbacks_total",
    "Lease reads that asked the leader's peers after all: the lease ended while the answer was built.",
    () => reads.leaseFallbacks,
  );
  collection.histogram(
    "hansa_read_staleness_bound_seconds",
    "The bound on their age that answers were given with.",
    () => reads.stalenessSeconds,
  );
  collection.counter(
    "hansa_read_unknown_age_total",
    "Answers of which nobody can tell how old they may be.",
    () => reads.ofUnknownAge,
  );
}

function pairs(
  counts: ReadonlyMap<string, number>,
  left: string,
  right: string,
): readonly Sample[] {
  return [...counts].map(([key, value]) => {
    const [first = "", second = ""] = key.split(" ");
    return { labels: { [left]: first, [right]: second }, value };
  });
}
