// The keys that benchmarks read and write.

const DIGITS = 7;

/** Eight bytes. */
export function keyAt(number: number): string {
  return `k${String(number).padStart(DIGITS, "0")}`;
}
