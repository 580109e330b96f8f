// The rules of `hansa check` on clusters that are not well: what each verdict is, and its number.
import { describe, expect, test } from "@jest/globals";
import type { MemberState, StatusAnswer } from "../client/index.ts";
import { findingsView, verdictOf } from "./check-finding.ts";
import {
  judgeAnswer,
  judgeCertificate,
  judgeDisk,
  judgeDrift,
  judgeLag,
  judgeLeader,
  judgeSkew,
  judgeSpace,
  judgeVersions,
} from "./check-rules.ts";
import { histogramQuantile, metricValue } from "./check-sample.ts";
import type { MemberSample, TimedStatus } from "./check-sample.ts";

const STATE: MemberState = {
  protocol: "raft",
  role: "follower",
  epoch: { config: 0, round: 7, node: 0 },
  durableIndex: 0,
  configIndex: 0,
  voterCount: 3,
  learnerCount: 0,
  changing: false,
  transferee: 0n,
  snapshotsSent: 0,
  snapshotReceived: false,
  awaitedIndex: 0,
  wallMs: 0,
  monotonicMs: 0,
};

const STATUS: StatusAnswer = {
  header: { clusterId: 1n, memberId: 2n, revision: 5, raftTerm: 7, region: "" },
  revision: 5,
  endpoint: "a:1",
  version: "3",
  dbSizeBytes: 10,
  dbSizeInUseBytes: 10,
  dbSizeQuotaBytes: 100,
  leader: 0xabn,
  raftIndex: 100,
  raftAppliedIndex: 100,
  isLearner: false,
  errors: [],
};

function timed(
  status: Partial<StatusAnswer> = {},
  clocks: { at?: number; trip?: number; wallMs?: number; monotonicMs?: number } = {},
): TimedStatus {
  const { at = 0, trip = 1, wallMs = 0, monotonicMs = 0 } = clocks;
  const state = { ...STATE, wallMs, monotonicMs };
  return {
    status: { ...STATUS, state, ...status },
    sentAtMs: at - trip / 2,
    roundTripMs: trip,
    wallMs: 1_000_000 + at,
  };
}

function sample(statuses: readonly TimedStatus[], more: Partial<MemberSample> = {}): MemberSample {
  return { endpoint: "a:1", name: "n1", statuses, ...more };
}

describe("answers and leaders", () => {
  test("a member that does not answer fails with its reason; a slow one is warned of", () => {
    expect(judgeAnswer(sample([], { failure: "refused" }))).toMatchObject({
      verdict: "fail",
      found: "refused",
    });
    expect(judgeAnswer(sample([timed()]))).toMatchObject({
      verdict: "pass",
      found: "1.00 ms round trip",
    });
    expect(judgeAnswer(sample([timed({}, { trip: 60 })])).verdict).toBe("warn");
    expect(judgeAnswer(sample([timed({}, { trip: 600 })])).verdict).toBe("fail");
  });

  test("a leader is one, known to all, and stays", () => {
    expect(judgeLeader([sample([timed()]), sample([timed()])])).toMatchObject({
      verdict: "pass",
      found: "ab",
    });
    expect(judgeLeader([sample([timed()]), sample([timed({ leader: 1n })])]).verdict).toBe("warn");
    const elected = timed({ header: { ...STATUS.header, raftTerm: 8 } });
    expect(judgeLeader([sample([timed(), elected])]).verdict).toBe("warn");
    expect(judgeLeader([sample([timed({ leader: 0n })])]).verdict).toBe("fail");
    expect(judgeLeader([sample([])]).verdict).toBe("fail");
  });

  test("versions are equal", () => {
    expect(judgeVersions([sample([timed()]), sample([timed()])]).verdict).toBe("pass");
    expect(judgeVersions([sample([timed()]), sample([timed({ version: "4" })])])).toMatchObject({
      verdict: "warn",
      found: "3, 4",
    });
  });
});

