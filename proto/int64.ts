// 64-bit integers of the wire made into what the program computes with: identities and quantities.
import type { Int64 } from "./wire.ts";

/** An identity: all 64 bits, so always a bigint. */
export function bigintOf(value: Int64): bigint {
  return BigInt(value);
}

/** An identity of an int64 field (a lease) in its unsigned form, or the reverse: the same 64 bits. */
export function unsigned64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/**
 * A quantity, clamped into the safe integers. Revisions, counts and versions never reach 2^53, so a
 * clamped bound compares with each of them as the exact one does.
 */
export function clampedNumberOf(value: Int64): number {
  if (typeof value === "number") return value;
  return value < 0n ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
}

/**
 * A quantity that must be exact and not negative, such as an index or a term.
 *
 * @throws {RangeError} naming `what` when it is not a safe integer >= 0.
 */
export function exactNumberOf(value: Int64, what: string): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new RangeError(`${what} ${value} is not an integer in [0, 2^53)`);
}
