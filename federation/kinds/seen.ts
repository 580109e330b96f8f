// What is left of the writes to one place of a key of a kind, once a later operation has seen some of them: the rule of
// siblings without tombstones, since whatever is not seen stays (federation 9).
import { compareDots } from "../dot.ts";
import type { Dot } from "../dot.ts";
import type { KindWrite } from "../kind.ts";
import { hasSeen } from "../transaction.ts";
import type { Transaction } from "../transaction.ts";
import { compareStamps } from "../view.ts";

/** By ascending dot; at most one an origin, because every write has seen its own origin's. */
export type KindWrites<Value> = readonly KindWrite<Value>[];

export function unseen<Entry extends { readonly dot: Dot }>(
  entries: readonly Entry[],
  transaction: Transaction,
): readonly Entry[] {
  return entries.filter(({ dot }) => !hasSeen(transaction, dot));
}

/** The transaction's own write in place of all that it has seen. */
export function written<Value>(
  writes: KindWrites<Value>,
  transaction: Transaction,
  value: Value,
): KindWrites<Value> {
  const { origin, sequence, hlc } = transaction;
  const write = { dot: { origin, sequence }, hlc, value };
  return byDot([...unseen(writes, transaction), write]);
}

export function byDot<Entry extends { readonly dot: Dot }>(
  entries: readonly Entry[],
): readonly Entry[] {
  return [...entries].sort((left, right) => compareDots(left.dot, right.dot));
}

/** Undefined: there is none. */
export function lastWritten<Value>(writes: KindWrites<Value>): KindWrite<Value> | undefined {
  return writes.reduce<KindWrite<Value> | undefined>(
    (best, one) => (best === undefined || compareStamps(one, best) > 0 ? one : best),
    undefined,
  );
}
