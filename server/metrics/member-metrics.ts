// What /metrics answers with: one registry for one member, with etcd's names where etcd has them and Hansa's own
// beside them. Nothing is counted here; each reading is taken when it is asked for.
import { Registry, collectDefaultMetrics } from "prom-client";
import type { MetricsText } from "../../rpc/index.ts";
import { addCallMetrics } from "./call-metrics.ts";
import { Collection } from "./collected.ts";
import { addConsensusMetrics } from "./consensus-metrics.ts";
import type { ConsensusSources } from "./consensus-metrics.ts";
import { addDiskMetrics } from "./disk-metrics.ts";
import { addFederationMetrics } from "./federation-metrics.ts";
import { addNetworkMetrics } from "./network-metrics.ts";
import type { NetworkSources } from "./network-metrics.ts";
import { addReadMetrics } from "./read-metrics.ts";
import { addStoreMetrics } from "./store-metrics.ts";
import type { StoreSources } from "./store-metrics.ts";
import type { Federation } from "../federation.ts";
import type { Upkeep } from "../upkeep.ts";

export interface MetricSources extends StoreSources, ConsensusSources, NetworkSources {
  readonly upkeep: Upkeep;
  /** Absent: the region is in none. */
  readonly federation?: Federation | undefined;
}

/** prom-client looks ten times as often by itself, and wakes an idle member a hundred times a second. */
const LOOP_LOOKED_AT_MS = 100;

export class MemberMetrics implements MetricsText {
  readonly contentType: string;
  readonly #registry = new Registry();

  constructor(sources: MetricSources) {
    this.contentType = this.#registry.contentType;
    const collection = new Collection(this.#registry);
    addConsensusMetrics(collection, sources);
    addStoreMetrics(collection, sources);
    addDiskMetrics(collection, sources.timings);
    addNetworkMetrics(collection, sources);
    addCallMetrics(collection, sources.calls);
    addReadMetrics(collection, sources.backend.reads);
    addCorruption(collection, sources.upkeep);
    if (sources.federation !== undefined) addFederationMetrics(collection, sources.federation);
    // process_* and nodejs_*: memory, descriptors, garbage collection, how late the event loop is.
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: LOOP_LOOKED_AT_MS,
    });
  }

  async text(): Promise<string> {
    return await this.#registry.metrics();
  }
}

function addCorruption(collection: Collection, upkeep: Upkeep): void {
  collection.counter(
    "hansa_state_comparisons_total",
    "Comparisons of what members applied (marks) and of all their keys (hash).",
    () => [
      { labels: { by: "marks" }, value: upkeep.corruption.marksCompared },
      { labels: { by: "hash" }, value: upkeep.corruption.hashesCompared },
    ],
    ["by"],
  );
  collection.counter(
    "hansa_state_mismatches_total",
    "Comparisons that found members to differ.",
    () => upkeep.corruption.mismatches,
  );
}
