// What every transaction keeps, whoever minted it: its origin checks it before it has a dot, every reader again, so
// that an apply has nothing left to refuse (federation 3, 5).
import { compareDots, dotText, sameDot } from "./dot.ts";
import type { Dot } from "./dot.ts";
import { kindFlaw } from "./kind-shape.ts";
import { LOST_VALUE_BYTES_MAX, hasSeen } from "./transaction.ts";
import type { Context, Lost, Operation, Stamp, Transaction } from "./transaction.ts";

export const TRANSACTION_LIMITS = {
  /** Of the encoded transaction. Beyond one log entry it is staged in chunks (staging.ts). */
  bytesMax: 64 * 1024 * 1024,
  operationsMax: 1024 * 1024,
  /** Of one context, or of one settlement. */
  dotsMax: 1024,
} as const;

/** Undefined: none. */
export function flawOf(transaction: Transaction): string | undefined {
  const { origin, deps, operations } = transaction;
  if (deps.has(origin)) return `deps name origin ${origin}, the transaction's own`;
  if (operations.length > TRANSACTION_LIMITS.operationsMax) {
    return `${operations.length} operations, expected ${TRANSACTION_LIMITS.operationsMax} at most`;
  }
  const keys = new Set<string>();
  for (const operation of operations) {
    if (operation.key.length === 0) return "an operation on the empty key";
    if (keys.has(operation.key)) return "two operations on one key";
    keys.add(operation.key);
    const flaw = operationFlaw(transaction, operation);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function operationFlaw(transaction: Transaction, operation: Operation): string | undefined {
  switch (operation.action) {
    case "put":
      return (
        birthFlaw(transaction, operation.birth) ??
        contextFlaw(transaction, operation.context) ??
        lostFlaw(transaction, operation.lost)
      );
    case "delete":
      return contextFlaw(transaction, operation.context) ?? lostFlaw(transaction, operation.lost);
    case "settle": {
      const { kept, lost } = operation;
      if (!hasSeen(transaction, kept)) return unseen("a settlement", kept);
      if (lost.some(({ dot }) => sameDot(dot, kept)))
        return "a settlement that loses what it keeps";
      return lostFlaw(transaction, lost);
    }
    case "expire":
      return operation.dots.length === 0
        ? "an expiry of nothing"
        : dotsFlaw(transaction, "an expiry", operation.dots);
    case "kind":
      return kindFlaw(operation.operation);
  }
}

function birthFlaw(transaction: Transaction, birth: Stamp | undefined): string | undefined {
  if (birth === undefined) return undefined;
  if (!hasSeen(transaction, birth.dot)) return unseen("a birth", birth.dot);
  // Whoever applies a stamp mints only later ones (federation 2).
  return birth.hlc < transaction.hlc ? undefined : "a birth that is not before its lineage";
}

function contextFlaw(transaction: Transaction, context: Context): string | undefined {
  return context === "all-seen" ? undefined : dotsFlaw(transaction, "a context", context);
}

function lostFlaw(transaction: Transaction, lost: readonly Lost[] | undefined): string | undefined {
  if (lost === undefined) return undefined;
  // One alone: a write of a home that came too late to be seen (federation 12).
  if (lost.length === 0) return "nothing lost, expected one at least";
  for (const { value, valueBytes } of lost) {
    const shown = value?.length ?? 0;
    if (shown !== Math.min(valueBytes, LOST_VALUE_BYTES_MAX)) {
      return `${shown} bytes shown of ${valueBytes} that were lost`;
    }
  }
  const dots = lost.map(({ dot }) => dot);
  return dotsFlaw(transaction, "what was lost", dots);
}

function dotsFlaw(
  transaction: Transaction,
  what: string,
  dots: readonly Dot[],
): string | undefined {
  if (dots.length > TRANSACTION_LIMITS.dotsMax) {
    return `${what} of ${dots.length} dots, expected ${TRANSACTION_LIMITS.dotsMax} at most`;
  }
  let last: Dot | undefined;
  for (const dot of dots) {
    if (last !== undefined && compareDots(last, dot) >= 0) return `${what} out of order`;
    if (!hasSeen(transaction, dot)) return unseen(what, dot);
    last = dot;
  }
  return undefined;
}

function unseen(what: string, dot: Dot): string {
  return `${what} names ${dotText(dot)}, which its region had not applied`;
}
