// What the options say of a member's upkeep, in the terms of those who do it.
import { autoCompactionOf } from "./auto-compaction.ts";
import type { Config } from "./config.ts";
import type { UpkeepSettings } from "./upkeep.ts";

/** etcd's, where --quota-backend-bytes says nothing else. */
const QUOTA_BYTES_DEFAULT = 2 * 1024 * 1024 * 1024;

export function upkeepSettings(
  config: Pick<
    Config,
    "quotaBackendBytes" | "autoCompactionMode" | "autoCompactionRetention" | "corruptCheckTimeMs"
  >,
): UpkeepSettings {
  const { quotaBackendBytes, autoCompactionMode, autoCompactionRetention } = config;
  const policy = autoCompactionOf(autoCompactionMode, autoCompactionRetention);
  return {
    quotaBytes: quotaBytesOf(quotaBackendBytes),
    autoCompaction: policy === "off" || policy === "invalid" ? undefined : policy,
    corruptCheckMs: config.corruptCheckTimeMs,
  };
}

/** As etcd: 0 is the default, and a negative number is no bound. */
function quotaBytesOf(given: number): number {
  if (given === 0) return QUOTA_BYTES_DEFAULT;
  return given < 0 ? Infinity : given;
}
