// Exact percentiles of a run's latencies.

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Sorts `values` in place; all zero when there are none. */
export function percentiles(values: number[]): Percentiles {
  values.sort((left, right) => left - right);
  const at = (fraction: number): number =>
    values[Math.min(values.length - 1, Math.floor(values.length * fraction))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}
