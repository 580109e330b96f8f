// KV writes from their bytes to the store's types in one pass, without a message object in between.
// Of a field given twice the last counts. A quantity beyond 2^53 is clamped: no revision or count gets there.
import type { Key, LeaseId, Revision, SessionId } from "../base/index.ts";
import { bigintOf, clampedNumberOf, exactNumberOf } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import type {
  CompactionRequest,
  DeleteRangeRequest,
  PutRequest,
  RequestId,
} from "../store/index.ts";
import { readKindOperation } from "./kind-operation-codec.ts";

const NO_KEY = "" as Key;
const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_LEASE = 0n as LeaseId;

/** What every write may carry beside itself. */
export interface WriteOptions {
  readonly requestId?: RequestId;
  /** Regions that the answer waits for; absent: it asks for none. Of no meaning in the log. */
  readonly writeRegions?: number;
}

export interface PutCall extends WriteOptions {
  readonly put: PutRequest;
}

/** The value is a view into the message's bytes. */
export function readPutCall(reader: Reader): PutCall {
  let key = NO_KEY;
  let value = NO_BYTES;
  let lease = NO_LEASE;
  let prevKv = false;
  let ignoreValue = false;
  let ignoreLease = false;
  let requestId: RequestId | undefined;
  let writeRegions = 0;
  let siblingContext: Uint8Array | undefined;
  let operation: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        key = reader.latin1() as Key;
        break;
      case (2 << 3) | 2:
        value = reader.bytes();
        break;
      case 3 << 3:
        lease = bigintOf(reader.int64()) as LeaseId;
        break;
      case 4 << 3:
        prevKv = reader.bool();
        break;
      case 5 << 3:
        ignoreValue = reader.bool();
        break;
      case 6 << 3:
        ignoreLease = reader.bool();
        break;
      case (1001 << 3) | 2:
        requestId = reader.nested(readRequestId);
        break;
      case 1002 << 3:
        writeRegions = reader.uint32();
        break;
      case (1003 << 3) | 2:
        siblingContext = reader.bytes();
        break;
      case (1004 << 3) | 2:
        operation = reader.nested(readKindOperation);
        break;
      default:
        reader.pass(tag);
    }
  }
  const plain = { key, value, lease, prevKv, ignoreValue, ignoreLease };
  const put = federatedPut(plain, siblingContext, operation);
  if (writeRegions !== 0) return { put, ...writeOptions(requestId, writeRegions) };
  return requestId === undefined ? { put } : { put, requestId };
}

/** An operation stands in place of the value, kept or not. */
function federatedPut(
  plain: PutRequest,
  siblingContext: Uint8Array | undefined,
  operation: Uint8Array | undefined,
): PutRequest {
  if (operation !== undefined) return { ...plain, ignoreValue: false, operation };
  return siblingContext === undefined ? plain : { ...plain, siblingContext };
}

export function readPut(reader: Reader): PutRequest {
  return readPutCall(reader).put;
}

/** Where regions are asked for. */
export function writeOptions(requestId: RequestId | undefined, writeRegions: number): WriteOptions {
  return requestId === undefined ? { writeRegions } : { requestId, writeRegions };
}

export interface DeleteRangeCall extends WriteOptions {
  readonly deleteRange: DeleteRangeRequest;
}

export function readDeleteRangeCall(reader: Reader): DeleteRangeCall {
  let key = NO_KEY;
  let end = NO_KEY;
  let prevKv = false;
  let requestId: RequestId | undefined;
  let writeRegions = 0;
  let siblingContext: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        key = reader.latin1() as Key;
        break;
      case (2 << 3) | 2:
        end = reader.latin1() as Key;
        break;
      case 3 << 3:
        prevKv = reader.bool();
        break;
      case (1001 << 3) | 2:
        requestId = reader.nested(readRequestId);
        break;
      case 1002 << 3:
        writeRegions = reader.uint32();
        break;
      case (1003 << 3) | 2:
        siblingContext = reader.bytes();
        break;
      default:
        reader.pass(tag);
    }
  }
  const plain = end === NO_KEY ? { key, prevKv } : { key, end, prevKv };
  const deleteRange = siblingContext === undefined ? plain : { ...plain, siblingContext };
  if (writeRegions !== 0) return { deleteRange, ...writeOptions(requestId, writeRegions) };
  return requestId === undefined ? { deleteRange } : { deleteRange, requestId };
}

export function readDeleteRange(reader: Reader): DeleteRangeRequest {
  return readDeleteRangeCall(reader).deleteRange;
}

export function readCompaction(reader: Reader): CompactionRequest {
  let revision = 0;
  let physical = false;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 1 << 3:
        revision = clampedNumberOf(reader.int64());
        break;
      case 2 << 3:
        physical = reader.bool();
        break;
      default:
        reader.pass(tag);
    }
  }
  return { revision: revision as Revision, physical };
}

export function readRequestId(reader: Reader): RequestId {
  let session = 0n as SessionId;
  let sequence = 0;
  let acknowledgedBelow = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 1 << 3:
        session = bigintOf(reader.uint64()) as SessionId;
        break;
      case 2 << 3:
        sequence = exactNumberOf(reader.uint64(), "sequence");
        break;
      case 3 << 3:
        acknowledgedBelow = exactNumberOf(reader.uint64(), "acknowledged_below");
        break;
      default:
        reader.pass(tag);
    }
  }
  return { session, sequence, acknowledgedBelow };
}
