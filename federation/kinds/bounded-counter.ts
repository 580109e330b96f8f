// A counter that never falls below 0, however many regions take from it at once (federation 9; Balegas et al. 2015):
// who adds has the right to take as much, hands rights on, and takes no more than its rights. The rights of an
// origin that is closed are lost: nobody else can spend them.
import type { OriginId } from "../dot.ts";
import type { BoundedCounterState, KindOperation, RightsRecord } from "../kind.ts";
import type { Transaction } from "../transaction.ts";
import { U64_MAX, numberText, saturatedTotal } from "./number.ts";

export type BoundedCounterOperation = Extract<KindOperation, { readonly kind: "bounded-counter" }>;

export const NO_BOUNDED_COUNTER: BoundedCounterState = { kind: "bounded-counter", records: [] };

/** Whether there are rights for it was judged at its origin, which alone spends them. */
export function applyBoundedCounter(
  { records }: BoundedCounterState,
  { origin, sequence }: Transaction,
  operation: BoundedCounterOperation,
): BoundedCounterState {
  const before = recordOf(records, origin);
  if (sequence <= before.last) return { kind: "bounded-counter", records };
  const after = { ...changed(before, operation), last: sequence };
  const others = records.filter((record) => record.origin !== origin);
  const ascending = [...others, after].sort((left, right) => left.origin - right.origin);
  return { kind: "bounded-counter", records: ascending };
}

function recordOf(records: readonly RightsRecord[], self: OriginId): RightsRecord {
  const none = { origin: self, last: 0, added: 0n, taken: 0n, given: [] };
  return records.find(({ origin }) => origin === self) ?? none;
}

function changed(record: RightsRecord, operation: BoundedCounterOperation): RightsRecord {
  const { amount } = operation;
  if (operation.action === "transfer") {
    return { ...record, given: handedOn(record.given, operation.to, amount) };
  }
  if (operation.action === "add") {
    return { ...record, added: saturatedTotal(record.added + amount) };
  }
  return { ...record, taken: saturatedTotal(record.taken + amount) };
}

function handedOn(
  given: RightsRecord["given"],
  to: OriginId,
  amount: bigint,
): RightsRecord["given"] {
  const before = given.find((one) => one.to === to)?.amount ?? 0n;
  const others = given.filter((one) => one.to !== to);
  const after = [...others, { to, amount: saturatedTotal(before + amount) }];
  return after.sort((left, right) => left.to - right.to);
}

/** What `self` may take or hand on. */
export function rightsOf({ records }: BoundedCounterState, self: OriginId): bigint {
  let rights = 0n;
  for (const { origin, added, taken, given } of records) {
    if (origin === self) rights += added - taken;
    for (const { to, amount } of given) {
      if (to === self) rights += amount;
      if (origin === self) rights -= amount;
    }
  }
  return rights;
}

/** Undefined: never added to. */
export function boundedCounterValue({ records }: BoundedCounterState): Uint8Array | undefined {
  if (records.length === 0) return undefined;
  return numberText(records.reduce((sum, { added, taken }) => sum + added - taken, 0n));
}

/** Why `self` may not do it; undefined: it may. */
export function boundedCounterRefusal(
  state: BoundedCounterState,
  self: OriginId,
  operation: BoundedCounterOperation,
): string | undefined {
  const own = recordOf(state.records, self);
  if (operation.action === "add") {
    const total = own.added + operation.amount;
    return total > U64_MAX ? `origin ${self} would have added beyond ${U64_MAX} in all` : undefined;
  }
  if (operation.action === "transfer" && operation.to === self) {
    return `origin ${self} hands rights to itself`;
  }
  const rights = rightsOf(state, self);
  if (operation.amount <= rights) return undefined;
  return `origin ${self} has the right to ${rights}, less than the ${operation.amount} asked for`;
}
