// The rules of `hansa check`, each a function of what was seen. The limits are etcd's advice for its own disks and
// networks, and what leases and staleness bounds of Hansa rest on.
import { finding, graded } from "./check-finding.ts";
import type { Finding } from "./check-finding.ts";
import { histogramQuantile } from "./check-sample.ts";
import type { MemberSample, TimedStatus } from "./check-sample.ts";
import { humanBytes } from "./output-simple.ts";

/** etcd's guide: the 99th percentile of a sync stays below 10 ms. */
const SYNC_MS_WARN = 10;
const SYNC_MS_FAIL = 100;
const SYNC_HISTOGRAM = "etcd_disk_wal_fsync_duration_seconds";
const ROUND_TRIP_MS_WARN = 50;
/** Half of the default election timeout. */
const ROUND_TRIP_MS_FAIL = 500;
/** Nothing rests on wall clocks but logs and certificates. */
const SKEW_MS_WARN = 500;
const SKEW_MS_FAIL = 60_000;
const SPACE_SHARE_WARN = 0.8;
const LAG_ENTRIES_WARN = 1_000;
/** Beyond it a member refuses linearizable reads (--read-lag-entries-max). */
const LAG_ENTRIES_FAIL = 5_000;
const CERTIFICATE_DAYS_WARN = 30;
const CERTIFICATE_DAYS_FAIL = 7;

export function judgeAnswer(sample: MemberSample): Finding {
  const { statuses, failure = "" } = sample;
  const of = `answers of ${nameOf(sample)}`;
  if (statuses.length === 0)
    return finding(of, "fail", failure, "see whether it runs, and its log");
  const times = statuses.map(({ roundTripMs }) => roundTripMs).sort((left, right) => left - right);
  const median = times[Math.floor(times.length / 2)] ?? 0;
  const verdict = graded(median, ROUND_TRIP_MS_WARN, ROUND_TRIP_MS_FAIL);
  return finding(
    of,
    verdict,
    `${ms(median)} round trip`,
    "ask from nearer, or look at the network",
  );
}

/** One leader, known to all, the same at the end as at the beginning. */
export function judgeLeader(samples: readonly MemberSample[]): Finding {
  const all = samples.flatMap(({ statuses }) => statuses.map(({ status }) => status));
  const leaders = new Set(all.map(({ leader }) => leader.toString(16)));
  const terms = new Set(all.map(({ header }) => header.raftTerm));
  if (leaders.has("0") || all.length === 0) {
    return finding(
      "leader",
      "fail",
      "a member knows none",
      "see that a majority runs and is reached",
    );
  }
  const [leader = ""] = leaders;
  const stable = leaders.size === 1 && terms.size === 1;
  const found = stable
    ? leader
    : `${leaders.size} leaders in ${terms.size} terms while it was watched`;
  return finding(
    "leader",
    stable ? "pass" : "warn",
    found,
    "look for slow disks and lost messages",
  );
}

export function judgeVersions(samples: readonly MemberSample[]): Finding {
  const versions = [
    ...new Set(samples.flatMap(({ statuses: [first] }) => first?.status.version ?? [])),
  ];
  const verdict = versions.length > 1 ? "warn" : "pass";
  return finding("versions", verdict, versions.join(", "), "finish the upgrade");
}

/** Members behind the furthest one, learners too. */
export function judgeLag(samples: readonly MemberSample[]): Finding[] {
  const newest = samples.map((sample) => ({ sample, last: sample.statuses.at(-1)?.status }));
  const furthest = Math.max(0, ...newest.map(({ last }) => last?.raftIndex ?? 0));
  return newest.flatMap(({ sample, last }) => {
    if (last === undefined) return [];
    const lag = Math.max(0, furthest - last.raftAppliedIndex);
    const kind = last.isLearner ? "learner" : "member";
    const verdict = graded(lag, LAG_ENTRIES_WARN, LAG_ENTRIES_FAIL);
    const advice = "look at its disk and its network; it catches up by a snapshot if it must";
    return [finding(`lag of ${kind} ${nameOf(sample)}`, verdict, `${lag} entries`, advice)];
  });
}

