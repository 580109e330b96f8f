// A set: an element is there while an addition of it stands that no removal had seen (observed-remove, add wins;
// federation 9). Nothing is kept of what was removed.
import type { Key } from "../../base/index.ts";
import type { Dot } from "../dot.ts";
import type { KindOperation, SetState } from "../kind.ts";
import type { Transaction } from "../transaction.ts";
import { jsonArray } from "./json-text.ts";
import { ascendingEntries } from "./places.ts";
import { byDot, unseen } from "./seen.ts";

export type SetOperation = Extract<KindOperation, { readonly kind: "set" }>;

export const NO_SET: SetState = { kind: "set", elements: [] };

export function applySet(
  { elements }: SetState,
  transaction: Transaction,
  operation: SetOperation,
): SetState {
  const byElement = new Map<Key, readonly Dot[]>(
    elements.map(({ element, dots }) => [element, dots]),
  );
  const left = (element: Key): readonly Dot[] => {
    const named = (byElement.get(element) ?? []).map((dot) => ({ dot }));
    return unseen(named, transaction).map(({ dot }) => dot);
  };
  const removed = operation.action === "delete" ? [...byElement.keys()] : operation.remove;
  for (const element of removed) byElement.set(element, left(element));
  const { origin, sequence } = transaction;
  for (const element of operation.action === "delete" ? [] : operation.add) {
    const dots = [...left(element), { origin, sequence }].map((dot) => ({ dot }));
    byElement.set(
      element,
      byDot(dots).map(({ dot }) => dot),
    );
  }
  const kept = ascendingEntries(byElement).map(([element, dots]) => ({ element, dots }));
  return { kind: "set", elements: kept };
}

/** A JSON array of strings in byte order; undefined: nothing is in it. */
export function setValue({ elements }: SetState): Uint8Array | undefined {
  return elements.length === 0 ? undefined : jsonArray(elements.map(({ element }) => element));
}
