// etcd_disk_*: how long the log's syncs and the engine's batches take.
import type { DiskTimings } from "../disk-timings.ts";
import type { Collection } from "./collected.ts";

export function addDiskMetrics(collection: Collection, timings: DiskTimings): void {
  collection.histogram(
    "etcd_disk_wal_fsync_duration_seconds",
    "The latency distributions of fsync called by WAL.",
    () => timings.logSyncSeconds,
  );
  collection.histogram(
    "etcd_disk_backend_commit_duration_seconds",
    "The latency distributions of commit called by backend.",
    () => timings.engineWriteSeconds,
  );
  collection.gauge(
    "etcd_disk_wal_write_bytes_total",
    "Total number of bytes written in WAL.",
    () => timings.logBytesWritten,
  );
}
