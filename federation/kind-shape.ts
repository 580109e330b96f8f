// What an operation of a kind looks like, whatever the state it meets: lists in order and within bounds, amounts that
// mean something. Part of transaction-rules.ts; what a state allows is judged where the operation is made.
import type { KindOperation } from "./kind.ts";

export const KIND_LIMITS = {
  /** Of one list of one operation. */
  itemsMax: 65_536,
} as const;

const AMOUNT_MAX = 2n ** 63n - 1n;

/** Undefined: none. */
export function kindFlaw(operation: KindOperation): string | undefined {
  switch (operation.kind) {
    case "counter":
      if (operation.action === "add") {
        return operation.amount === 0n ? "a counter that adds 0" : undefined;
      }
      return listFlaw(
        "what a counter saw",
        operation.seen.map(({ origin }) => origin),
      );
    case "bounded-counter":
      return operation.amount < 1n || operation.amount > AMOUNT_MAX
        ? `an amount of ${operation.amount}, expected 1 to 2^63 - 1`
        : undefined;
    case "set":
      if (operation.action === "delete") return undefined;
      return (
        listFlaw("elements added", operation.add) ?? listFlaw("elements removed", operation.remove)
      );
    case "map": {
      if (operation.action === "delete") return undefined;
      const { put, remove } = operation;
      const fields = put.map(({ field }) => field);
      const both = new Set<string>(fields);
      if (remove.some((field) => both.has(field))) return "a field both put and removed";
      return listFlaw("fields put", fields) ?? listFlaw("fields removed", remove);
    }
    case "register":
    case "flag":
      return undefined;
  }
}

function listFlaw<Item extends string | number>(
  what: string,
  items: readonly Item[],
): string | undefined {
  const { itemsMax } = KIND_LIMITS;
  if (items.length > itemsMax) return `${what}: ${items.length}, expected ${itemsMax} at most`;
  for (let at = 1; at < items.length; at += 1) {
    const before = items[at - 1];
    const item = items[at];
    if (before === undefined || item === undefined || before >= item) return `${what} out of order`;
  }
  return undefined;
}
