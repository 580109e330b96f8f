// Transactions as data: `when` makes the conditions, `op` the operations, and the answer's type follows
// from them. An object with `if`, `then`, `else` and not a chain of calls: an object with a `then` method is
// a promise to `await`, and would be run by it.
import { KvError } from "../base/index.ts";
import type { etcdserverpb } from "../proto/index.ts";
import {
  answerOf,
  deleteResultOf,
  KeyValue,
  putResultOf,
  rangeResultOf,
  type Answer,
  type DeleteResult,
  type PutResult,
  type RangeResult,
} from "./answer.ts";
import { bytesFrom, wireRangeOf } from "./bytes.ts";
import type { Bytes, KeySelector } from "./bytes.ts";
import type { CallOptions, PutOptions, RangeOptions, ResolveOptions } from "./options.ts";
import type { RegionWriteOptions } from "./regions.ts";
import { checkOperated } from "./kind-operation.ts";
import type { KindOperation } from "./kind-operation.ts";
import {
  checkedCount,
  deleteRequestOf,
  operateRequestOf,
  putRequestOf,
  rangeRequestOf,
  wireId,
} from "./request.ts";
import { answered } from "./wire-value.ts";

/** What a transaction can do; `Result` is what it gives back. */
export interface Operation<Result> {
  readonly wire: etcdserverpb.IRequestOp;
  readonly result: (wire: etcdserverpb.IResponseOp) => Result;
}

/** A condition; for a range it must hold of every key in it. */
export interface Condition {
  readonly wire: etcdserverpb.ICompare;
}

/** How a condition compares what stands with what it names. */
export type Relation = "=" | "!=" | "<" | ">";

/** The operations of one branch, in order. */
export type Operations = readonly Operation<unknown>[];

/** The result of each operation, in order. */
export type ResultsOf<Ops extends Operations> = {
  readonly [At in keyof Ops]: Ops[At] extends Operation<infer Result> ? Result : never;
};

/** If every condition holds (none: always), `then` is done, else `else`; atomically, at one revision. */
export interface Transaction<Then extends Operations, Else extends Operations> {
  readonly if?: readonly Condition[];
  readonly then?: Then;
  readonly else?: Else;
}

/** Which branch was done, and the result of each of its operations. */
export type TxnResult<Then extends Operations, Else extends Operations> =
  | { readonly succeeded: true; readonly results: ResultsOf<Then> }
  | { readonly succeeded: false; readonly results: ResultsOf<Else> };

/** Of `txn`: which branch was done, and the result of each of its operations. */
export type TxnAnswer<Then extends Operations, Else extends Operations> = Answer &
  TxnResult<Then, Else>;

/** A range inside a transaction; `serializable` reads what the member has, if no operation writes. */
export interface TxnRangeOptions extends RangeOptions {
  readonly serializable?: boolean;
}

const RELATION: Readonly<Record<Relation, number>> = { "=": 0, ">": 1, "<": 2, "!=": 3 };
const TARGET = { version: 0, create: 1, mod: 2, value: 3, lease: 4 } as const;

/**
 * Conditions on a key or on every key of a range. Of a missing key the version, the revisions and the lease
 * are 0; a comparison of its value is false, `!=` too.
 *
 * @throws {KvError} `key-not-provided`, `invalid-argument`
 */
export const when = {
  /** Puts since the key was created. */
  version: (keys: KeySelector, relation: Relation, version: number): Condition =>
    condition(keys, relation, "version", { version: checkedCount("version", version) }),
  createRevision: (keys: KeySelector, relation: Relation, revision: number): Condition =>
    condition(keys, relation, "create", { create_revision: checkedCount("revision", revision) }),
  modRevision: (keys: KeySelector, relation: Relation, revision: number): Condition =>
    condition(keys, relation, "mod", { mod_revision: checkedCount("revision", revision) }),
  /** By unsigned byte order. */
  value: (keys: KeySelector, relation: Relation, value: Bytes): Condition =>
    condition(keys, relation, "value", { value: bytesFrom(value) }),
  lease: (keys: KeySelector, relation: Relation, lease: bigint): Condition =>
    condition(keys, relation, "lease", { lease: wireId(lease) }),
  exists: (keys: KeySelector): Condition => when.createRevision(keys, ">", 0),
  missing: (keys: KeySelector): Condition => when.createRevision(keys, "=", 0),
} as const;

