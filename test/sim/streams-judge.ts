// Judges at the end of a run, when all is still, what watches were told and how leases lived, by the validators that
// judge real processes too.
import { present } from "../../base/index.ts";
import type { Finding } from "../robustness/finding.ts";
import {
  extendedFindings,
  heldFindings,
  keysFindings,
  renewedFindings,
} from "../robustness/lease-guarantees.ts";
import { watchFindings } from "../robustness/watch-guarantees.ts";
import type { LeaseBook } from "./lease-book.ts";
import type { Oracle } from "./oracle.ts";
import { Violation } from "./violation.ts";
import type { Watcher } from "./watcher.ts";

/** Log time counts whole ms, once at each of the two moments. */
const LOG_TIME_SLACK_MS = 2;

export interface StreamsJudgeInit {
  readonly oracle: Oracle;
  readonly watchers: readonly Watcher[];
  readonly book: LeaseBook;
  /** Undefined: clocks leave their bound, and log time promises nothing. */
  readonly clockDriftMax: number | undefined;
}

/** @throws {Violation} of the first guarantee that was broken. */
export function demandStreams(init: StreamsJudgeInit): void {
  const { oracle, watchers, book, clockDriftMax } = init;
  for (const record of watchers.flatMap(({ records }) => records)) {
    refuse(watchFindings(oracle.history, oracle.compacted, record));
  }
  for (const lease of book.records) {
    if (clockDriftMax !== undefined) {
      refuse(heldFindings({ driftMax: clockDriftMax, slackMs: LOG_TIME_SLACK_MS }, lease));
    }
    refuse([...renewedFindings(lease), ...extendedFindings(lease)]);
  }
  refuse(keysFindings(oracle.history, book.records));
}

function refuse(findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  const { guarantee, what } = present(findings[0], "a finding");
  throw new Violation(guarantee, what);
}
