// A flag: of writes that had not seen each other, one that enables wins (federation 9).
import type { FlagState, KindOperation } from "../kind.ts";
import type { Transaction } from "../transaction.ts";
import { textBytes } from "./number.ts";
import { unseen, written } from "./seen.ts";

export type FlagOperation = Extract<KindOperation, { readonly kind: "flag" }>;

export const NO_FLAG: FlagState = { kind: "flag", writes: [] };

export function applyFlag(
  { writes }: FlagState,
  transaction: Transaction,
  operation: FlagOperation,
): FlagState {
  if (operation.action === "delete") return { kind: "flag", writes: unseen(writes, transaction) };
  return { kind: "flag", writes: written(writes, transaction, operation.enabled) };
}

/** "true" or "false"; undefined: deleted, or never written. */
export function flagValue({ writes }: FlagState): Uint8Array | undefined {
  if (writes.length === 0) return undefined;
  return textBytes(String(writes.some(({ value }) => value)));
}
