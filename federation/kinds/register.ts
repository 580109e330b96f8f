// A register: every write replaces what it had seen; writes that had not seen each other are all kept, and the last of
// them is shown (multi-value register, federation 9).
import type { KindOperation, RegisterState } from "../kind.ts";
import type { Transaction } from "../transaction.ts";
import { lastWritten, unseen, written } from "./seen.ts";

export type RegisterOperation = Extract<KindOperation, { readonly kind: "register" }>;

export const NO_REGISTER: RegisterState = { kind: "register", writes: [] };

export function applyRegister(
  { writes }: RegisterState,
  transaction: Transaction,
  operation: RegisterOperation,
): RegisterState {
  if (operation.action === "delete") {
    return { kind: "register", writes: unseen(writes, transaction) };
  }
  return { kind: "register", writes: written(writes, transaction, operation.value) };
}

/** Undefined: deleted, or never written. */
export function registerValue({ writes }: RegisterState): Uint8Array | undefined {
  return lastWritten(writes)?.value;
}
