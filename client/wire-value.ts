// Values of the wire's messages as the client's answers have them: parts that must be there, numbers, ids.
import { KvError } from "../base/index.ts";
import type { Int64 } from "../proto/index.ts";

/**
 * A part of an answer that must be there.
 *
 * @throws {KvError} `internal`, naming `what`: the server's answer is not one to the question.
 */
export function answered<T>(value: T | null | undefined, what: string): T {
  if (value !== null && value !== undefined) return value;
  throw new KvError("internal", "unknown", `the server's answer has no ${what}`);
}

/** @throws {KvError} `internal` for a count or revision beyond 2^53, which none reaches. */
export function countOf(wire: Int64 | null | undefined): number {
  if (wire === null || wire === undefined) return 0;
  return answered(typeof wire === "number" ? wire : undefined, `safe integer where it has ${wire}`);
}

export function idOf(wire: Int64 | null | undefined): bigint {
  return BigInt(wire ?? 0);
}
