// KV answers straight to bytes, without a message object in between, and back for the session table.
// Zero values are left out, as proto3 asks: the same answer is the same bytes everywhere.
import type { Key, LeaseId, Revision } from "../base/index.ts";
import { bigintOf, clampedNumberOf } from "../proto/index.ts";
import type { Reader, Writer } from "../proto/index.ts";
import type {
  DeleteRangeResponse,
  KeyValue,
  PutResponse,
  RangeResponse,
  ResponseOp,
  TxnResponse,
} from "../store/index.ts";

/** Of a KeyValue beyond key and value: tags, lengths and five integers. */
const KEY_VALUE_OVERHEAD_BYTES = 48;

/** About how long an answer gets, so that its buffer grows once. */
export function sizeOfKeyValues(kvs: readonly KeyValue[]): number {
  let bytes = 0;
  for (const kv of kvs) bytes += kv.key.length + kv.value.length + KEY_VALUE_OVERHEAD_BYTES;
  return bytes;
}

/** A KeyValue as field `field`: copied whole where the store has its bytes at hand. */
export function writeKeyValueField(writer: Writer, field: number, kv: KeyValue): void {
  if (kv.encoded === undefined) writeNested(writer, field, kv, writeKeyValue);
  else writer.uint32((field << 3) | 2).bytes(kv.encoded);
}

function writeKeyValue(writer: Writer, kv: KeyValue): void {
  writer.uint32((1 << 3) | 2).latin1(kv.key);
  writer.uint32(2 << 3).int64(kv.createRevision);
  writer.uint32(3 << 3).int64(kv.modRevision);
  writer.uint32(4 << 3).int64(kv.version);
  if (kv.value.length > 0) writer.uint32((5 << 3) | 2).bytes(kv.value);
  if (kv.lease !== 0n) writer.uint32(6 << 3).int64(kv.lease);
}

function writeNested<T>(
  writer: Writer,
  field: number,
  message: T,
  write: (writer: Writer, message: T) => void,
): void {
  writer.uint32((field << 3) | 2).fork();
  write(writer, message);
  writer.ldelim();
}

/** The fields of a RangeResponse after its header. */
export function writeRange(writer: Writer, range: RangeResponse): void {
  for (const kv of range.kvs) writeKeyValueField(writer, 2, kv);
  writeRangeEnd(writer, range);
}

/** As writeRange, without the pairs themselves. */
export function writeRangeEnd(writer: Writer, range: RangeResponse): void {
  if (range.more) writer.uint32(3 << 3).bool(true);
  if (range.count !== 0) writer.uint32(4 << 3).int64(range.count);
}

/** As writeRange, for PutResponse. */
export function writePut(writer: Writer, put: PutResponse): void {
  if (put.prevKv !== undefined) writeKeyValueField(writer, 2, put.prevKv);
  if (put.operated === true) writer.uint32(1001 << 3).bool(true);
}

/** As writeRange, for DeleteRangeResponse. */
export function writeDeleteRange(writer: Writer, deleteRange: DeleteRangeResponse): void {
  if (deleteRange.deleted !== 0) writer.uint32(2 << 3).int64(deleteRange.deleted);
  for (const kv of deleteRange.prevKvs) writeKeyValueField(writer, 3, kv);
}

/**
 * As writeRange, for TxnResponse. As in etcd, each answer within has a header of its own that shows the
 * store's revision at that operation alone, and the header of a transaction within is empty.
 */
export function writeTxn(writer: Writer, txn: TxnResponse, revision: Revision): void {
  const before = writes(txn) ? ((revision - 1) as Revision) : revision;
  writeTxnFrom(writer, txn, { at: before, after: revision });
}

/** Where a transaction has got to: the revision before its first change, or the one that its changes make. */
interface TxnProgress {
  at: Revision;
  readonly after: Revision;
}

function writes(txn: TxnResponse): boolean {
  return txn.responses.some((response) =>
    response.kind === "txn" ? writes(response.txn) : changes(response),
  );
}

function changes(response: ResponseOp): boolean {
  if (response.kind === "put") return true;
  return response.kind === "delete-range" && response.deleteRange.deleted > 0;
}

function writeTxnFrom(writer: Writer, txn: TxnResponse, progress: TxnProgress): void {
  if (txn.succeeded) writer.uint32(2 << 3).bool(true);
  for (const response of txn.responses) {
    writer.uint32((3 << 3) | 2).fork();
    writeResponseOp(writer, response, progress);
    writer.ldelim();
  }
}

