// The requests that clients make, as the bytes that a client library sends and as the types that the edge
// reads from them.
import { bytesOf, checkedKey, unreachable } from "../../base/index.ts";
import type { Key, Revision } from "../../base/index.ts";
import { etcdserverpb, hansa } from "../../proto/index.ts";
import { storeCodec } from "../../rpc/store-codec.ts";
import type { RangeRequest, Request, RequestId, TxnRequest } from "../../store/request.ts";
import type { Held } from "./register.ts";

interface KeyedValue {
  readonly key: Key;
  readonly value: string;
}

export type WriteStep =
  | { readonly kind: "put"; readonly puts: readonly [KeyedValue] }
  /** Both or neither: one transaction. */
  | { readonly kind: "put-two"; readonly puts: readonly KeyedValue[] }
  | { readonly kind: "delete"; readonly key: Key }
  /** Puts `value` if the key holds `expect`, else reads it. */
  | { readonly kind: "swap"; readonly key: Key; readonly expect: Held; readonly value: string }
  | { readonly kind: "compaction"; readonly revision: Revision }
  | { readonly kind: "session-open"; readonly ttlMs: number };

/** A write as a service hands it to its backend. */
export interface SentWrite {
  readonly request: Request;
  readonly body: Uint8Array;
}

export function sentWrite(step: WriteStep, requestId: RequestId | undefined): SentWrite {
  const id = requestId === undefined ? {} : { request_id: wireIdOf(requestId) };
  switch (step.kind) {
    case "put": {
      const wire = { ...wirePut(step.puts[0]), ...id };
      return sent("put", etcdserverpb.PutRequest.encode(wire).finish());
    }
    case "put-two": {
      const success = step.puts.map((put) => ({ request_put: wirePut(put) }));
      return sent("txn", etcdserverpb.TxnRequest.encode({ success, ...id }).finish());
    }
    case "delete": {
      const wire = { key: bytesOf(step.key), prev_kv: true, ...id };
      return sent("delete-range", etcdserverpb.DeleteRangeRequest.encode(wire).finish());
    }
    case "swap":
      return sent("txn", etcdserverpb.TxnRequest.encode({ ...wireSwap(step), ...id }).finish());
    case "compaction": {
      const wire = { revision: step.revision };
      return sent("compaction", etcdserverpb.CompactionRequest.encode(wire).finish());
    }
    case "session-open": {
      const wire = { ttl_ms: step.ttlMs };
      return sent("session-open", hansa.v1.SessionOpenRequest.encode(wire).finish());
    }
    default:
      return unreachable(step);
  }
}

function sent(kind: Request["kind"], body: Uint8Array): SentWrite {
  return { request: storeCodec.decodeRequest(kind, body), body };
}

function wireIdOf({ session, sequence, acknowledgedBelow }: RequestId): hansa.v1.IRequestId {
  return { session, sequence, acknowledged_below: acknowledgedBelow };
}

function wirePut({ key, value }: KeyedValue): etcdserverpb.IPutRequest {
  return { key: bytesOf(key), value: bytesOf(checkedKey(value)) };
}

function wireSwap({
  key,
  expect,
  value,
}: Extract<WriteStep, { kind: "swap" }>): etcdserverpb.ITxnRequest {
  const { VERSION, VALUE } = etcdserverpb.Compare.CompareTarget;
  const wireKey = bytesOf(key);
  const held =
    expect === undefined
      ? { target: VERSION, version: 0 }
      : { target: VALUE, value: bytesOf(checkedKey(expect)) };
  return {
    compare: [{ key: wireKey, ...held }],
    success: [{ request_put: wirePut({ key, value }) }],
    failure: [{ request_range: { key: wireKey } }],
  };
}

/** [key, end) at a revision; 0: the newest. */
export function rangeOf(key: Key, end: Key | undefined, revision: Revision): RangeRequest {
  return {
    key,
    ...(end === undefined ? {} : { end }),
    limit: 0,
    revision,
    sortOrder: "none",
    sortTarget: "key",
    serializable: false,
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
  };
}

/** A transaction that reads each of these keys by itself and writes nothing. */
export function readTxnOf(keys: readonly Key[]): TxnRequest {
  const success = keys.map((key) => {
    return { kind: "range", range: rangeOf(key, undefined, 0 as Revision) } as const;
  });
  return { compare: [], success, failure: [] };
}