export function judgeSpace(sample: MemberSample): Finding[] {
  const status = sample.statuses.at(-1)?.status;
  if (status === undefined || status.dbSizeQuotaBytes === 0) return [];
  const share = status.dbSizeBytes / status.dbSizeQuotaBytes;
  const found = `${Math.round(share * 100)}% of ${humanBytes(status.dbSizeQuotaBytes)}`;
  const advice = "delete, compact, defrag, or raise --quota-backend-bytes";
  return [finding(`space of ${nameOf(sample)}`, graded(share, SPACE_SHARE_WARN, 1), found, advice)];
}

/** What a sync of the log takes, by its own metrics. Where nothing tells, that is said: silence is no pass. */
export function judgeDisk(sample: MemberSample): Finding {
  const { metrics = "", metricsFailure } = sample;
  const subject = `disk of ${nameOf(sample)}`;
  const seconds = histogramQuantile(metrics, SYNC_HISTOGRAM, 0.99);
  if (seconds !== undefined)
    return syncFinding(subject, seconds * 1_000, "at most, since it started");
  const why = metricsFailure ?? `/metrics counts no sync (${SYNC_HISTOGRAM})`;
  const advice =
    "see that its client URL answers /metrics, or probe with --data-dir on its machine";
  return finding(subject, "warn", `unknown: ${why}`, advice);
}

export function syncFinding(subject: string, p99Ms: number, how: string): Finding {
  const verdict = graded(p99Ms, SYNC_MS_WARN, SYNC_MS_FAIL);
  const advice = "a disk of its own for the log (--wal-dir), or a faster one";
  return finding(subject, verdict, `sync p99 ${ms(p99Ms)} ${how}`, advice);
}

export function judgeCertificate(sample: MemberSample): Finding[] {
  const { certificateDays: days } = sample;
  if (days === undefined) return [];
  const verdict = graded(-days, -CERTIFICATE_DAYS_WARN, -CERTIFICATE_DAYS_FAIL);
  const found = days < 0 ? "expired" : `${Math.floor(days)} days left`;
  return [
    finding(
      `certificate of ${nameOf(sample)}`,
      verdict,
      found,
      "renew it: it is read anew by itself",
    ),
  ];
}

/** How far its wall clock is from this machine's; known to half a round trip. */
export function judgeSkew(sample: MemberSample): Finding[] {
  const best = nearest(sample.statuses.filter(({ status }) => (status.state?.wallMs ?? 0) > 0));
  const wallMs = best?.status.state?.wallMs;
  if (best === undefined || wallMs === undefined) return [];
  const skew = wallMs - best.wallMs;
  const verdict = graded(Math.abs(skew), SKEW_MS_WARN, SKEW_MS_FAIL);
  const found = `${ms(skew)} from this machine, known to ${ms(best.roundTripMs / 2)}`;
  return [
    finding(
      `wall clock of ${nameOf(sample)}`,
      verdict,
      found,
      "run chrony or ntpd there, and here",
    ),
  ];
}

/**
 * The rate of its monotonic clock against this machine's, beside the bound that leases and staleness bounds assume
 * (--clock-drift-max). The error of the measurement is taken to its favour: what is told is certain.
 */
export function judgeDrift(sample: MemberSample, driftMax: number): Finding[] {
  const told = sample.statuses.filter(({ status }) => (status.state?.monotonicMs ?? 0) > 0);
  const [first, last] = [told[0], told.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const here = middle(last) - middle(first);
  const there = (last.status.state?.monotonicMs ?? 0) - (first.status.state?.monotonicMs ?? 0);
  const error = (first.roundTripMs + last.roundTripMs) / 2 / here;
  const drift = Math.abs(there / here - 1);
  const certain = Math.max(0, drift - error);
  const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;
  const verdict = graded(certain, driftMax / 2, driftMax);
  const found = `${percent(drift)} ± ${percent(error)} of ${percent(driftMax)} allowed`;
  const advice = "mend its clock; until then do not use lease and learner reads";
  return [finding(`clock rate of ${nameOf(sample)}`, verdict, found, advice)];
}

function middle({ sentAtMs, roundTripMs }: TimedStatus): number {
  return sentAtMs + roundTripMs / 2;
}

function nearest(statuses: readonly TimedStatus[]): TimedStatus | undefined {
  return [...statuses].sort((left, right) => left.roundTripMs - right.roundTripMs)[0];
}

function nameOf({ name, endpoint }: MemberSample): string {
  return name === "" ? endpoint : name;
}

function ms(value: number): string {
  return `${value.toFixed(Math.abs(value) < 10 ? 2 : 0)} ms`;
}