describe("data and disks", () => {
  test("a member is behind by the entries that it has not applied", () => {
    const behind = timed({ raftIndex: 9_000, raftAppliedIndex: 2_000, isLearner: true });
    expect(
      judgeLag([sample([timed({ raftIndex: 9_000, raftAppliedIndex: 9_000 })]), sample([behind])]),
    ).toMatchObject([
      { verdict: "pass", found: "0 entries" },
      { subject: "lag of learner n1", verdict: "fail", found: "7000 entries" },
    ]);
  });

  test("space is judged against the quota, if there is one", () => {
    const space = (dbSizeBytes: number, dbSizeQuotaBytes = 100): unknown =>
      judgeSpace(sample([timed({ dbSizeBytes, dbSizeQuotaBytes })])).map(({ verdict }) => verdict);
    expect([space(79), space(80), space(100), space(9, 0)]).toEqual([
      ["pass"],
      ["warn"],
      ["fail"],
      [],
    ]);
  });

  const METRICS = [
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 90',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="0.016"} 99',
    'etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 100',
    "process_resident_memory_bytes 1.5e+08",
  ].join("\n");

  test("a disk by the 99th percentile of its syncs", () => {
    expect(histogramQuantile(METRICS, "etcd_disk_wal_fsync_duration_seconds", 0.9)).toBe(0.001);
    expect(judgeDisk(sample([timed()], { metrics: METRICS }))).toMatchObject({ verdict: "warn" });
    const unknown = (more: Partial<MemberSample>): string => {
      const { verdict, found } = judgeDisk(sample([timed()], more));
      expect(verdict).toBe("warn");
      return found;
    };
    expect(unknown({ metrics: "" })).toMatch(/^unknown: .*counts no sync/);
    expect(unknown({ metricsFailure: "/metrics: HTTP 404" })).toBe("unknown: /metrics: HTTP 404");
    expect(metricValue(METRICS, "process_resident_memory_bytes")).toBe(1.5e8);
    expect(metricValue(METRICS, "process_open_fds")).toBeUndefined();
  });

  test("a certificate by the days that are left", () => {
    const days = (certificateDays: number): unknown =>
      judgeCertificate(sample([timed()], { certificateDays }))[0]?.verdict;
    expect([days(31), days(29), days(6), days(-1)]).toEqual(["pass", "warn", "fail", "fail"]);
    expect(judgeCertificate(sample([timed()]))).toEqual([]);
  });
});

describe("clocks", () => {
  test("skew is known to half a round trip, from the fastest answer", () => {
    const near = timed({}, { at: 0, trip: 2, wallMs: 1_000_700 });
    const far = timed({}, { at: 10, trip: 90, wallMs: 1_009_000 });
    expect(judgeSkew(sample([far, near]))).toMatchObject([
      { verdict: "warn", found: "700 ms from this machine, known to 1.00 ms" },
    ]);
    expect(judgeSkew(sample([timed()]))).toEqual([]);
  });

  test("a rate beyond the bound fails only when the measurement is certain of it", () => {
    const rate = (share: number, trip: number): unknown =>
      judgeDrift(
        sample([
          timed({}, { at: 0, trip, monotonicMs: 50 }),
          timed({}, { at: 2_000, trip, monotonicMs: 50 + 2_000 * (1 + share) }),
        ]),
        0.1,
      )[0]?.verdict;
    expect([rate(0, 1), rate(0.06, 1), rate(0.11, 1), rate(-0.2, 1)]).toEqual([
      "pass",
      "warn",
      "fail",
      "fail",
    ]);
    // 300 ms of round trip within 2 s leave 15 % open.
    expect(rate(0.11, 300)).toBe("pass");
    expect(judgeDrift(sample([timed()]), 0.1)).toEqual([]);
  });
});

test("one failure fails the whole, and every line says its number", () => {
  const findings = [judgeVersions([sample([timed()])]), judgeLeader([sample([])])];
  expect(verdictOf(findings)).toBe("fail");
  expect(verdictOf(findings.slice(0, 1))).toBe("pass");
  const { simple, json } = findingsView(findings);
  expect(simple).toEqual([
    "PASS  versions  3\n",
    "FAIL  leader    a member knows none; see that a majority runs and is reached\n",
  ]);
  expect(json).toMatchObject({ verdict: "fail", findings: [{ subject: "versions" }, {}] });
});
