// What a format of the commands' output must be able to print: bytes as they are, so that a value survives a
// shell redirection.
import type {
  DeleteAnswer,
  DeleteResult,
  MembersAnswer,
  PutAnswer,
  PutResult,
  RangeAnswer,
  RangeResult,
  StatusAnswer,
  Header,
  WatchAnswer,
} from "../client/index.ts";
import type { Paint } from "./paint.ts";

export type Format = "simple" | "json" | "table" | "fields";

/** The result of one operation of a transaction. */
export type TxnItem =
  | { readonly kind: "get"; readonly range: RangeResult }
  | { readonly kind: "put"; readonly put: PutResult }
  | { readonly kind: "del"; readonly del: DeleteResult };

export interface PrintedTxn {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly items: readonly TxnItem[];
}

export interface OutputOptions {
  /** Keys and values as \x61 (simple and table). */
  readonly hex: boolean;
  /** Values only (simple). */
  readonly valueOnly: boolean;
  /** The count and no keys. */
  readonly countOnly: boolean;
  readonly paint: Paint;
}

/** What a format makes of each answer: bytes for stdout, the last newline included. */
export interface Output {
  range(answer: RangeAnswer): Uint8Array;
  put(answer: PutAnswer): Uint8Array;
  del(answer: DeleteAnswer): Uint8Array;
  txn(answer: PrintedTxn): Uint8Array;
  compact(header: Header, revision: number): Uint8Array;
  members(answer: MembersAnswer): Uint8Array;
  watch(answer: WatchAnswer): Uint8Array;
  statuses(answers: readonly StatusAnswer[]): Uint8Array;
}
