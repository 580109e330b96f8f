// The identities and quantities every folder speaks of, as brands the compiler keeps apart.
import { assert } from "./assert.ts";

declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/**
 * A member's number inside one consensus group: >= 1, allotted by the group, never reused. The 64-bit
 * member id that clients see is `MemberId`; the member table maps one to the other.
 */
export type NodeId = Brand<number, "NodeId">;

/** Position in the log (Raft) or slot (Paxos); 1-based. A safe integer here, uint64 on the wire. */
export type LogIndex = Brand<number, "LogIndex">;

/** The position before the first entry: index 0 is never a real entry. */
export const LOG_INDEX_ZERO = 0 as LogIndex;

/** A store revision: 1 is the empty store, the first write makes 2 (etcd). */
export type Revision = Brand<number, "Revision">;

/** Milliseconds on this process's monotonic clock; fractions allowed; meaningless elsewhere. */
export type MonotonicMs = Brand<number, "MonotonicMs">;

/** Milliseconds since the Unix epoch by the machine's wall clock. Never used for safety. */
export type WallMs = Brand<number, "WallMs">;

/** Log time: milliseconds stamped by leaders, never decreasing along the log (R9). */
export type LogTimeMs = Brand<number, "LogTimeMs">;

/** Consecutive number of a log write, from 1 at each boot. */
export type WriteId = Brand<number, "WriteId">;

/** Cluster, member, lease and session identities: all 64 bits, so never a JavaScript number. */
export type ClusterId = Brand<bigint, "ClusterId">;
export type MemberId = Brand<bigint, "MemberId">;
export type LeaseId = Brand<bigint, "LeaseId">;
export type SessionId = Brand<bigint, "SessionId">;

/** Random 64 bits drawn at each boot; part of every id that crosses the network (R16). */
export type BootNonce = Brand<bigint, "BootNonce">;

/** @throws {AssertionError} unless `value` is a safe integer >= 1. */
export function nodeId(value: number): NodeId {
  assert(Number.isSafeInteger(value) && value >= 1, `node id ${value} is not a safe integer >= 1`);
  return value as NodeId;
}

/** @throws {AssertionError} unless `value` is a safe integer >= 0. */
export function logIndex(value: number): LogIndex {
  assert(
    Number.isSafeInteger(value) && value >= 0,
    `log index ${value} is not a safe integer >= 0`,
  );
  return value as LogIndex;
}

/** @throws {AssertionError} unless `value` is a safe integer >= 0. */
export function revision(value: number): Revision {
  assert(Number.isSafeInteger(value) && value >= 0, `revision ${value} is not a safe integer >= 0`);
  return value as Revision;
}
