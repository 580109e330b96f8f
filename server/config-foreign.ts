// etcd's options that this server does not have. One given the value whose effect is what happens here
// anyway is accepted; any other is refused by name with the reason, never ignored.

export interface ForeignOption {
  readonly flag: string;
  /** Values that change nothing here. */
  readonly accepts: readonly string[];
  readonly reason: string;
}

const METRICS = "metrics are not supported yet";
const RENAMED_WATCH = "renamed: --watch-progress-notify-interval";
const GATEWAY = "the JSON gateway is not supported yet";
const COMPACTION = "the log is not compacted yet";
const DISCOVERY = "discovery is not supported: name the members with --initial-cluster";
const PROXY = "the v2 proxy is not offered";
const BACKEND = "there is no bbolt backend to tune";
const KEEPALIVE = "gRPC keepalive is not configurable yet";
const CORRUPTION = "corruption checks between members are not supported yet";

function foreign(reason: string, accepts: readonly string[], ...flags: string[]): ForeignOption[] {
  return flags.map((flag) => ({ flag, accepts, reason }));
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
  ...foreign(METRICS, [], "metrics"),
  ...foreign(METRICS, [""], "listen-metrics-urls"),
  ...foreign("profiling over HTTP is not offered", ["false"], "enable-pprof"),
  ...foreign(RENAMED_WATCH, [], "experimental-watch-progress-notify-interval"),
  ...foreign(GATEWAY, ["false"], "enable-grpc-gateway"),
  ...foreign(GATEWAY, [], "cors", "host-whitelist"),
  ...foreign("the v2 API is not offered", ["false"], "enable-v2"),
  ...foreign("the v2 API is not offered", [""], "experimental-enable-v2v3"),
  ...foreign("the v2 API is not offered", ["not-yet", "write-only"], "v2-deprecation"),
  ...foreign(COMPACTION, [], "experimental-snapshot-catchup-entries", "max-snapshots", "max-wals"),
  ...foreign("automatic compaction is not supported yet", ["0", "0s"], "auto-compaction-retention"),
  ...foreign("compaction is not paced yet", [], "experimental-compaction-batch-limit"),
  ...foreign(
    "automatic compaction is not supported yet",
    ["periodic", "revision"],
    "auto-compaction-mode",
  ),
  ...foreign("a size limit of the store is not supported yet", [], "quota-backend-bytes"),
  ...foreign("renamed: --max-learners", [], "experimental-max-learners"),
  ...foreign(
    "making a cluster of one by force is not supported yet",
    ["false"],
    "force-new-cluster",
  ),
  ...foreign(
    "acknowledged writes are always synced; there is no way to give that up",
    ["false"],
    "unsafe-no-fsync",
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
  ...foreign(
    BACKEND,
    [],
    "backend-batch-interval",
    "backend-batch-limit",
    "backend-bbolt-freelist-type",
  ),
  ...foreign(BACKEND, [], "experimental-backend-bbolt-freelist-type"),
  ...foreign(KEEPALIVE, [], "grpc-keepalive-min-time", "grpc-keepalive-interval"),
  ...foreign(KEEPALIVE, [], "grpc-keepalive-timeout"),
  ...foreign(CORRUPTION, ["false"], "experimental-initial-corrupt-check"),
  ...foreign(CORRUPTION, ["0s", "0"], "corrupt-check-time", "experimental-corrupt-check-time"),
  ...foreign("leases are not supported yet", ["false"], "experimental-enable-lease-checkpoint"),
  ...foreign("slow applies are not reported yet", [], "warning-apply-duration"),
  ...foreign("slow applies are not reported yet", [], "experimental-warning-apply-duration"),
  ...foreign("tracing is not supported yet", ["false"], "experimental-enable-distributed-tracing"),
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
  return /^HANSA_(CLIENT|BENCH|SIM|TEST|TOOLS)_/.test(variable);
}
