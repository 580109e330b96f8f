// Held: a lease does not end before its time has passed since the last time that somebody was told it lives, unless
// its holder asked for that. Renewed: who asks after its end is not told that it lives (etcd#20615). Ended: it ends,
// soon after its time has passed and the cluster is whole. Extended: it lives its whole time again only because
// somebody asked. Keys: none of its keys outlives it.
import type { Finding } from "./finding.ts";
import type { History } from "./history.ts";
import type { LeaseRecord } from "./lease-record.ts";

export interface LeaseClock {
  /** How much faster than the observer's clock log time may run, as a share (rho). */
  readonly driftMax: number;
  /** Of rounding: log time counts whole ms. */
  readonly slackMs: number;
}

export function heldFindings(clock: LeaseClock, lease: LeaseRecord): readonly Finding[] {
  const { id, ttlMs, terms, end, revokeAskedAtMs } = lease;
  if (end === undefined || (revokeAskedAtMs ?? Infinity) <= end.atMs) return [];
  const leastMs = ttlMs / (1 + clock.driftMax) - clock.slackMs;
  return terms.flatMap(({ askedAtMs, answeredAtMs }) => {
    if (answeredAtMs === undefined || askedAtMs > end.atMs) return [];
    const heldMs = end.atMs - askedAtMs;
    if (heldMs >= leastMs) return [];
    const what = `lease ${id} of ${ttlMs} ms ended by ${end.by} ${heldMs.toFixed(1)} ms after it was asked for, and granted`;
    return [{ guarantee: "lease-held" as const, what }];
  });
}

export function renewedFindings({ id, terms, end }: LeaseRecord): readonly Finding[] {
  if (end === undefined) return [];
  return terms.flatMap(({ askedAtMs, answeredAtMs }) => {
    if (answeredAtMs === undefined || askedAtMs <= end.atMs) return [];
    const what = `lease ${id} was called alive to who asked ${(askedAtMs - end.atMs).toFixed(1)} ms after its end`;
    return [{ guarantee: "lease-renewed" as const, what }];
  });
}

/** `wholeAtMs`: since then the cluster is whole; `withinMs`: what an expiry takes then. */
export function endedFindings(
  nowMs: number,
  wholeAtMs: number,
  withinMs: number,
  { id, ttlMs, terms, end }: LeaseRecord,
): readonly Finding[] {
  const granted = terms[0]?.answeredAtMs !== undefined;
  if (!granted || end !== undefined) return [];
  // A term without an answer may have been taken at any time before the cluster was whole.
  const lastMs = Math.max(wholeAtMs, ...terms.map((term) => term.answeredAtMs ?? term.askedAtMs));
  const overdueMs = nowMs - (lastMs + ttlMs + withinMs);
  if (overdueMs <= 0) return [];
  const what = `lease ${id} of ${ttlMs} ms is there ${overdueMs.toFixed(1)} ms after it should have ended`;
  return [{ guarantee: "lease-ended", what }];
}

export function extendedFindings({ id, terms, renewals = 0 }: LeaseRecord): readonly Finding[] {
  const asked = terms.length - 1;
  if (renewals <= asked) return [];
  const what = `lease ${id} lives its whole time again ${renewals} times; somebody asked ${asked} times`;
  return [{ guarantee: "lease-extended", what }];
}

export function keysFindings(history: History, leases: readonly LeaseRecord[]): readonly Finding[] {
  const gone = new Set(leases.filter(({ end }) => end !== undefined).map(({ id }) => id));
  return [...history.pairs()].flatMap(({ key, modRevision, lease }) => {
    if (!gone.has(lease)) return [];
    const what = `${key}, written at ${modRevision} with lease ${lease}, outlives it`;
    return [{ guarantee: "lease-keys" as const, what }];
  });
}
