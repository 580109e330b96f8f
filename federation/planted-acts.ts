// What a region that applies another's transaction must not do: acts of the planted bugs of applying alone. Production
// never comes here.
import type { RegionCore } from "./region-core.ts";
import type { Operation, Transaction } from "./transaction.ts";

/** Trap 9: what is known to be applied counts once more. */
export function repeat(core: RegionCore, transaction: Transaction): void {
  if (core.planted !== "counter-applied-twice") return;
  core.store.begin();
  for (const operation of transaction.operations) {
    if (operation.action === "kind") core.step(transaction, operation);
  }
  core.records.commit(core.store.writes);
  core.store.commit();
}

/** Trap 11: a range that was deleted is a range here, whatever lies in it. */
export function expanded(core: RegionCore, operations: readonly Operation[]): readonly Operation[] {
  const isRange = operations.length > 1 && operations.every(({ action }) => action === "delete");
  if (core.planted !== "range-delete-shipped-raw" || !isRange) return operations;
  const named = operations.map(({ key }) => key).sort();
  const [first, last] = [named[0], named.at(-1)];
  if (first === undefined || last === undefined) return operations;
  const within = core.records.keys().filter((key) => key > first && key < last);
  const others = within.filter((key) => !named.includes(key));
  const deletes = others.map((key): Operation => ({ key, action: "delete", context: "all-seen" }));
  return [...operations, ...deletes];
}
