// Every flag of etcd that its tools and operators pass is an option here, or is answered by name: none is
// unknown, and none is taken without effect or word.
import { describe, expect, test } from "@jest/globals";
import { autoCompactionOf } from "./auto-compaction.ts";
import { foreignOption } from "./config-foreign.ts";
import { OPTIONS } from "./config-schema.ts";
import { parseConfig } from "./config.ts";
import { upkeepSettings } from "./upkeep-settings.ts";

/** With a value that etcd takes. */
const ETCD_FLAGS = [
  "name=x data-dir=d wal-dir=w listen-client-urls=http://127.0.0.1:1",
  "advertise-client-urls=http://a:1 listen-peer-urls=http://127.0.0.1:2",
  "initial-advertise-peer-urls=http://a:2 initial-cluster=x=http://a:2",
  "initial-cluster-state=new initial-cluster-token=t snapshot-count=10 heartbeat-interval=100",
  "election-timeout=1000 quota-backend-bytes=1 max-txn-ops=1 max-request-bytes=2000",
  "auto-compaction-mode=periodic auto-compaction-retention=1 cert-file=c key-file=k",
  "trusted-ca-file=t client-cert-auth=false client-crl-file=r auto-tls=false peer-cert-file=c",
  "peer-key-file=k peer-trusted-ca-file=t peer-client-cert-auth=false peer-crl-file=r",
  "peer-auto-tls=false peer-cert-allowed-cn=n auth-token=simple auth-token-ttl=300 bcrypt-cost=10",
  "strict-reconfig-check=true pre-vote=true force-new-cluster=false listen-metrics-urls=http://a:3",
  "metrics=basic enable-grpc-gateway=true max-concurrent-streams=100",
  "experimental-initial-corrupt-check=true initial-corrupt-check=true corrupt-check-time=1h",
  "experimental-corrupt-check-time=1h watch-progress-notify-interval=10m",
  "experimental-watch-progress-notify-interval=5s warning-apply-duration=100ms",
  "experimental-warning-apply-duration=100ms max-learners=1 experimental-max-learners=1",
  "log-level=info log-outputs=stderr logger=zap enable-v2=false unsafe-no-fsync=true",
  "cors=* host-whitelist=* discovery=u discovery-srv=d discovery-proxy=p discovery-fallback=exit",
  "proxy=off enable-pprof=false grpc-keepalive-min-time=5s grpc-keepalive-interval=2h",
  "grpc-keepalive-timeout=20s max-snapshots=5 max-wals=5 backend-batch-limit=1",
  "experimental-enable-lease-checkpoint=true experimental-compaction-batch-limit=1000",
  "experimental-snapshot-catchup-entries=5000 experimental-memory-mlock=false",
  "experimental-enable-distributed-tracing=false initial-election-tick-advance=false",
  "feature-gates=InitialCorruptCheck=true config-file=f",
]
  .join(" ")
  .split(" ")
  .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const);

const OWN_FLAGS = new Set(OPTIONS.map(({ flag }) => flag));

describe("etcd's flags", () => {
  test.each(ETCD_FLAGS)("--%s is known", (flag, value) => {
    const files = { readText: () => "", exists: () => false };
    const parsed = parseConfig([`--${flag}=${value}`], {}, files);
    const issues = parsed.ok ? [] : parsed.issues.filter(({ option }) => option === `--${flag}`);
    expect(issues.map(({ problem }) => problem).join()).not.toMatch(/unknown|not supported yet/);
  });

  test("that are not offered have a reason, and none of ours is among them", () => {
    for (const [flag] of ETCD_FLAGS) {
      const foreign = foreignOption(flag);
      if (foreign === undefined) continue;
      expect(OWN_FLAGS.has(flag)).toBe(false);
      expect(foreign.reason.length).toBeGreaterThan(10);
    }
  });
});

describe("automatic compaction", () => {
  test.each([
    ["periodic", "", { mode: "periodic", retentionMs: 3_600_000 }],
    ["periodic", "8", { mode: "periodic", retentionMs: 8 * 3_600_000 }],
    ["periodic", "10m", { mode: "periodic", retentionMs: 600_000 }],
    ["periodic", "0", "off"],
    ["periodic", "0s", "off"],
    ["periodic", "-1", "invalid"],
    ["revision", "1000", { mode: "revision", retentionRevisions: 1000 }],
    ["revision", "0", "off"],
    ["revision", "", "off"],
    ["revision", "1h", "invalid"],
  ] as const)("%s %j is read as etcd reads it", (mode, retention, expected) => {
    expect(autoCompactionOf(mode, retention)).toEqual(expected);
  });
});

describe("the quota", () => {
  const options = { autoCompactionMode: "periodic", autoCompactionRetention: "0" } as const;

  test.each([
    [0, 2 ** 31],
    [-1, Infinity],
    [5_000, 5_000],
  ])("%d means %d bytes", (quotaBackendBytes, quotaBytes) => {
    const settings = upkeepSettings({ ...options, quotaBackendBytes, corruptCheckTimeMs: 0 });
    expect(settings).toEqual({ quotaBytes, autoCompaction: undefined, corruptCheckMs: 0 });
  });
});
