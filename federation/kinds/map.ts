// A map: each field shows the last of its writes; fields that different regions write are all kept (federation 9). A
// removal takes what it had seen, so that a write it had not seen stays, and nothing is kept of what was removed.
import type { Key } from "../../base/index.ts";
import type { KindOperation, MapState } from "../kind.ts";
import type { Transaction } from "../transaction.ts";
import { jsonObject } from "./json-text.ts";
import { ascendingEntries } from "./places.ts";
import { lastWritten, unseen, written } from "./seen.ts";
import type { KindWrites } from "./seen.ts";

export type MapOperation = Extract<KindOperation, { readonly kind: "map" }>;

export const NO_MAP: MapState = { kind: "map", fields: [] };

export function applyMap(
  { fields }: MapState,
  transaction: Transaction,
  operation: MapOperation,
): MapState {
  const byField = new Map<Key, KindWrites<Key>>(fields.map(({ field, writes }) => [field, writes]));
  const removed = operation.action === "delete" ? [...byField.keys()] : operation.remove;
  for (const field of removed) byField.set(field, unseen(byField.get(field) ?? [], transaction));
  for (const { field, value } of operation.action === "delete" ? [] : operation.put) {
    byField.set(field, written(byField.get(field) ?? [], transaction, value));
  }
  const kept = ascendingEntries(byField).map(([field, writes]) => ({ field, writes }));
  return { kind: "map", fields: kept };
}

/** A JSON object of strings, fields in byte order; undefined: it has none. */
export function mapValue({ fields }: MapState): Uint8Array | undefined {
  const shown = fields.flatMap(({ field, writes }) => {
    const last = lastWritten(writes);
    return last === undefined ? [] : [[field, last.value] as const];
  });
  return shown.length === 0 ? undefined : jsonObject(shown);
}
