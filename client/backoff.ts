// How long to wait before attempt n: full jitter (Brooker, "Exponential Backoff And Jitter", AWS 2015).

/** How long a client waits between attempts of one call. */
export interface BackoffOptions {
  /** Upper edge of the first wait, in ms. */
  readonly firstMs: number;
  /** Upper edge of every wait, in ms. */
  readonly maxMs: number;
}

export const BACKOFF_DEFAULT: BackoffOptions = {
  firstMs: 20, // a few round trips inside a region
  maxMs: 1_000, // one election timeout: waiting longer than a failover takes is lost time
};

/**
 * Milliseconds to wait before attempt `attempt` (1 is the first repetition), uniform in
 * `[0, min(maxMs, firstMs * 2^(attempt - 1)))`: repetitions of many clients spread evenly.
 *
 * @param random uniform in [0, 1)
 */
export function backoffMs(options: BackoffOptions, attempt: number, random: () => number): number {
  const edgeMs = Math.min(options.maxMs, options.firstMs * 2 ** Math.max(0, attempt - 1));
  return random() * edgeMs;
}
