// What people read of a conflict that is over: who decided it, and what was lost by it. It follows from one operation
// alone, so it reads the same in every region (federation 5). Open conflicts are the current siblings.
import type { Hlc, Key } from "../base/index.ts";
import type { Dot } from "./dot.ts";
import type { Sibling, Siblings } from "./sibling.ts";
import { TRANSACTION_LIMITS } from "./transaction-rules.ts";
import { LOST_VALUE_BYTES_MAX } from "./transaction.ts";
import type { Lost, Operation, Transaction } from "./transaction.ts";

/** Named by `dot` and `key`: a transaction may decide several. */
export interface ConflictRecord {
  readonly key: Key;
  /** Of the write or the settlement that dominated them. */
  readonly dot: Dot;
  readonly hlc: Hlc;
  readonly decidedBy: "put" | "delete" | "settle";
  /** What won: the write itself, or what the settlement kept. */
  readonly kept: Dot;
  /** By ascending dot, as the decider's origin saw them. */
  readonly lost: readonly Lost[];
}

/** Undefined: `operation` decided nothing. */
export function conflictOf(
  { origin, sequence, hlc }: Transaction,
  operation: Operation,
): ConflictRecord | undefined {
  if (operation.action === "kind" || operation.action === "expire") return undefined;
  if (operation.lost === undefined) return undefined;
  const { key, lost } = operation;
  const dot = { origin, sequence };
  const kept = operation.action === "settle" ? operation.kept : dot;
  return { key, dot, hlc, decidedBy: operation.action, kept, lost };
}

/** The losers as their conflict's record shows them, as many as one operation names. */
export function losersOf(siblings: Siblings): readonly Lost[] {
  return siblings.slice(0, TRANSACTION_LIMITS.dotsMax).map(lostOf);
}

function lostOf({ dot, hlc, value }: Sibling): Lost {
  if (value === undefined) return { dot, hlc, valueBytes: 0 };
  return { dot, hlc, value: value.slice(0, LOST_VALUE_BYTES_MAX), valueBytes: value.length };
}
