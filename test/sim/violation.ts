// A broken promise: which check saw it, and what it saw. The simulator stops at the first.

import type { Guarantee } from "../robustness/finding.ts";

/** Each check by name; docs/testing.md says what each demands. */
export type CheckName =
  | Guarantee
  | "election-safety"
  | "log-matching"
  | "leader-completeness"
  | "ballot-safety"
  | "config-safety"
  | "lease-exclusion"
  | "snapshot-pinned"
  | "state-machine-safety"
  | "commit-durability"
  | "commit-monotone"
  | "log-durability"
  | "stalled-leader"
  | "committed-visible"
  | "snapshot-read"
  | "staleness-bound"
  | "min-revision"
  | "exactly-once"
  | "linearizability"
  | "durability"
  | "convergence"
  | "liveness"
  | "core-assertion"
  | FederationCheck;

/** Of whole federations alone. */
export type FederationCheck =
  | "causality"
  | "siblings"
  | "settled-away"
  | "kinds"
  | "atomicity"
  | "stable-cut"
  | "sibling-revision"
  | "unseen-write"
  | "write-regions"
  | "clock-bound"
  | "freeze"
  | "marker"
  | "merkle"
  | "one-resolver"
  | "one-owner"
  | "home-exclusive"
  | "home-kept"
  | "fork";

export class Violation extends Error {
  override readonly name = "Violation";
  readonly check: CheckName;

  constructor(check: CheckName, detail: string, options?: ErrorOptions) {
    super(`${check}: ${detail}`, options);
    this.check = check;
  }
}

/** @throws {Violation} of `check` unless `condition` holds. */
export function demand(
  condition: boolean,
  check: CheckName,
  detail: () => string,
): asserts condition {
  if (!condition) throw new Violation(check, detail());
}