function writeResponseOp(writer: Writer, response: ResponseOp, progress: TxnProgress): void {
  if (changes(response)) progress.at = progress.after;
  writer.uint32((RESPONSE_FIELDS[response.kind] << 3) | 2).fork();
  writer.uint32((1 << 3) | 2).fork();
  if (response.kind !== "txn") writer.uint32(3 << 3).int64(progress.at);
  writer.ldelim();
  switch (response.kind) {
    case "range":
      writeRange(writer, response.range);
      break;
    case "put":
      writePut(writer, response.put);
      break;
    case "delete-range":
      writeDeleteRange(writer, response.deleteRange);
      break;
    case "txn":
      writeTxnFrom(writer, response.txn, progress);
      break;
  }
  writer.ldelim();
}

/** Field numbers of ResponseOp.response. */
const RESPONSE_FIELDS: Readonly<Record<ResponseOp["kind"], number>> = {
  range: 1,
  put: 2,
  "delete-range": 3,
  txn: 4,
};

function readKeyValue(reader: Reader): KeyValue {
  let key = "" as Key;
  let createRevision = 0;
  let modRevision = 0;
  let version = 0;
  let value = NO_BYTES;
  let lease = 0n;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        key = reader.latin1() as Key;
        break;
      case 2 << 3:
        createRevision = clampedNumberOf(reader.int64());
        break;
      case 3 << 3:
        modRevision = clampedNumberOf(reader.int64());
        break;
      case 4 << 3:
        version = clampedNumberOf(reader.int64());
        break;
      case (5 << 3) | 2:
        value = reader.bytes();
        break;
      case 6 << 3:
        lease = bigintOf(reader.int64());
        break;
      default:
        reader.pass(tag);
    }
  }
  return {
    key,
    createRevision: createRevision as Revision,
    modRevision: modRevision as Revision,
    version,
    value,
    lease: lease as LeaseId,
  };
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function readRangeAnswer(reader: Reader): RangeResponse {
  const kvs: KeyValue[] = [];
  let more = false;
  let count = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case (2 << 3) | 2:
        kvs.push(reader.nested(readKeyValue));
        break;
      case 3 << 3:
        more = reader.bool();
        break;
      case 4 << 3:
        count = clampedNumberOf(reader.int64());
        break;
      default:
        reader.pass(tag);
    }
  }
  return { kvs, more, count };
}

export function readPutAnswer(reader: Reader): PutResponse {
  let prevKv: KeyValue | undefined;
  let operated = false;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((2 << 3) | 2)) prevKv = reader.nested(readKeyValue);
    else if (tag === 1001 << 3) operated = reader.bool();
    else reader.pass(tag);
  }
  const before = prevKv === undefined ? {} : { prevKv };
  return operated ? { ...before, operated: true } : before;
}

export function readDeleteRangeAnswer(reader: Reader): DeleteRangeResponse {
  let deleted = 0;
  const prevKvs: KeyValue[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 2 << 3) deleted = clampedNumberOf(reader.int64());
    else if (tag === ((3 << 3) | 2)) prevKvs.push(reader.nested(readKeyValue));
    else reader.pass(tag);
  }
  return { deleted, prevKvs };
}

export function readTxnAnswer(reader: Reader): TxnResponse {
  let succeeded = false;
  const responses: ResponseOp[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 2 << 3) succeeded = reader.bool();
    else if (tag === ((3 << 3) | 2)) responses.push(reader.nested(readResponseOp));
    else reader.pass(tag);
  }
  return { succeeded, responses };
}

function readResponseOp(reader: Reader): ResponseOp {
  let response: ResponseOp | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        response = { kind: "range", range: reader.nested(readRangeAnswer) };
        break;
      case (2 << 3) | 2:
        response = { kind: "put", put: reader.nested(readPutAnswer) };
        break;
      case (3 << 3) | 2:
        response = { kind: "delete-range", deleteRange: reader.nested(readDeleteRangeAnswer) };
        break;
      case (4 << 3) | 2:
        response = { kind: "txn", txn: reader.nested(readTxnAnswer) };
        break;
      default:
        reader.pass(tag);
    }
  }
  if (response === undefined) throw new RangeError("an answer of a transaction is empty");
  return response;
}
