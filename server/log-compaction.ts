// How far the log is cut when the state up to a checkpoint is durable (S2): by count as etcd does, keeping
// entries for followers that lag, and by bytes when the entries are large.
import type { LogIndex } from "../base/index.ts";
import type { Log } from "../store/index.ts";
import type { ReplicaLimits } from "./limits.ts";

/** Entries up to the result may go; undefined: it is too early. Never beyond `checkpointed`. */
export function compactionTarget(
  log: Pick<Log, "reader" | "sizeBytes" | "newestWithin">,
  checkpointed: LogIndex,
  limits: Pick<ReplicaLimits, "snapshotEntries" | "catchUpEntries" | "logBytesMax">,
): LogIndex | undefined {
  const compacted = log.reader.first() - 1;
  const { snapshotEntries, catchUpEntries, logBytesMax } = limits;
  const byCount =
    checkpointed - compacted >= snapshotEntries + catchUpEntries
      ? checkpointed - catchUpEntries
      : 0;
  const byBytes =
    log.sizeBytes > logBytesMax ? Math.min(checkpointed, log.newestWithin(logBytesMax / 2) - 1) : 0;
  const target = Math.max(byCount, byBytes);
  return target > compacted ? (target as LogIndex) : undefined;
}
