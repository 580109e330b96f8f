// Which writes a write removes: those that its author had seen (federation 5). What an operation does to the siblings
// of its key follows from that alone; nothing here looks at a policy or at who is asking.
import { assert } from "../base/index.ts";
import { compareDots, sameDot } from "./dot.ts";
import type { FederationBug } from "./planted.ts";
import { isTombstone } from "./sibling.ts";
import type { Sibling, Siblings } from "./sibling.ts";
import { hasSeen } from "./transaction.ts";
import type { Operation, Transaction } from "./transaction.ts";

/** What siblings are about: operations on kinds have their own state. */
export type WriteOperation = Exclude<Operation, { readonly action: "kind" }>;

function dominates(
  transaction: Transaction,
  operation: WriteOperation,
  sibling: Sibling,
  planted?: FederationBug,
): boolean {
  if (operation.action === "settle") {
    return operation.lost.some(({ dot }) => sameDot(dot, sibling.dot));
  }
  if (operation.action === "expire") {
    const isNamed = operation.dots.some((dot) => sameDot(dot, sibling.dot));
    return isNamed || isSeenTombstone(transaction, sibling);
  }
  if (operation.context === "all-seen") return hasSeen(transaction, sibling.dot);
  if (operation.context.some((dot) => sameDot(dot, sibling.dot))) return true;
  if (planted === "context-omits-tombstone") return false;
  return isSeenTombstone(transaction, sibling);
}

function isSeenTombstone(transaction: Transaction, sibling: Sibling): boolean {
  return isTombstone(sibling) && hasSeen(transaction, sibling.dot);
}

/**
 * The siblings once `operation` of `transaction` is applied. Total. A dominated write always arrives before its
 * dominator, so nothing that is held yet could dominate the newcomer.
 */
export function applyWrite(
  siblings: Siblings,
  transaction: Transaction,
  operation: WriteOperation,
  planted?: FederationBug,
): Siblings {
  const left = siblings.filter((one) => !dominates(transaction, operation, one, planted));
  if (operation.action === "settle" || operation.action === "expire") {
    return left.length === siblings.length ? siblings : left;
  }
  const written = siblingOf(transaction, operation);
  const at = left.findIndex((one) => compareDots(one.dot, written.dot) > 0);
  const same = left.find((one) => sameDot(one.dot, written.dot));
  assert(same === undefined, "a dot is applied once, and writes a key once");
  left.splice(at === -1 ? left.length : at, 0, written);
  return planted === "local-prune"
    ? left.filter(({ hlc }) => left.every((o) => o.hlc <= hlc))
    : left;
}

function siblingOf(
  { origin, sequence, hlc, epoch }: Transaction,
  operation: Exclude<WriteOperation, { readonly action: "settle" | "expire" }>,
): Sibling {
  const dot = { origin, sequence };
  const own = { hlc, dot };
  if (operation.action === "delete") return { dot, hlc, epoch, birth: own };
  const { value, lifetime, birth = own } = operation;
  return { dot, hlc, epoch, birth, value, ...(lifetime && { lifetime }) };
}
