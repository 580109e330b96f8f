// Every option of a server, once: its flag (etcd's name where etcd has it), type, default, unit and meaning.
// Types, flags, environment variables, YAML keys, help and docs/configuration.md all come from here.
import { z } from "zod";
import {
  choice,
  clientListenUrls,
  clientUrls,
  fraction,
  label,
  labels,
  logLevel,
  outputs,
  path,
  peerListenUrls,
  peerUrls,
  span,
  text,
  whole,
  wordOrNone,
} from "./config-value.ts";
import { facts, option } from "./config-option.ts";
import type { OptionFacts } from "./config-option.ts";
import { authOptions } from "./config-auth.ts";
import { federationOptions } from "./config-federation.ts";
import { httpOptions } from "./config-http.ts";
import { tlsOptions } from "./config-tls.ts";
import { upkeepOptions } from "./config-upkeep.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export const configSchema = z.object({
  name: option("Member", "name", label, "default", "Name of this member."),
  dataDir: option("Member", "data-dir", path, "", "Data directory; empty: NAME.hansa."),
  listenPeerUrls: option(
    "Member",
    "listen-peer-urls",
    peerListenUrls,
    "http://localhost:2380",
    "Where this member listens for the other members.",
  ),
  listenClientUrls: option(
    "Member",
    "listen-client-urls",
    clientListenUrls,
    "http://localhost:2379",
    "Where this member listens for clients.",
  ),
  advertiseClientUrls: option(
    "Member",
    "advertise-client-urls",
    clientUrls,
    "http://localhost:2379",
    "What clients are told to connect to; required when --listen-client-urls is given.",
  ),
  region: option(
    "Member",
    "region",
    wordOrNone,
    "",
    "Region of this member, named in every answer's proof.",
  ),

  initialCluster: option(
    "Cluster",
    "initial-cluster",
    text,
    "",
    "Members at the first start: NAME=PEER-URL,...; empty: this member alone. Ignored once a data directory exists.",
  ),
  initialClusterState: option(
    "Cluster",
    "initial-cluster-state",
    choice(["new", "existing"]),
    "new",
    "Whether the first start makes a cluster or joins one that runs, which must expect it: see `hansa member add`.",
  ),
  initialClusterToken: option(
    "Cluster",
    "initial-cluster-token",
    label,
    "etcd-cluster",
    "Part of the cluster's and the members' ids: give each cluster its own.",
  ),
  initialAdvertisePeerUrls: option(
    "Cluster",
    "initial-advertise-peer-urls",
    peerUrls,
    "http://localhost:2380",
    "This member's peer URLs, as --initial-cluster has them.",
  ),
  initialLearners: option(
    "Cluster",
    "initial-learners",
    labels,
    "",
    "Names in --initial-cluster that start as learners: they hold the data and answer reads, but do not vote.",
  ),
  maxLearners: option(
    "Cluster",
    "max-learners",
    whole("members", 0, 100),
    "1",
    "Learners that the cluster takes; those that are to vote once they have caught up do not count.",
  ),
  strictReconfigCheck: option(
    "Cluster",
    "strict-reconfig-check",
    choice(["true", "false"]),
    "true",
    "Refuse changes of membership that would leave too few started members, or while voters are away.",
  ),
  consensus: option(
    "Consensus",
    "consensus",
    choice(["raft", "paxos"]),
    "raft",
    "Protocol of the group, for its whole life.",
  ),
  heartbeatIntervalMs: option(
    "Consensus",
    "heartbeat-interval",
    whole("milliseconds", 1, 10_000),
    "100",
    "Milliseconds between a leader's heartbeats; about one round trip.",
  ),
  electionTimeoutMs: option(
    "Consensus",
    "election-timeout",
    whole("milliseconds", 10, 50_000),
    "1000",
    "Milliseconds without a leader before a follower stands for election (it draws from once to twice this). At the first start it becomes the group's lease constant, and no member may later go below it.",
  ),
  preVote: option(
    "Consensus",
    "pre-vote",
    choice(["true"]),
    "true",
    "Ask before standing for election, so that a returning member deposes nobody; always on.",
  ),
  clockDriftMax: option(
    "Consensus",
    "clock-drift-max",
    fraction(0, 0.5),
    "0.1",
    "Largest error of a clock's rate on any member, as a fraction. 0.1 covers chrony, which by default slews Linux's monotonic clock by up to 8.3 % while it corrects an offset. Lease reads and staleness bounds rest on it.",
  ),
  leaseMarginMs: option(
    "Consensus",
    "lease-margin-ms",
    whole("milliseconds", 10, 10_000),
    "50",
    "Milliseconds taken off the leader's lease on top of drift; wall time running ahead of monotonic time by more than this drops leases and staleness stamps (a suspended machine).",
  ),

  maxTxnOps: option(
    "Limits",
    "max-txn-ops",
    whole("operations", 1, 100_000),
    "128",
    "Operations in one transaction.",
  ),
  maxRequestBytes: option(
    "Limits",
    "max-request-bytes",
    whole("bytes", 1024, 64 * MIB),
    String(1.5 * MIB),
    "Bytes of one client request.",
  ),
  maxConnections: option(
    "Limits",
    "max-connections",
    whole("connections", 1, 1_000_000),
    "10000",
    "Connections of clients that this member serves at once; one more is told so, and closed.",
  ),
  maxConcurrentStreams: option(
    "Limits",
    "max-concurrent-streams",
    whole("streams", 1, 0xffff_ffff),
    String(0xffff_ffff),
    "Calls that one client connection may have open.",
  ),
  requestTimeoutMs: option(
    "Limits",
    "request-timeout-ms",
    whole("milliseconds", 100, 600_000),
    "7000",
    "Milliseconds a call may take whatever deadline the client names (etcd: 5 s + 2 election timeouts).",
  ),
  appendBytesMax: option(
    "Limits",
    "append-bytes-max",
    whole("bytes", 64 * KIB, 64 * MIB),
    String(MIB),
    "Bytes of entries in one message to a follower (a larger single entry still travels, alone).",
  ),
  inflightMessagesMax: option(
    "Limits",
    "inflight-messages-max",
    whole("messages", 1, 65_536),
    "256",
    "Append messages to one follower that are not acknowledged.",
  ),
  inflightBytesMax: option(
    "Limits",
    "inflight-bytes-max",
    whole("bytes", 64 * KIB, 1024 * MIB),
    String(16 * MIB),
    "Bytes of entries to one follower that are not acknowledged.",
  ),
  uncommittedBytesMax: option(
    "Limits",
    "uncommitted-bytes-max",
    whole("bytes", MIB, 4096 * MIB),
    String(64 * MIB),
    "Bytes of commands the leader holds uncommitted; beyond it writes are refused with too many requests.",
  ),
  readsWaitingMax: option(
    "Limits",
    "reads-waiting-max",
    whole("reads", 1, 1_000_000),
    "20000",
    "Reads waiting for their index on this member; beyond it reads are refused.",
  ),
  readLagEntriesMax: option(
    "Limits",
    "read-lag-entries-max",
    whole("entries", 1, 1_000_000_000),
    "5000",
    "A follower further behind than this refuses linearizable reads at once.",
  ),
  watchesMax: option(
    "Limits",
    "watches-max",
    whole("watches", 1, 10_000_000),
    "1000000",
    "Watches on this member; beyond it new ones are refused.",
  ),
  watchProgressNotifyIntervalMs: option(
    "Limits",
    "watch-progress-notify-interval",
    span(100, 24 * 60 * 60 * 1000),
    "10m",
    "How often a watch that asks for progress is told of it when nothing happens; a duration as 10m or 1m30s.",
  ),
  shutdownTimeoutMs: option(
    "Limits",
    "shutdown-timeout-ms",
    whole("milliseconds", 0, 600_000),
    "5000",
    "Milliseconds a stop waits for calls in flight.",
  ),

  ...httpOptions,
  ...tlsOptions,
  ...upkeepOptions,
  ...authOptions,

  walDir: option(
    "Storage",
    "wal-dir",
    path,
    "",
    "Directory of the consensus log; empty: DATA-DIR/log.",
  ),
  logSegmentBytes: option(
    "Storage",
    "log-segment-bytes",
    whole("bytes", MIB, 1024 * MIB),
    String(64 * MIB),
    "Bytes of one log segment file, allocated at once.",
  ),
  snapshotCount: option(
    "Storage",
    "snapshot-count",
    whole("entries", 1, 100_000_000),
    "10000",
    "Committed entries after which the state is written synced and the log behind it is compacted.",
  ),
  snapshotCatchupEntries: option(
    "Storage",
    "snapshot-catchup-entries",
    whole("entries", 0, 100_000_000),
    "5000",
    "Entries kept behind a compaction, so that a member that lags needs no snapshot.",
  ),
  logBytes: option(
    "Storage",
    "log-bytes",
    whole("bytes", 8 * MIB, 1024 * 1024 * MIB),
    String(1024 * MIB),
    "Bytes of log beyond which it is compacted to half of them, whatever the counts say.",
  ),
  snapshotsMax: option(
    "Storage",
    "snapshots-max",
    whole("snapshots", 1, 16),
    "2",
    "Snapshots sent to other members at once; further ones wait.",
  ),
  valueCacheBytes: option(
    "Storage",
    "value-cache-bytes",
    whole("bytes", 0, 1024 * 1024 * MIB),
    String(64 * MIB),
    "Bytes of values kept in memory; reads of others wait for the engine.",
  ),

  ...federationOptions,

  logLevel: option(
    "Logging",
    "log-level",
    logLevel,
    "info",
    "Lines below this level are not written; dpanic, panic and fatal mean error.",
  ),
  logOutputs: option(
    "Logging",
    "log-outputs",
    outputs,
    "default",
    "default (stderr), stderr, stdout, systemd/journal or paths of files, separated by commas.",
  ),
  logFormat: option(
    "Logging",
    "log-format",
    choice(["json", "console"]),
    "json",
    "One JSON object a line, or lines for people.",
  ),
  logger: option(
    "Logging",
    "logger",
    choice(["zap"]),
    "zap",
    "etcd's name for structured lines; there is no other.",
  ),
});

/** Every option's typed value, before what depends on other options is filled in. */
export type OptionValues = Readonly<z.output<typeof configSchema>>;
export type OptionName = keyof OptionValues;

export interface OptionEntry extends OptionFacts {
  readonly property: OptionName;
}

/** All options in the schema's order. */
export const OPTIONS: readonly OptionEntry[] = Object.entries(configSchema.shape).map(
  ([property, field]) => {
    const known = facts.get(field);
    if (known === undefined) throw new TypeError(`option ${property} has no facts`);
    return { property: property as OptionName, ...known };
  },
);

/** `HANSA_DATA_DIR` for `data-dir`. */
export function environmentName(prefix: "HANSA_" | "ETCD_", flag: string): string {
  return prefix + flag.toUpperCase().replaceAll("-", "_");
}
