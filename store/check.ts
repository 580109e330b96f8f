// What a request must be before it is planned or logged: etcd's checks, in etcd's order, so that the first
// fault named is the one etcd names. Pure; rpc/ calls them at the edge, once, and the store trusts them.
import type { Key } from "../base/index.ts";
import { refusal } from "./refusal.ts";
import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  Request,
  RequestId,
  RequestOp,
  TxnRequest,
} from "./request.ts";
import type { Refusal } from "./response.ts";

/** etcd's --max-txn-ops. */
const TXN_OPERATIONS_MAX_DEFAULT = 128;

const SORT_ORDER_LAST = 2;
const SORT_TARGET_LAST = 4;

/** Of the wire's enumeration numbers, before they become types. */
export function checkSortOption(order: number, target: number): Refusal | undefined {
  const known = (value: number, last: number): boolean =>
    Number.isInteger(value) && value >= 0 && value <= last;
  return known(order, SORT_ORDER_LAST) && known(target, SORT_TARGET_LAST)
    ? undefined
    : refusal("invalid-sort-option");
}

export function checkRange(request: RangeRequest): Refusal | undefined {
  return request.key.length === 0 ? refusal("key-not-provided") : undefined;
}

export function checkPut(request: PutRequest): Refusal | undefined {
  if (request.key.length === 0) return refusal("key-not-provided");
  if (request.ignoreValue && request.value.length !== 0) return refusal("value-provided");
  if (request.ignoreLease && request.lease !== 0n) return refusal("lease-provided");
  return undefined;
}

export function checkDeleteRange(request: DeleteRangeRequest): Refusal | undefined {
  return request.key.length === 0 ? refusal("key-not-provided") : undefined;
}

/** Sequences start at 1, and a command cannot be acknowledged before it is answered. */
export function checkRequestId(id: RequestId): Refusal | undefined {
  const sane =
    Number.isSafeInteger(id.sequence) &&
    id.sequence >= 1 &&
    Number.isSafeInteger(id.acknowledgedBelow) &&
    id.acknowledgedBelow >= 0 &&
    id.acknowledgedBelow <= id.sequence;
  return sane ? undefined : refusal("invalid-argument");
}

/**
 * Each list holds at most `operationsMax` operations; what the longest list of a transaction uses is
 * taken from the budget of those nested in it. Then: no branch may write a key twice.
 */
export function checkTxn(
  request: TxnRequest,
  operationsMax: number = TXN_OPERATIONS_MAX_DEFAULT,
): Refusal | undefined {
  return (
    checkShape(request, operationsMax) ??
    writesOf(request.success).refused ??
    writesOf(request.failure).refused
  );
}

/** All that is judged of a command before it may enter the log. */
export function checkRequest(
  request: Request,
  operationsMax: number = TXN_OPERATIONS_MAX_DEFAULT,
): Refusal | undefined {
  switch (request.kind) {
    case "put":
      return checkPut(request.put) ?? checkOptionalId(request.requestId);
    case "delete-range":
      return checkDeleteRange(request.deleteRange) ?? checkOptionalId(request.requestId);
    case "txn":
      return checkTxn(request.txn, operationsMax) ?? checkOptionalId(request.requestId);
    case "compaction":
    case "session-open":
    case "session-close":
    case "lease-grant":
    case "lease-revoke":
    case "lease-renew":
    case "lease-expire":
    case "auth":
    case "federation":
    case "alarm":
    case "alarm-finding":
      return undefined;
  }
}

function checkOptionalId(id: RequestId | undefined): Refusal | undefined {
  return id === undefined ? undefined : checkRequestId(id);
}

function checkShape(request: TxnRequest, operationsMax: number): Refusal | undefined {
  const { compare, success, failure } = request;
  const used = Math.max(compare.length, success.length, failure.length);
  if (used > operationsMax) return refusal("too-many-operations");
  if (compare.some(({ key }) => key.length === 0)) return refusal("key-not-provided");
  for (const operation of [...success, ...failure]) {
    const fault = checkOperation(operation, operationsMax - used);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function checkOperation(operation: RequestOp, operationsMax: number): Refusal | undefined {
  switch (operation.kind) {
    case "range":
      return checkRange(operation.range);
    case "put":
      return checkPut(operation.put);
    case "delete-range":
      return checkDeleteRange(operation.deleteRange);
    case "txn":
      return checkShape(operation.txn, operationsMax);
  }
}

interface Writes {
  readonly puts: Set<Key>;
  readonly deletes: DeleteRangeRequest[];
  refused?: Refusal;
}

/**
 * What a list of operations may write, or why it may not. Like etcd: the branches of a nested
 * transaction exclude each other, so both may put a key; a delete is compared with the puts of its own
 * list and of lists nested in it, and with later nested puts, not with puts nested in an earlier sibling.
 */
function writesOf(operations: readonly RequestOp[]): Writes {
  const writes: Writes = { puts: new Set(), deletes: [] };
  for (const operation of operations) {
    if (operation.kind === "delete-range") writes.deletes.push(operation.deleteRange);
  }
  for (const operation of operations) {
    if (operation.kind !== "txn") continue;
    const fault = mergeNested(writes, operation.txn);
    if (fault !== undefined) return { ...writes, refused: fault };
  }
  for (const operation of operations) {
    if (operation.kind !== "put") continue;
    const { key } = operation.put;
    if (writes.puts.has(key) || isDeleted(writes.deletes, key)) {
      return { ...writes, refused: refusal("duplicate-key") };
    }
    writes.puts.add(key);
  }
  return writes;
}

function mergeNested(into: Writes, txn: TxnRequest): Refusal | undefined {
  const success = writesOf(txn.success);
  if (success.refused !== undefined) return success.refused;
  const failure = writesOf(txn.failure);
  if (failure.refused !== undefined) return failure.refused;
  for (const branch of [success, failure]) {
    for (const key of branch.puts) {
      const exclusive = branch === failure && success.puts.has(key);
      if (into.puts.has(key) && !exclusive) return refusal("duplicate-key");
      if (isDeleted(into.deletes, key)) return refusal("duplicate-key");
    }
    for (const key of branch.puts) into.puts.add(key);
  }
  into.deletes.push(...success.deletes, ...failure.deletes);
  return undefined;
}

/**
 * A range end of "\0" is here the byte, not "from key": so compares etcd, which thus lets one
 * transaction clear everything and put again. The store gives each its own sub-revision.
 */
function isDeleted(deletes: readonly DeleteRangeRequest[], key: Key): boolean {
  return deletes.some((range) =>
    range.end === undefined ? key === range.key : range.key <= key && key < range.end,
  );
}
