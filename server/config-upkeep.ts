// The options of what a member does by itself to stay in order: space, compaction, checks.
import { autoCompactionOf } from "./auto-compaction.ts";
import type { ConfigIssue } from "./config-issue.ts";
import { option, toggle } from "./config-option.ts";
import { choice, integer, span, text } from "./config-value.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export const upkeepOptions = {
  quotaBackendBytes: option(
    "Storage",
    "quota-backend-bytes",
    integer("bytes"),
    "0",
    "Bytes that the state may take on a member's disk; beyond it what takes space is refused by all members, until there is room again. 0: 2 GiB; negative: no bound.",
  ),
  autoCompactionMode: option(
    "Storage",
    "auto-compaction-mode",
    choice(["periodic", "revision"]),
    "periodic",
    "Whether history is kept for a span of time or for a number of revisions.",
  ),
  autoCompactionRetention: option(
    "Storage",
    "auto-compaction-retention",
    text,
    "",
    "History that is kept: periodic, a duration, or a bare number of hours; by revisions, how many. 0: all of it, until somebody compacts. Empty: 1h, or by revisions all of it.",
  ),
  corruptCheckTimeMs: option(
    "Storage",
    "corrupt-check-time",
    span(0, 365 * DAY_MS),
    "0s",
    "How often the leader compares the hash of all keys between members; each reads its whole state for it. 0s: only when it is asked for. What members applied is compared every 5 seconds in any case.",
  ),
  initialCorruptCheck: toggle(
    "Storage",
    "initial-corrupt-check",
    "false",
    "Compare the keys with those of the peers before serving, and do not start when they differ.",
  ),
  unsafeNoFsync: toggle(
    "Storage",
    "unsafe-no-fsync",
    "false",
    "Do not sync the log: a power failure, not a crash of the process, may then lose acknowledged writes and break promises to the other members. State and the files of the data directory are synced as ever. For tests that are thrown away.",
  ),
  grpcKeepaliveMinTimeMs: option(
    "Limits",
    "grpc-keepalive-min-time",
    span(0, DAY_MS),
    "5s",
    "Least time between pings of a client; one that pings faster for no reason is closed.",
  ),
  grpcKeepaliveIntervalMs: option(
    "Limits",
    "grpc-keepalive-interval",
    span(0, 365 * DAY_MS),
    "2h",
    "Silence of a client's connection after which it is pinged; 0: never.",
  ),
  grpcKeepaliveTimeoutMs: option(
    "Limits",
    "grpc-keepalive-timeout",
    span(1, DAY_MS),
    "20s",
    "What a pinged client may take to answer before its connection is closed.",
  ),
  metrics: option(
    "Logging",
    "metrics",
    choice(["basic", "extensive"]),
    "basic",
    "What /metrics tells: extensive adds how long calls take, by method.",
  ),
  warningApplyDurationMs: option(
    "Logging",
    "warning-apply-duration",
    span(1, DAY_MS),
    "100ms",
    "A command that takes longer to apply is counted, and told in the log, once a second at most.",
  ),
};

/** What the single options cannot say. `given`: undefined where one has not parsed. */
export function checkUpkeep(
  given: {
    readonly autoCompactionMode?: "periodic" | "revision" | undefined;
    readonly autoCompactionRetention?: string | undefined;
  },
  issueOf: (flag: string, problem: string) => ConfigIssue,
): ConfigIssue[] {
  const { autoCompactionMode, autoCompactionRetention } = given;
  if (autoCompactionMode === undefined || autoCompactionRetention === undefined) return [];
  const policy = autoCompactionOf(autoCompactionMode, autoCompactionRetention);
  if (policy !== "invalid") return [];
  const expected =
    autoCompactionMode === "revision"
      ? "expected a whole number of revisions"
      : "expected a duration as 10m or 1h30m, or a whole number of hours";
  return [issueOf("auto-compaction-retention", expected)];
}

export function upkeepWarnings(given: { readonly unsafeNoFsync?: boolean | undefined }): string[] {
  if (given.unsafeNoFsync !== true) return [];
  return [
    "--unsafe-no-fsync: the log is not synced; a power failure may lose acknowledged writes and make this member break its promises to the others",
  ];
}
