// Requests for tests of the store, with everything optional that the wire leaves at zero.
import { bytesOf, keyOf } from "../../base/index.ts";
import type { Key, LeaseId, MemberId, Revision, SessionId } from "../../base/index.ts";
import type {
  AlarmRequest,
  CompareResult,
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  Request,
  RequestId,
  RequestOp,
  TxnRequest,
} from "../../store/index.ts";

function key(text: string): Key {
  return keyOf(new TextEncoder().encode(text));
}

export function value(text: string): Uint8Array {
  return bytesOf(text as Key);
}

export function text(bytes: Uint8Array): string {
  return keyOf(bytes);
}

export function rangeOf(
  from: string,
  rest: Partial<RangeRequest> & { until?: string } = {},
): RangeRequest {
  const { until, ...others } = rest;
  return {
    key: key(from),
    ...(until === undefined ? {} : { end: key(until) }),
    limit: 0,
    revision: 0 as Revision,
    sortOrder: "none",
    sortTarget: "key",
    serializable: false,
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
    ...others,
  };
}

export function putOf(at: string, content: string, rest: Partial<PutRequest> = {}): PutRequest {
  return {
    key: key(at),
    value: value(content),
    lease: 0n as LeaseId,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
    ...rest,
  };
}

export function deleteOf(from: string, until?: string, prevKv = false): DeleteRangeRequest {
  return { key: key(from), ...(until === undefined ? {} : { end: key(until) }), prevKv };
}

export function put(
  at: string,
  content: string,
  rest: Partial<PutRequest> = {},
  requestId?: RequestId,
): Request {
  return { kind: "put", put: putOf(at, content, rest), ...(requestId ? { requestId } : {}) };
}

export function del(from: string, until?: string, prevKv = false): Request {
  return { kind: "delete-range", deleteRange: deleteOf(from, until, prevKv) };
}

export function compact(revision: number): Request {
  return { kind: "compaction", compaction: { revision: revision as Revision, physical: false } };
}

export function txnOf(
  compare: readonly Compare[],
  success: readonly RequestOp[],
  failure: readonly RequestOp[] = [],
): TxnRequest {
  return { compare, success, failure };
}

export function txn(
  compare: readonly Compare[],
  success: readonly RequestOp[],
  failure: readonly RequestOp[] = [],
): Request {
  return { kind: "txn", txn: txnOf(compare, success, failure) };
}

export const op = {
  put: (at: string, content: string, rest: Partial<PutRequest> = {}): RequestOp => ({
    kind: "put",
    put: putOf(at, content, rest),
  }),
  del: (from: string, until?: string, prevKv = false): RequestOp => ({
    kind: "delete-range",
    deleteRange: deleteOf(from, until, prevKv),
  }),
  range: (from: string, rest: Partial<RangeRequest> & { until?: string } = {}): RequestOp => ({
    kind: "range",
    range: rangeOf(from, rest),
  }),
  txn: (
    compare: readonly Compare[],
    success: readonly RequestOp[],
    failure: readonly RequestOp[] = [],
  ): RequestOp => ({ kind: "txn", txn: txnOf(compare, success, failure) }),
};

export function versionIs(at: string, result: CompareResult, version: number): Compare {
  return { key: key(at), result, target: "version", version };
}

export function valueIs(at: string, result: CompareResult, content: string): Compare {
  return { key: key(at), result, target: "value", value: value(content) };
}

export function sessionId(id: number): SessionId {
  return BigInt(id) as SessionId;
}

export function grant(id: bigint, ttlMs: number): Request {
  return { kind: "lease-grant", id: id as LeaseId, ttlMs };
}

export function revoke(id: bigint): Request {
  return { kind: "lease-revoke", id: id as LeaseId };
}

export function renew(...ids: readonly bigint[]): Request {
  return { kind: "lease-renew", ids: ids as readonly LeaseId[] };
}

export const EXPIRE: Request = { kind: "lease-expire" };

/** An operator's word about a member, or what a member found. */
export function alarm(
  action: AlarmRequest["action"],
  member: bigint,
  type: AlarmRequest["alarm"] = "no-space",
  kind: AlarmRequest["kind"] = "alarm",
): Request {
  return { kind, action, member: member as MemberId, alarm: type };
}

export const openSession = (ttlMs = 60_000): Request => ({ kind: "session-open", ttlMs });

export const closeSession = (id: number): Request => ({
  kind: "session-close",
  session: sessionId(id),
});
