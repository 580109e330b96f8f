// hansa_federation_*: how far this region is behind each origin, what waits, and which regions are reached.
import { bytesOf } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import type { FederatedRegion } from "../federated-region.ts";
import type { Federation } from "../federation.ts";
import { countOf, entriesOf, memberOf, regionOf } from "../../federation/index.ts";
import type { OriginId } from "../../federation/index.ts";
import type { Collection, Sample } from "./collected.ts";

/** Lags and links are the leader's to know; other members have no samples of them. */
export function addFederationMetrics(collection: Collection, federation: Federation): void {
  addApplied(collection, federation);
  addLags(collection, federation);
  addArrivals(collection, federation);
  addLinks(collection, federation);
  addHomes(collection, federation);
  addHandlers(collection, federation);
  addStates(collection, federation);
  addAudits(collection, federation);
}

function addAudits(collection: Collection, { audits }: Federation): void {
  const byOutcome = (counts: ReadonlyMap<string, number>) => (): readonly Sample[] =>
    [...counts].map(([outcome, value]) => ({ labels: { outcome }, value }));
  collection.counter(
    "hansa_federation_comparisons_total",
    "Comparisons of this region's state with a neighbour's, by what they came to.",
    byOutcome(audits.comparisons),
    ["outcome"],
  );
  collection.counter(
    "hansa_federation_damaged_keys_total",
    "Keys that differed between regions, by what became of them here.",
    byOutcome(audits.findings),
    ["outcome"],
  );
  collection.counter(
    "hansa_federation_scrubbed_keys_total",
    "Federated keys whose values were read and held against their hashes.",
    () => audits.scrubbed,
  );
  collection.gauge(
    "hansa_federation_damaged_keys_open",
    "Keys that differed at the last comparison and were not repaired.",
    () => audits.open,
  );
  collection.gauge(
    "hansa_federation_compared_timestamp_seconds",
    "When this member last compared its state with its neighbours'; 0: never.",
    () => audits.lastAtMs / 1000,
  );
}

function addApplied(collection: Collection, federation: Federation): void {
  const { state } = federation;
  collection.gauge(
    "hansa_federation_config_epoch",
    "Epoch of the federation's configuration as applied here; 0: none.",
    () => state.config.epoch,
  );
  collection.gauge(
    "hansa_federation_applied",
    "The last transaction applied of each origin.",
    () => {
      const { applied } = state;
      return entriesOf(applied).map(([origin, value]) => sampleOf(state, origin, value));
    },
    ["origin", "region"],
  );
  collection.gauge(
    "hansa_federation_conflicts_open",
    "Federated keys of which several siblings are kept, by the prefix whose policy they are under.",
    () => openByPrefix(state),
    ["prefix", "policy"],
  );
  collection.counter(
    "hansa_federation_conflicts_settled_total",
    "Conflicts that were decided, by a write or by settling, since the region was founded.",
    () => state.state.conflicts.next - 1,
  );
  collection.counter(
    "hansa_federation_writes_lost_total",
    "Writes that lost a conflict, by prefix, since this member has its state: which are in the record.",
    () => lostByPrefix(state),
    ["prefix", "policy"],
  );
  collection.gauge(
    "hansa_federation_pullers",
    "Regions that pull from this member.",
    () => federation.pullers,
  );
}

function addStates(collection: Collection, federation: Federation): void {
  const { state } = federation;
  collection.gauge(
    "hansa_federation_retained_bytes",
    "Transactions that this region keeps for others, and what only it has.",
    () => state.state.retention.bytes,
  );
  collection.gauge(
    "hansa_federation_waiting_bytes",
    "Tombstones and siblings, about: they are kept until every region has them.",
    () => state.state.records.waitingBytes,
  );
  collection.gauge(
    "hansa_federation_states_given",
    "Regions that are being given this region's state.",
    () => federation.statesGiven,
  );
  collection.gauge(
    "hansa_federation_state_taken",
    "Whether this region is taking another's state in the place of its own.",
    () => (federation.stateTaken === undefined ? 0 : 1),
  );
  collection.gauge(
    "hansa_federation_salvage",
    "Transactions of closed origins beyond their cuts that are kept here alone.",
    () => state.rebirth.salvage.reduce((sum, { first, last }) => sum + last - first + 1, 0),
  );
}

function addLags(collection: Collection, federation: Federation): void {
  const { state } = federation;
  const perOrigin = (read: (origin: OriginId) => number) => (): readonly Sample[] => {
    if (federation.pulling === undefined) return [];
    const { members } = state.config;
    const others = members.filter(({ origin }) => origin !== state.self);
    return others.map(({ origin }) => sampleOf(state, origin, read(origin)));
  };
  const labels = ["origin", "region"];
  collection.gauge(
    "hansa_federation_lag_dots",
    "Transactions of each origin that some region has applied and this one has not.",
    perOrigin((origin) => lagOf(federation, origin)?.dots ?? 0),
    labels,
  );
  collection.gauge(
    "hansa_federation_lag_seconds",
    "Since the oldest of them was heard of.",
    perOrigin((origin) => (lagOf(federation, origin)?.ageMs ?? 0) / 1000),
    labels,
  );
  collection.gauge(
    "hansa_federation_lag_bytes",
    "Bytes of the transactions of each origin that are here and not applied.",
    perOrigin((origin) => heldOf(federation, state, origin).bytes),
    labels,
  );
  collection.gauge(
    "hansa_federation_held",
    "Transactions of each origin that are here and wait for others.",
    perOrigin((origin) => heldOf(federation, state, origin).count),
    labels,
  );
}

