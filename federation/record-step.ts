// One operation on what a region keeps of a key: the step of every apply, and of a replay over a copy that a repair
// brings (federation 5, 9, 17).
import { applyWrite } from "./domination.ts";
import type { KindState } from "./kind.ts";
import { applyKind, emptyState, isEmptyState } from "./kind-rules.ts";
import type { FederationBug } from "./planted.ts";
import type { Siblings } from "./sibling.ts";
import type { Operation, Transaction } from "./transaction.ts";

/** With the values of its siblings, wherever they are kept. */
export interface RecordContent {
  readonly siblings: Siblings;
  /** At most one of each kind, by name: a prefix is of one, and what else there may be shows nothing. */
  readonly kinds: readonly KindState[];
}

/** Total. Values of siblings are as they were given. */
export function steppedRecord(
  record: RecordContent,
  transaction: Transaction,
  operation: Operation,
  planted?: FederationBug,
): RecordContent {
  const { siblings, kinds } = record;
  if (operation.action !== "kind") {
    return { siblings: applyWrite(siblings, transaction, operation, planted), kinds };
  }
  const { kind } = operation.operation;
  const before = kinds.find((state) => state.kind === kind) ?? emptyState(kind);
  const after = applyKind(before, transaction, operation.operation, planted);
  const others = kinds.filter((state) => state.kind !== kind);
  const all = isEmptyState(after) ? others : [...others, after];
  return { siblings, kinds: all.sort((left, right) => (left.kind < right.kind ? -1 : 1)) };
}

/** Whether hashes that regions compare cover it: tombstones alone are purged at different times (trap 5). */
export function isCompared({ siblings, kinds }: RecordContent): boolean {
  return kinds.length > 0 || siblings.some(({ value }) => value !== undefined);
}
