// etcd_server_*: who leads, how far the log is, what was proposed. And what etcd has no name for: the protocol, its
// epoch, the lease, the log's size, snapshots on their way.
import type { ApplyPace } from "../apply-pace.ts";
import { hexId } from "../cluster.ts";
import type { ProtocolName } from "../cluster.ts";
import type { DiskTimings } from "../disk-timings.ts";
import type { MemberBackend } from "../member-backend.ts";
import type { ReplicaCounters } from "../replica-counters.ts";
import type { Replica } from "../replica.ts";
import { ETCD_API_VERSION, HANSA_VERSION, SERVER_VERSION } from "../version.ts";
import type { MemberId } from "../../base/index.ts";
import type { Collection } from "./collected.ts";

export interface ConsensusSources {
  readonly replica: Replica;
  readonly backend: MemberBackend;
  readonly pace: ApplyPace;
  readonly counters: ReplicaCounters;
  readonly timings: DiskTimings;
  readonly memberId: MemberId;
  readonly protocol: ProtocolName;
  /** Answers to GET /health. */
  readonly health: { readonly successes: number; readonly failures: number };
}

export function addConsensusMetrics(collection: Collection, sources: ConsensusSources): void {
  addIdentity(collection, sources);
  addLeadership(collection, sources);
  addProposals(collection, sources);
  addReadIndexes(collection, sources);
  addOwn(collection, sources);
}

function addIdentity(collection: Collection, sources: ConsensusSources): void {
  const { memberId, protocol, health } = sources;
  const fact = (name: string, help: string, labels: Readonly<Record<string, string>>): void => {
    collection.gauge(name, help, () => [{ labels, value: 1 }], Object.keys(labels));
  };
  fact("etcd_server_id", "Server or member ID in hexadecimal format. 1 for 'server_id' label.", {
    server_id: hexId(memberId),
  });
  fact("etcd_server_version", "Which version is running. 1 for 'server_version' label.", {
    server_version: SERVER_VERSION,
  });
  fact("etcd_cluster_version", "Which version is running. 1 for 'cluster_version' label.", {
    cluster_version: ETCD_API_VERSION.replace(/\.\d+$/, ""),
  });
  fact("hansa_build_info", "Which release is running, and the protocol of its group.", {
    version: HANSA_VERSION,
    protocol,
  });
  collection.counter(
    "etcd_server_health_success",
    "The total number of successful health checks",
    () => health.successes,
  );
  collection.counter(
    "etcd_server_health_failures",
    "The total number of failed health checks",
    () => health.failures,
  );
}

function addLeadership(collection: Collection, { replica, counters }: ConsensusSources): void {
  collection.gauge(
    "etcd_server_has_leader",
    "Whether or not a leader exists. 1 is existence, 0 is not.",
    () => flag(replica.status().leader !== undefined),
  );
  collection.gauge(
    "etcd_server_is_leader",
    "Whether or not this member is a leader. 1 if is, 0 otherwise.",
    () => flag(replica.status().role === "leader"),
  );
  collection.gauge(
    "etcd_server_is_learner",
    "Whether or not this member is a learner. 1 if is, 0 otherwise.",
    () => flag(replica.status().role === "learner"),
  );
  collection.counter(
    "etcd_server_leader_changes_seen_total",
    "The number of leader changes seen.",
    () => counters.leadersSeen,
  );
}

function addProposals(collection: Collection, { replica, pace, counters }: ConsensusSources): void {
  collection.gauge(
    "etcd_server_proposals_committed_total",
    "The total number of consensus proposals committed.",
    () => replica.status().committed,
  );
  collection.gauge(
    "etcd_server_proposals_applied_total",
    "The total number of consensus proposals applied.",
    () => replica.machine.applied,
  );
  collection.gauge(
    "etcd_server_proposals_pending",
    "The current number of pending proposals to commit.",
    () => replica.backlog.commands,
  );
  collection.counter(
    "etcd_server_proposals_failed_total",
    "The total number of failed proposals seen.",
    () => counters.commandsFailed,
  );
  collection.counter(
    "etcd_server_slow_apply_total",
    "The total number of slow apply requests (likely overloaded from slow disk).",
    () => pace.slowCount,
  );
}

function addReadIndexes(collection: Collection, { backend }: ConsensusSources): void {
  const { reads } = backend;
  collection.counter(
    "etcd_server_slow_read_indexes_total",
    "The total number of pending read indexes not in sync with leader's or timed out read index requests.",
    () => reads.readIndexesSlow,
  );
  collection.counter(
    "etcd_server_read_indexes_failed_total",
    "The total number of failed read indexes seen.",
    () => reads.readIndexesFailed,
  );
}

function addOwn(collection: Collection, { replica, counters, timings }: ConsensusSources): void {
  collection.gauge(
    "hansa_consensus_epoch",
    "The term (Raft) or the ballot's round (Paxos) that this member is in.",
    () => replica.status().epoch.round,
  );
  collection.gauge(
    "hansa_leader_lease_held",
    "1 while this member leads and its lease lets it answer reads alone, 0 otherwise.",
    () => flag(replica.leaseHolds(replica.status().epoch)),
  );
  collection.gauge(
    "hansa_apply_backlog_entries",
    "Entries that are committed and not yet applied here.",
    () => replica.backlog.applyEntries,
  );
  collection.gauge(
    "hansa_reads_waiting",
    "Reads that wait for their moment.",
    () => replica.backlog.reads,
  );
  collection.gauge("hansa_log_bytes", "Bytes of the log's segments.", () => timings.logBytes());
  collection.gauge(
    "hansa_snapshots_sending",
    "Snapshots on their way to other members.",
    () => replica.snapshots.progress.sending,
  );
  collection.gauge(
    "hansa_snapshots_receiving",
    "1 while this member takes in a snapshot, 0 otherwise.",
    () => flag(replica.snapshots.progress.receiving),
  );
  collection.counter(
    "hansa_commands_refused_total",
    "Commands that were applied and changed nothing: the state refused them.",
    () => counters.applied.refused,
  );
}

function flag(holds: boolean): number {
  return holds ? 1 : 0;
}
