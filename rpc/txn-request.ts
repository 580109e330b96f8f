// Transactions from their bytes: compares, operations, and transactions within.
import { KvError } from "../base/index.ts";
import type { Key, LeaseId } from "../base/index.ts";
import { bigintOf, clampedNumberOf } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import type { Compare, CompareResult, RequestId, RequestOp, TxnRequest } from "../store/index.ts";
import { NESTING_MAX, invalid } from "./decode.ts";
import { readDeleteRange, readPut, readRequestId, writeOptions } from "./kv-request.ts";
import type { WriteOptions } from "./kv-request.ts";
import { readRange } from "./range-request.ts";

const RESULTS: readonly CompareResult[] = ["equal", "greater", "less", "not-equal"];
const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_LEASE = 0n as LeaseId;
/** Field numbers of Compare.target_union. */
const VERSION = 4;
const CREATE_REVISION = 5;
const MOD_REVISION = 6;
const LEASE = 8;

export interface TxnCall extends WriteOptions {
  readonly txn: TxnRequest;
}

/** @throws {KvError} `invalid-argument` for an unknown comparison, or transactions nested too deeply. */
export function readTxnCall(reader: Reader): TxnCall {
  return readNestedTxn(reader, 0);
}

function readNestedTxn(reader: Reader, depth: number): TxnCall {
  if (depth > NESTING_MAX) throw invalid(`transactions nest deeper than ${NESTING_MAX}`);
  const readOp = (inner: Reader): RequestOp => readRequestOp(inner, depth);
  const compare: Compare[] = [];
  const success: RequestOp[] = [];
  const failure: RequestOp[] = [];
  let requestId: RequestId | undefined;
  let writeRegions = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        compare.push(reader.nested(readCompare));
        break;
      case (2 << 3) | 2:
        success.push(reader.nested(readOp));
        break;
      case (3 << 3) | 2:
        failure.push(reader.nested(readOp));
        break;
      case (1001 << 3) | 2:
        requestId = reader.nested(readRequestId);
        break;
      case 1002 << 3:
        writeRegions = reader.uint32();
        break;
      default:
        reader.pass(tag);
    }
  }
  const txn = { compare, success, failure };
  if (writeRegions !== 0) return { txn, ...writeOptions(requestId, writeRegions) };
  return requestId === undefined ? { txn } : { txn, requestId };
}

function readRequestOp(reader: Reader, depth: number): RequestOp {
  let operation: RequestOp | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        operation = { kind: "range", range: reader.nested(readRange) };
        break;
      case (2 << 3) | 2:
        operation = { kind: "put", put: reader.nested(readPut) };
        break;
      case (3 << 3) | 2:
        operation = { kind: "delete-range", deleteRange: reader.nested(readDeleteRange) };
        break;
      case (4 << 3) | 2:
        operation = {
          kind: "txn",
          txn: reader.nested((inner) => readNestedTxn(inner, depth + 1).txn),
        };
        break;
      default:
        reader.pass(tag);
    }
  }
  // etcd's answer to an operation without content.
  if (operation === undefined) throw new KvError("key-not-found", "not-applied", "empty operation");
  return operation;
}

/** The operand as it was given: its field of target_union, and its value in each form. */
interface Operand {
  field: number;
  number: number;
  bytes: Uint8Array;
  lease: LeaseId;
}

function readCompare(reader: Reader): Compare {
  let result = 0;
  let target = 0;
  let key = "" as Key;
  let end = "" as Key;
  const operand: Operand = { field: 0, number: 0, bytes: NO_BYTES, lease: NO_LEASE };
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case 1 << 3:
        result = reader.int32();
        break;
      case 2 << 3:
        target = reader.int32();
        break;
      case (3 << 3) | 2:
        key = reader.latin1() as Key;
        break;
      case (64 << 3) | 2:
        end = reader.latin1() as Key;
        break;
      default:
        readOperand(reader, tag, operand);
    }
  }
  const word = RESULTS[result];
  if (word === undefined) throw invalid(`compare result ${result} is unknown`);
  const range = end === "" ? { key } : { key, end };
  return { ...range, result: word, ...comparison(target, operand) };
}

function readOperand(reader: Reader, tag: number, operand: Operand): void {
  switch (tag) {
    case VERSION << 3:
    case CREATE_REVISION << 3:
    case MOD_REVISION << 3:
      operand.field = tag >>> 3;
      operand.number = clampedNumberOf(reader.int64());
      break;
    case (7 << 3) | 2:
      operand.field = tag >>> 3;
      operand.bytes = reader.bytes();
      break;
    case LEASE << 3:
      operand.field = tag >>> 3;
      operand.lease = bigintOf(reader.int64()) as LeaseId;
      break;
    default:
      reader.pass(tag);
  }
}

/** An operand of another target counts as not given: zero, or no bytes (etcd). */
function comparison(target: number, operand: Operand): Comparison {
  const numberOf = (field: number): number => (operand.field === field ? operand.number : 0);
  switch (target) {
    case 0:
      return { target: "version", version: numberOf(VERSION) };
    case 1:
      return { target: "create", createRevision: numberOf(CREATE_REVISION) };
    case 2:
      return { target: "mod", modRevision: numberOf(MOD_REVISION) };
    case 3:
      return { target: "value", value: operand.field === 7 ? operand.bytes : NO_BYTES };
    case 4:
      return { target: "lease", lease: operand.field === LEASE ? operand.lease : NO_LEASE };
    default:
      throw invalid(`compare target ${target} is unknown`);
  }
}

type Comparison =
  | { readonly target: "version"; readonly version: number }
  | { readonly target: "create"; readonly createRevision: number }
  | { readonly target: "mod"; readonly modRevision: number }
  | { readonly target: "value"; readonly value: Uint8Array }
  | { readonly target: "lease"; readonly lease: LeaseId };
