// etcd's options that this server does not have. One given the value whose effect is what happens here
// anyway is accepted; any other is refused by name with the reason, never ignored.

export interface ForeignOption {
  readonly flag: string;
  /** Values that change nothing here. */
  readonly accepts: readonly string[];
  readonly reason: string;
  /** Any other value is accepted too, with a warning that says why it changes nothing. */
  readonly warns?: true;
}

const DISCOVERY = "discovery is not supported: name the members with --initial-cluster";
const PROXY = "the v2 proxy is not offered";
const BACKEND = "there is no bbolt backend to tune";

function foreign(reason: string, accepts: readonly string[], ...flags: string[]): ForeignOption[] {
  return flags.map((flag) => ({ flag, accepts, reason }));
}

/** What tools pass to every etcd, and what is harmless to leave out. */
function ignored(reason: string, ...flags: string[]): ForeignOption[] {
  return flags.map((flag) => ({ flag, accepts: [], reason, warns: true }));
}

/** The same of what is on or off; its flag alone says on. */
function ignoredToggles(reason: string, ...flags: string[]): ForeignOption[] {
  return flags.map((flag) => ({ flag, accepts: ["false"], reason, warns: true }));
}

export const FOREIGN_OPTIONS: readonly ForeignOption[] = [
  ...foreign(
    "the gateway calls the services in this process, and shows no certificate",
    [""],
    "client-cert-file",
    "client-key-file",
  ),
  ...foreign(
    "renamed: --peer-skip-client-san-verification",
    ["false"],
    "experimental-peer-skip-client-san-verification",
  ),
  ...foreign(
    "profiling over HTTP is not offered: start with NODE_OPTIONS=--cpu-prof, or attach an inspector",
    ["false"],
    "enable-pprof",
  ),
  ...ignoredToggles("the v2 API is not offered", "enable-v2"),
  ...foreign("the v2 API is not offered", [""], "experimental-enable-v2v3"),
  ...foreign("the v2 API is not offered", ["not-yet", "write-only"], "v2-deprecation"),
  ...ignored("what the log no longer needs is removed by itself", "max-snapshots", "max-wals"),
  ...ignored(
    "a compaction goes on in bounded steps by itself",
    "compaction-batch-limit",
    "compaction-sleep-interval",
  ),
  ...foreign(
    "a running cluster is never cut down by a flag that a restart would repeat: stop the member and run `hansa recover`",
    ["false"],
    "force-new-cluster",
  ),
  ...foreign(
    "a member that starts keeps the promise it may have made to a leader before (R7): it waits",
    ["false"],
    "initial-election-tick-advance",
  ),
  ...foreign(
    DISCOVERY,
    [""],
    "discovery",
    "discovery-proxy",
    "discovery-srv",
    "discovery-srv-name",
  ),
  ...foreign(DISCOVERY, ["exit", "proxy"], "discovery-fallback"),
  ...foreign(PROXY, ["off"], "proxy"),
  ...foreign(PROXY, [], "proxy-failure-wait", "proxy-refresh-interval", "proxy-dial-timeout"),
  ...foreign(PROXY, [], "proxy-write-timeout", "proxy-read-timeout"),
  ...ignored(
    BACKEND,
    "backend-batch-interval",
    "backend-batch-limit",
    "backend-bbolt-freelist-type",
    "bootstrap-defrag-threshold-megabytes",
  ),
  ...ignoredToggles(BACKEND, "memory-mlock", "txn-mode-write-with-shared-buffer"),
  ...ignoredToggles(
    "what is left of a lease is always in the log",
    "enable-lease-checkpoint",
    "enable-lease-checkpoint-persist",
  ),
  ...ignoredToggles(
    "what members applied is compared all the time, and all keys by --corrupt-check-time",
    "compact-hash-check-enabled",
  ),
  ...ignored("see --corrupt-check-time", "compact-hash-check-time"),
  ...ignoredToggles("a defragmentation stops nothing", "stop-grpc-service-on-defrag"),
  ...ignored("a member that starts says what it waits for", "wait-cluster-ready-timeout"),
  ...ignored("see --warning-apply-duration", "warning-unary-request-duration"),
  ...foreign("the server makes no spans; clients do", ["false"], "enable-distributed-tracing"),
  ...foreign("use --log-level=debug", ["false"], "debug"),
  ...foreign("use --log-level", [""], "log-package-levels"),
  ...foreign("log files are not rotated here", ["false"], "enable-log-rotation"),
  ...foreign("log files are not rotated here", [], "log-rotation-config-json"),
];

/** Keys of etcd's YAML file that hold a map, and the flags that its keys stand for. */
export const NESTED_YAML_KEYS: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  [
    "client-transport-security",
    new Map([
      ["cert-file", "cert-file"],
      ["key-file", "key-file"],
      ["client-cert-auth", "client-cert-auth"],
      ["trusted-ca-file", "trusted-ca-file"],
      ["auto-tls", "auto-tls"],
      ["allowed-hostname", "client-cert-allowed-hostname"],
    ]),
  ],
  [
    "peer-transport-security",
    new Map([
      ["cert-file", "peer-cert-file"],
      ["key-file", "peer-key-file"],
      ["client-cert-file", "peer-client-cert-file"],
      ["client-key-file", "peer-client-key-file"],
      ["client-cert-auth", "peer-client-cert-auth"],
      ["trusted-ca-file", "peer-trusted-ca-file"],
      ["auto-tls", "peer-auto-tls"],
      ["allowed-cn", "peer-cert-allowed-cn"],
      ["allowed-hostname", "peer-cert-allowed-hostname"],
    ]),
  ],
]);

/** etcd's feature gates, by the flag that is the same here; the others gate nothing that is. */
export const FEATURE_GATES: ReadonlyMap<string, string | undefined> = new Map([
  ["InitialCorruptCheck", "initial-corrupt-check"],
  ["CompactHashCheck", undefined],
  ["FastLeaseKeepAlive", undefined],
  ["LeaseCheckpoint", undefined],
  ["LeaseCheckpointPersist", undefined],
  ["PriorityRequest", undefined],
  ["SetMemberLocalAddr", undefined],
  ["StopGRPCServiceOnDefrag", undefined],
  ["TxnModeWriteWithSharedBuffer", undefined],
]);

const byFlag = new Map(FOREIGN_OPTIONS.map((option) => [option.flag, option]));

export function foreignOption(flag: string): ForeignOption | undefined {
  return byFlag.get(flag);
}

/** What Kubernetes puts into every container for a Service of that name: not meant for this program. */
export function isServiceLink(variable: string): boolean {
  return /_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/.test(
    variable,
  );
}

/** Variables of the same family that other programs read: the client, the benchmarks, the test tools. */
export function isOfOtherProgram(variable: string): boolean {
  return /^HANSA_((CLIENT|BENCH|SIM|TEST|TOOLS|INSECURE)_.*|ENDPOINTS|CACERT|CERT|KEY|USER|PASSWORD|LOCK_KEY|FENCING_TOKEN)$/.test(
    variable,
  );
}
