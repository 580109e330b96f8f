// How old an answer can be, from one replica's own monotonic clock (F3, F4).
import type { MonotonicMs } from "../base/index.ts";

/**
 * Upper bound, in whole ms, on the age of a state known to hold everything committed before
 * `freshAtMs`. Computed after the answer is built; absent stays absent, never 0 (F3).
 */
export function stalenessBoundMs(
  freshAtMs: MonotonicMs | undefined,
  now: MonotonicMs,
  clockDriftMax: number,
): number | undefined {
  if (freshAtMs === undefined) return undefined;
  // A clock at the slow end of its bound shows (1 - rho) of the true span: only the quotient covers it.
  return Math.max(0, Math.ceil((now - freshAtMs) / (1 - clockDriftMax)));
}
