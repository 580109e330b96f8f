// A hash of what a command asks, without its request id: a retry may acknowledge more than the first try
// did and is still the same command; another command under a used sequence is an error (R9).
import { unreachable } from "../base/index.ts";
import { Digest } from "./digest.ts";
import type {
  Compare,
  DeleteRangeRequest,
  KeyRange,
  PutRequest,
  RangeRequest,
  Request,
  RequestOp,
  TxnRequest,
} from "./request.ts";

export type NamedCommand = Extract<Request, { readonly requestId?: unknown }>;

/** 0 <= hash < 2^53; equal on every replica. */
export function requestHash(request: NamedCommand): number {
  const digest = new Digest().text(request.kind);
  switch (request.kind) {
    case "put":
      addPut(digest, request.put);
      break;
    case "delete-range":
      addDeleteRange(digest, request.deleteRange);
      break;
    case "txn":
      addTxn(digest, request.txn);
      break;
    default:
      unreachable(request);
  }
  return digest.value();
}

function addKeyRange(digest: Digest, { key, end }: KeyRange): void {
  digest.text(key).flag(end !== undefined);
  if (end !== undefined) digest.text(end);
}

function addRange(digest: Digest, request: RangeRequest): void {
  addKeyRange(digest, request);
  digest.count(request.limit).count(request.revision);
  digest.text(request.sortOrder).text(request.sortTarget);
  digest.flag(request.serializable).flag(request.keysOnly).flag(request.countOnly);
  digest.count(request.minModRevision).count(request.maxModRevision);
  digest.count(request.minCreateRevision).count(request.maxCreateRevision);
}

function addPut(digest: Digest, request: PutRequest): void {
  digest.text(request.key).bytes(request.value).wide(request.lease);
  digest.flag(request.prevKv).flag(request.ignoreValue).flag(request.ignoreLease);
  addContext(digest, request.siblingContext);
  if (request.operation !== undefined) digest.text("operation").bytes(request.operation);
}

function addDeleteRange(digest: Digest, request: DeleteRangeRequest): void {
  addKeyRange(digest, request);
  digest.flag(request.prevKv);
  addContext(digest, request.siblingContext);
}

/** Nothing for none: a command without one has the hash that it always had. */
function addContext(digest: Digest, context: Uint8Array | undefined): void {
  if (context !== undefined) digest.bytes(context);
}

function addTxn(digest: Digest, txn: TxnRequest): void {
  digest.count(txn.compare.length).count(txn.success.length).count(txn.failure.length);
  for (const compare of txn.compare) addCompare(digest, compare);
  for (const operation of txn.success) addOperation(digest, operation);
  for (const operation of txn.failure) addOperation(digest, operation);
}

function addCompare(digest: Digest, compare: Compare): void {
  addKeyRange(digest, compare);
  digest.text(compare.result).text(compare.target);
  switch (compare.target) {
    case "version":
      digest.count(compare.version);
      break;
    case "create":
      digest.count(compare.createRevision);
      break;
    case "mod":
      digest.count(compare.modRevision);
      break;
    case "value":
      digest.bytes(compare.value);
      break;
    case "lease":
      digest.wide(compare.lease);
      break;
    default:
      unreachable(compare);
  }
}

function addOperation(digest: Digest, operation: RequestOp): void {
  digest.text(operation.kind);
  switch (operation.kind) {
    case "range":
      addRange(digest, operation.range);
      break;
    case "put":
      addPut(digest, operation.put);
      break;
    case "delete-range":
      addDeleteRange(digest, operation.deleteRange);
      break;
    case "txn":
      addTxn(digest, operation.txn);
      break;
    default:
      unreachable(operation);
  }
}
