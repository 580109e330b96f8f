// The requests that clients make, from the few things that a simulated client wants.
import { bytesOf, checkedKey } from "../../base/index.ts";
import type { Key, LeaseId, Revision } from "../../base/index.ts";
import type {
  PutRequest,
  RangeRequest,
  Request,
  RequestId,
  TxnRequest,
} from "../../store/request.ts";
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
  | { readonly kind: "compaction"; readonly revision: Revision };

export function requestOf(step: WriteStep, requestId: RequestId | undefined): Request {
  const id = requestId === undefined ? {} : { requestId };
  switch (step.kind) {
    case "put":
      return { kind: "put", put: putOf(step.puts[0]), ...id };
    case "put-two": {
      const success = step.puts.map((put) => ({ kind: "put" as const, put: putOf(put) }));
      return { kind: "txn", txn: { compare: [], success, failure: [] }, ...id };
    }
    case "delete":
      return { kind: "delete-range", deleteRange: { key: step.key, prevKv: true }, ...id };
    case "swap":
      return { kind: "txn", txn: swapOf(step), ...id };
    case "compaction":
      return { kind: "compaction", compaction: { revision: step.revision, physical: false } };
  }
}

function swapOf({ key, expect, value }: Extract<WriteStep, { kind: "swap" }>): TxnRequest {
  const range = rangeOf(key, undefined, 0 as Revision);
  return {
    compare: [
      expect === undefined
        ? { key, result: "equal", target: "version", version: 0 }
        : { key, result: "equal", target: "value", value: bytesOf(checkedKey(expect)) },
    ],
    success: [{ kind: "put", put: putOf({ key, value }) }],
    failure: [{ kind: "range", range }],
  };
}

function putOf({ key, value }: KeyedValue): PutRequest {
  return {
    key,
    value: bytesOf(checkedKey(value)),
    lease: 0n as LeaseId,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
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
