// What a member's audits have come to since it started, for its metrics.
import type { WallMs } from "../base/index.ts";
import type { Finding, NeighbourOutcome, OriginId } from "../federation/index.ts";

export class AuditTally {
  readonly comparisons = new Map<NeighbourOutcome, number>();
  readonly findings = new Map<Finding["outcome"], number>();
  /** Keys whose values were held against their hashes. */
  scrubbed = 0;
  /** Keys that differed at the last audit and were not repaired. */
  open = 0;
  /** Of the last audit; 0: there was none. */
  lastAtMs = 0;

  note(
    neighbours: ReadonlyMap<OriginId, NeighbourOutcome>,
    findings: readonly Finding[],
    atMs: WallMs,
  ): void {
    for (const outcome of neighbours.values()) count(this.comparisons, outcome);
    for (const { outcome } of findings) count(this.findings, outcome);
    this.open = findings.filter(({ outcome }) => outcome !== "repaired").length;
    this.lastAtMs = atMs;
  }
}

function count<Name>(counts: Map<Name, number>, name: Name): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
