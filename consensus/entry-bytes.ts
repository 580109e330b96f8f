// What entries count for in every bound on bytes: windows, appends, uncommitted proposals, apply.
import type { Entry } from "./entry.ts";

/** Bytes an entry counts for beyond its data, so that empty ones are bounded too. */
const ENTRY_OVERHEAD_BYTES = 32;

export function entryBytes(entry: Entry): number {
  return ENTRY_OVERHEAD_BYTES + (entry.kind === "command" ? entry.data.length : 0);
}

export function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  return bytes;
}
