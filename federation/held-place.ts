// Where a transaction stands among those of its origin that are held, which are by ascending sequence.
import type { Shipped } from "./transaction-codec.ts";

/** That one, if it is among them. */
export function heldAt(held: readonly Shipped[], sequence: number): Shipped | undefined {
  const [first] = held;
  // Without gaps from the first on, its place follows from its number; else it is looked for.
  const next = first && held[sequence - first.transaction.sequence];
  if (next?.transaction.sequence === sequence) return next;
  const found = held[placeOf(held, sequence)];
  return found?.transaction.sequence === sequence ? found : undefined;
}

/** Of the first that is at `sequence` or after it. */
export function placeOf(held: readonly Shipped[], sequence: number): number {
  let from = 0;
  let until = held.length;
  while (from < until) {
    const middle = (from + until) >>> 1;
    const there = held[middle]?.transaction.sequence ?? 0;
    if (there < sequence) from = middle + 1;
    else until = middle;
  }
  return from;
}