function condition(
  keys: KeySelector,
  relation: Relation,
  target: keyof typeof TARGET,
  operand: etcdserverpb.ICompare,
): Condition {
  const { key, rangeEnd } = wireRangeOf(keys);
  const wire: etcdserverpb.ICompare = {
    result: RELATION[relation],
    target: TARGET[target],
    key,
    ...operand,
  };
  if (rangeEnd.length > 0) wire.range_end = rangeEnd;
  return { wire };
}

/**
 * Operations of a transaction.
 *
 * @throws {KvError} as the client's calls of the same names do for their arguments.
 */
export const op = {
  /** The pair, or undefined when there is no such key. */
  get: (key: Bytes, options: TxnRangeOptions = {}): Operation<KeyValue | undefined> => ({
    wire: { request_range: txnRange(key, options) },
    result: (wire) => {
      const kv = answered(wire.response_range, "range result").kvs?.[0];
      return kv === undefined ? undefined : new KeyValue(kv);
    },
  }),
  range: (keys: KeySelector, options: TxnRangeOptions = {}): Operation<RangeResult> => ({
    wire: { request_range: txnRange(keys, options) },
    result: (wire) => rangeResultOf(answered(wire.response_range, "range result")),
  }),
  put: (
    key: Bytes,
    value: Bytes,
    options: Omit<PutOptions, keyof CallOptions | keyof RegionWriteOptions> = {},
  ): Operation<PutResult> => ({
    wire: { request_put: putRequestOf(key, value, options) },
    result: (wire) => putResultOf(answered(wire.response_put, "put result")),
  }),
  /** On a key of a kind (`operation`); a `get` of it behind shows what it came to. */
  operate: (key: Bytes, operation: KindOperation): Operation<PutResult> => ({
    wire: { request_put: operateRequestOf(key, operation) },
    result: (wire) => {
      const put = answered(wire.response_put, "put result");
      // What stands beside it in the transaction was done.
      checkOperated(put, "applied");
      return putResultOf(put);
    },
  }),
  delete: (
    keys: KeySelector,
    options: ResolveOptions & { readonly prevKv?: boolean } = {},
  ): Operation<DeleteResult> => ({
    wire: { request_delete_range: deleteRequestOf(keys, options) },
    result: (wire) => deleteResultOf(answered(wire.response_delete_range, "delete result")),
  }),
  /** A transaction within. Its conditions are judged with the outer ones, before any operation runs. */
  txn: <const Then extends Operations = [], const Else extends Operations = []>(
    transaction: Transaction<Then, Else>,
  ): Operation<TxnResult<Then, Else>> => ({
    wire: { request_txn: txnRequestOf(transaction) },
    result: (wire) => txnResultOf(transaction, answered(wire.response_txn, "txn result")),
  }),
} as const;

function txnRange(keys: KeySelector, options: TxnRangeOptions): etcdserverpb.IRangeRequest {
  const request = rangeRequestOf(keys, options);
  if (options.serializable === true) request.serializable = true;
  return request;
}

export function txnRequestOf(
  transaction: Transaction<Operations, Operations>,
): etcdserverpb.ITxnRequest {
  return {
    compare: (transaction.if ?? []).map((item) => item.wire),
    success: (transaction.then ?? []).map((item) => item.wire),
    failure: (transaction.else ?? []).map((item) => item.wire),
  };
}

/** Whether any operation, at any depth, in either branch, can write: then it goes through the log. */
export function canWrite(request: etcdserverpb.ITxnRequest): boolean {
  return [...(request.success ?? []), ...(request.failure ?? [])].some((item) => {
    const nested = item.request_txn;
    if (nested !== null && nested !== undefined) return canWrite(nested);
    return item.request_range === null || item.request_range === undefined;
  });
}

function txnResultOf<Then extends Operations, Else extends Operations>(
  transaction: Transaction<Then, Else>,
  wire: etcdserverpb.ITxnResponse,
): TxnResult<Then, Else> {
  const succeeded = wire.succeeded ?? false;
  const operations: Operations = (succeeded ? transaction.then : transaction.else) ?? [];
  const responses = wire.responses ?? [];
  if (responses.length !== operations.length) {
    const message = `${operations.length} operations have ${responses.length} results`;
    throw new KvError("internal", "unknown", message);
  }
  const results = operations.map((item, at) => item.result(answered(responses[at], "result")));
  // The mapped tuple is what the loop makes: one result for each operation, in its place.
  return { succeeded, results } as TxnResult<Then, Else>;
}

export function txnAnswerOf<Then extends Operations, Else extends Operations>(
  transaction: Transaction<Then, Else>,
  wire: etcdserverpb.ITxnResponse,
): TxnAnswer<Then, Else> {
  return { ...answerOf(wire), ...txnResultOf(transaction, wire) };
}