function addArrivals(collection: Collection, { arrivals }: Federation): void {
  collection.histogram(
    "hansa_federation_arrival_seconds",
    "From the stamp of another region's transaction until it is applied in this one.",
    () => arrivals,
  );
}

function addHomes(collection: Collection, { homes }: Federation): void {
  collection.counter(
    "hansa_federation_handed_on_total",
    "Writes handed on to the region that is their keys' home, by what became of them.",
    () =>
      [...homes.counts].flatMap(([region, counts]) =>
        (["taken", "refused", "unknown"] as const).map((outcome) => ({
          labels: { region, outcome },
          value: counts[outcome],
        })),
      ),
    ["region", "outcome"],
  );
  collection.gauge(
    "hansa_federation_home_held",
    "Whether this member holds the lease of each leased home of its region.",
    () => homes.held.map(({ prefix, isHeld }) => ({ labels: { prefix }, value: isHeld ? 1 : 0 })),
    ["prefix"],
  );
}

function addLinks(collection: Collection, federation: Federation): void {
  const { state } = federation;
  collection.gauge(
    "hansa_federation_link_open",
    "Whether each neighbour is reached.",
    () =>
      [...(federation.pulling?.links ?? [])].map(([origin, isOpen]) =>
        sampleOf(state, origin, isOpen ? 1 : 0),
      ),
    ["origin", "region"],
  );
  collection.gauge(
    "hansa_federation_region_applied",
    "What each region reports to have applied of this one's transactions.",
    () => {
      const { self, config } = state;
      if (self === undefined) return [];
      return federation.reports
        .all()
        .filter(({ origin }) => origin !== self && memberOf(config, origin) !== undefined)
        .map(({ origin, vector }) => sampleOf(state, origin, countOf(vector, self)));
    },
    ["origin", "region"],
  );
}

function addHandlers(collection: Collection, { state, handlers }: Federation): void {
  collection.counter(
    "hansa_federation_handler_answers_total",
    "What custom handlers answered to this leader: written, shown, kept, refused, failed or too-large.",
    () =>
      [...handlers.outcomes].flatMap(([handler, outcomes]) =>
        [...outcomes].map(([outcome, value]) => ({ labels: { handler, outcome }, value })),
      ),
    ["handler", "outcome"],
  );
  collection.gauge(
    "hansa_federation_handler_stopped",
    "Whether each custom handler is stopped: 1 until it is set again.",
    () =>
      state.config.handlers.map((handler) => {
        const isStopped = handler.stopped !== undefined || handlers.stopped.has(handler);
        return { labels: { handler: handler.name }, value: isStopped ? 1 : 0 };
      }),
    ["handler"],
  );
}

/** Every prefix, those without a conflict too: what is gone from a metric does not come back as 0. */
function openByPrefix({ config, contested, state }: FederatedRegion): readonly Sample[] {
  const counts = new Map(config.policies.map((policy) => [policy, 0]));
  for (const key of contested) {
    const policy = state.rules.policyOf(key);
    if (policy !== undefined) counts.set(policy, (counts.get(policy) ?? 0) + 1);
  }
  return [...counts].map(([{ prefix, policy }, value]) => ({
    labels: { prefix: textOf(prefix), policy },
    value,
  }));
}

function lostByPrefix({ config, state }: FederatedRegion): readonly Sample[] {
  return config.policies.map(({ prefix, policy }) => ({
    labels: { prefix: textOf(prefix), policy },
    value: state.lost.get(prefix) ?? 0,
  }));
}

/** As UTF-8; what is none shows as U+FFFD. */
function textOf(prefix: Key): string {
  return Buffer.from(bytesOf(prefix)).toString();
}

function lagOf(federation: Federation, origin: OriginId): Federation["lags"][number] | undefined {
  return federation.lags.find((lag) => lag.origin === origin);
}

function heldOf(
  federation: Federation,
  state: FederatedRegion,
  origin: OriginId,
): { readonly bytes: number; readonly count: number } {
  const waiting = federation.pulling?.holding.waiting(state);
  return waiting?.find((one) => one.origin === origin) ?? { bytes: 0, count: 0 };
}

function sampleOf({ config }: FederatedRegion, origin: OriginId, value: number): Sample {
  return { labels: { origin: String(origin), region: regionOf(config, origin) ?? "" }, value };
}
