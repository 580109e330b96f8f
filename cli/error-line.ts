// How an error looks on stderr: the code as scripts match it, and for a write whether it may have been applied.
import type { KvError } from "../client/index.ts";

/** `Error: TOO_STALE (not applied): hansa: ...`, with its newline. */
export function errorLine(error: KvError): string {
  const code = error.code.toUpperCase().replaceAll("-", "_");
  const outcome = error.outcome === "unknown" ? "outcome unknown" : "not applied";
  return `Error: ${code} (${outcome}): ${error.message}\n`;
}
