// How an error looks on stderr: the code as scripts match it, and for a write whether it may have been applied.
import type { KvError, Outcome } from "../client/index.ts";

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  applied: "applied",
  "not-applied": "not applied",
  unknown: "outcome unknown",
};

/** `Error: TOO_STALE (not applied): hansa: ...`, with its newline. */
export function errorLine(error: KvError): string {
  const code = error.code.toUpperCase().replaceAll("-", "_");
  return `Error: ${code} (${OUTCOMES[error.outcome]}): ${error.message}\n`;
}
