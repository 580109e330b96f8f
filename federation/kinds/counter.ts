// A counter: what each origin ever added and took away, and how much of it resets have seen (federation 9). Additions
// that a reset has not seen survive it. A record is kept for ever, or a late reset would count from 0 again.
import type { OriginId } from "../dot.ts";
import type { CounterRecord, CounterSeen, CounterState, KindOperation } from "../kind.ts";
import type { FederationBug } from "../planted.ts";
import type { Transaction } from "../transaction.ts";
import { countOf } from "../vector.ts";
import { U64_MAX, numberText, saturatedTotal } from "./number.ts";

export type CounterOperation = Extract<KindOperation, { readonly kind: "counter" }>;

export const NO_COUNTER: CounterState = { kind: "counter", records: [] };

export function applyCounter(
  { records }: CounterState,
  transaction: Transaction,
  operation: CounterOperation,
  planted?: FederationBug,
): CounterState {
  const { origin, sequence } = transaction;
  const byOrigin = new Map(records.map((record) => [record.origin, record]));
  const own = byOrigin.get(origin) ?? zeroRecord(origin);
  if (operation.action === "add") {
    if (sequence <= own.last && planted !== "counter-applied-twice")
      return { kind: "counter", records };
    byOrigin.set(origin, added(own, sequence, operation.amount));
  } else {
    for (const seen of operation.seen) {
      const before = byOrigin.get(seen.origin) ?? zeroRecord(seen.origin);
      const deletedTo = operation.action === "delete" ? seenTo(transaction, seen.origin) : 0;
      byOrigin.set(seen.origin, based(before, seen, deletedTo));
    }
    // A reset leaves a counter of 0, a delete leaves none.
    if (operation.action === "reset") {
      const { last, ...rest } = byOrigin.get(origin) ?? own;
      byOrigin.set(origin, { ...rest, last: Math.max(last, sequence) });
    }
  }
  const ascending = [...byOrigin.values()].sort((left, right) => left.origin - right.origin);
  return { kind: "counter", records: ascending };
}

function zeroRecord(origin: OriginId): CounterRecord {
  return { origin, last: 0, plus: 0n, minus: 0n, basePlus: 0n, baseMinus: 0n, deletedTo: 0 };
}

function added(record: CounterRecord, last: number, amount: bigint): CounterRecord {
  const plus = saturatedTotal(record.plus + (amount > 0n ? amount : 0n));
  const minus = saturatedTotal(record.minus - (amount < 0n ? amount : 0n));
  return { ...record, last: Math.max(record.last, last), plus, minus };
}

/** Bases are the most that any reset saw, so they come out the same in whatever order resets come. */
function based(record: CounterRecord, seen: CounterSeen, deletedTo: number): CounterRecord {
  return {
    ...record,
    basePlus: larger(record.basePlus, seen.plus),
    baseMinus: larger(record.baseMinus, seen.minus),
    deletedTo: Math.max(record.deletedTo, deletedTo),
  };
}

function larger(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

function seenTo({ origin, sequence, deps }: Transaction, of: OriginId): number {
  return of === origin ? sequence - 1 : countOf(deps, of);
}

/** Undefined: never added to, or deleted since. */
export function counterValue({ records }: CounterState): Uint8Array | undefined {
  if (!records.some(({ last, deletedTo }) => last > deletedTo)) return undefined;
  const counts = records.map(
    ({ plus, basePlus, minus, baseMinus }) => plus - basePlus - (minus - baseMinus),
  );
  return numberText(counts.reduce((sum, count) => sum + count, 0n));
}

/** What a reset or a delete made of this state has seen. */
export function counterSeen({ records }: CounterState): readonly CounterSeen[] {
  return records.map(({ origin, plus, minus }) => ({ origin, plus, minus }));
}

/** Why `self` may not add so much; undefined: it may. */
export function counterRefusal(
  { records }: CounterState,
  self: OriginId,
  amount: bigint,
): string | undefined {
  const own = records.find(({ origin }) => origin === self) ?? zeroRecord(self);
  const total = amount > 0n ? own.plus + amount : own.minus - amount;
  return total > U64_MAX ? `origin ${self} would have counted beyond ${U64_MAX} in all` : undefined;
}
