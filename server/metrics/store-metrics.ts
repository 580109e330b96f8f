// etcd_mvcc_*, etcd_debugging_mvcc_* and etcd_debugging_lease_*: keys, their history, watches and leases of this member.
import type { MemberBackend } from "../member-backend.ts";
import type { ReplicaCounters } from "../replica-counters.ts";
import type { Replica } from "../replica.ts";
import type { CallCounters } from "../../rpc/index.ts";
import type { Collection } from "./collected.ts";

export interface StoreSources {
  readonly replica: Replica;
  readonly counters: ReplicaCounters;
  readonly backend: MemberBackend;
  readonly calls: CallCounters;
}

export function addStoreMetrics(collection: Collection, sources: StoreSources): void {
  addOperations(collection, sources);
  addSizes(collection, sources);
  addWatches(collection, sources);
  addLeases(collection, sources);
}

function addOperations(collection: Collection, { counters, backend }: StoreSources): void {
  const { applied } = counters;
  const { reads } = backend;
  collection.counter(
    "etcd_mvcc_put_total",
    "Total number of puts seen by this member.",
    () => applied.puts,
  );
  collection.counter(
    "etcd_mvcc_delete_total",
    "Total number of deletes seen by this member.",
    () => applied.deletes,
  );
  collection.counter(
    "etcd_mvcc_range_total",
    "Total number of ranges seen by this member.",
    () => applied.ranges + reads.answeredCount,
  );
  collection.counter(
    "etcd_mvcc_txn_total",
    "Total number of txns seen by this member.",
    () => applied.txns,
  );
}

function addSizes(collection: Collection, { replica, backend }: StoreSources): void {
  collection.gauge(
    "etcd_mvcc_db_total_size_in_bytes",
    "Total size of the underlying database physically allocated in bytes.",
    () => backend.status().dbSizeBytes,
  );
  collection.gauge(
    "etcd_mvcc_db_total_size_in_use_in_bytes",
    "Total size of the underlying database logically in use in bytes.",
    () => backend.status().dbSizeInUseBytes,
  );
  collection.gauge(
    "etcd_server_quota_backend_bytes",
    "Current backend storage quota size in bytes.",
    () => backend.status().dbSizeQuotaBytes,
  );
  collection.gauge(
    "etcd_debugging_mvcc_keys_total",
    "Total number of keys.",
    () => replica.machine.keyCount,
  );
  collection.gauge(
    "etcd_debugging_mvcc_current_revision",
    "The current revision of store.",
    () => replica.machine.revision,
  );
  collection.gauge(
    "etcd_debugging_mvcc_compact_revision",
    "The revision of the last compaction in store.",
    () => replica.machine.compacted,
  );
}

function addWatches(collection: Collection, { backend, calls }: StoreSources): void {
  const { watches } = backend;
  const streams = calls.methods.get("/etcdserverpb.Watch/Watch");
  collection.gauge(
    "etcd_debugging_mvcc_watch_stream_total",
    "Total number of watch streams.",
    () => streams?.open ?? 0,
  );
  collection.gauge(
    "etcd_debugging_mvcc_watcher_total",
    "Total number of watchers.",
    () => watches.count,
  );
  collection.gauge(
    "etcd_debugging_mvcc_slow_watcher_total",
    "Total number of unsynced slow watchers.",
    () => watches.behindCount,
  );
  collection.counter(
    "etcd_debugging_mvcc_events_total",
    "Total number of events sent by this member.",
    () => watches.eventsTold,
  );
  collection.gauge(
    "etcd_debugging_mvcc_pending_events_total",
    "Revisions of which some watch that keeps pace has yet to be told: a slow one holds no events, only its place.",
    () => watches.pendingRevisions,
  );
}

function addLeases(collection: Collection, { replica, counters }: StoreSources): void {
  const { applied } = counters;
  collection.counter(
    "etcd_debugging_lease_granted_total",
    "The total number of granted leases.",
    () => applied.leasesGranted,
  );
  collection.counter(
    "etcd_debugging_lease_revoked_total",
    "The total number of revoked leases.",
    () => applied.leasesRevoked,
  );
  collection.counter(
    "etcd_debugging_lease_renewed_total",
    "The number of renewed leases seen by the leader.",
    () => applied.leasesRenewed,
  );
  collection.counter(
    "etcd_debugging_server_lease_expired_total",
    "The total number of expired leases.",
    () => applied.leasesExpired,
  );
  collection.gauge("hansa_leases", "Leases that stand.", () => replica.machine.leases.size);
}
