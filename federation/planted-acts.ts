// What a region that takes in another's transaction must not do: acts of planted bugs. Production never comes here.
import type { DeliveryState } from "./delivery.ts";
import type { ReportBook } from "./exchange-reports.ts";
import type { RegionCore } from "./region-core.ts";
import type { Operation, Transaction } from "./transaction.ts";
import type { Shipped } from "./transaction-codec.ts";

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

/** Trap 18's other half: what is on its way into the region's log is told as if it were there. */
export function tellEarly(
  { state, reports }: { readonly state: () => DeliveryState; readonly reports: ReportBook },
  proposed: readonly Shipped[],
): void {
  const { self, config, applied } = state();
  const vector = new Map(applied);
  for (const { transaction } of proposed) vector.set(transaction.origin, transaction.sequence);
  if (self !== undefined) reports.note({ origin: self, epoch: config.epoch, vector });
}
