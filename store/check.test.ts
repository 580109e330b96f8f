import { describe, expect, test } from "@jest/globals";
import type { LeaseId } from "../base/index.ts";
import {
  op,
  del,
  put,
  putOf,
  rangeOf,
  deleteOf,
  sessionId,
  txn,
  txnOf,
  valueIs,
  versionIs,
  compact,
} from "../test/store/requests.ts";
import {
  checkDeleteRange,
  checkPut,
  checkRange,
  checkRequest,
  checkRequestId,
  checkSortOption,
  checkTxn,
} from "./check.ts";

const EMPTY_KEY = "etcdserver: key is not provided";
const TOO_MANY = "etcdserver: too many operations in txn request";
const DUPLICATE = "etcdserver: duplicate key given in txn request";

describe("a request's form", () => {
  test("a key must be provided", () => {
    expect(checkRange(rangeOf(""))?.message).toBe(EMPTY_KEY);
    expect(checkPut(putOf("", "v"))?.message).toBe(EMPTY_KEY);
    expect(checkDeleteRange(deleteOf(""))?.message).toBe(EMPTY_KEY);
    expect(checkTxn(txnOf([versionIs("", "equal", 0)], []))?.message).toBe(EMPTY_KEY);
    expect(checkTxn(txnOf([], [], [op.range("")]))?.message).toBe(EMPTY_KEY);
    expect(checkRange(rangeOf("\0", { until: "\0" }))).toBeUndefined();
  });

  test("what is to be kept is not provided too", () => {
    expect(checkPut(putOf("a", "v", { ignoreValue: true }))?.message).toBe(
      "etcdserver: value is provided",
    );
    expect(checkPut(putOf("a", "", { ignoreLease: true, lease: 1n as LeaseId }))?.message).toBe(
      "etcdserver: lease is provided",
    );
    expect(checkPut(putOf("a", "", { ignoreValue: true, ignoreLease: true }))).toBeUndefined();
  });

  test("sort options are those of the enumerations", () => {
    expect(checkSortOption(0, 0)).toBeUndefined();
    expect(checkSortOption(2, 4)).toBeUndefined();
    for (const [order, target] of [
      [3, 0],
      [-1, 0],
      [0, 5],
      [0, 0.5],
    ] as const) {
      expect(checkSortOption(order, target)?.message).toBe("etcdserver: invalid sort option");
    }
  });

  test("a request id counts from 1 and acknowledges only what came before", () => {
    const session = sessionId(1);
    expect(checkRequestId({ session, sequence: 1, acknowledgedBelow: 0 })).toBeUndefined();
    expect(checkRequestId({ session, sequence: 3, acknowledgedBelow: 3 })).toBeUndefined();
    for (const [sequence, acknowledgedBelow] of [
      [0, 0],
      [1.5, 0],
      [1, -1],
      [1, 2],
    ] as const) {
      const bad = { session, sequence, acknowledgedBelow };
      expect(checkRequestId(bad)?.code).toBe("invalid-argument");
      expect(checkRequest(put("a", "v", {}, bad))?.code).toBe("invalid-argument");
    }
  });

  test("commands are judged by their kind", () => {
    expect(checkRequest(put("", "v"))?.message).toBe(EMPTY_KEY);
    expect(checkRequest(del(""))?.message).toBe(EMPTY_KEY);
    expect(checkRequest(txn([], [op.put("", "v")]))?.message).toBe(EMPTY_KEY);
    expect(checkRequest(compact(0))).toBeUndefined();
    expect(checkRequest({ kind: "session-open", ttlMs: 0 })).toBeUndefined();
  });
});

describe("a transaction's size", () => {
  const puts = (count: number): ReturnType<typeof op.put>[] =>
    Array.from({ length: count }, (_, at) => op.put(`k${at}`, ""));

  test("is bounded for each list by itself", () => {
    expect(checkTxn(txnOf([], puts(128), puts(128)))).toBeUndefined();
    expect(checkTxn(txnOf([], puts(129)))?.message).toBe(TOO_MANY);
    expect(checkTxn(txnOf([], [], puts(129)))?.message).toBe(TOO_MANY);
    const compares = Array.from({ length: 129 }, () => versionIs("a", "equal", 0));
    expect(checkTxn(txnOf(compares, []))?.message).toBe(TOO_MANY);
    expect(checkTxn(txnOf([], puts(3)), 2)?.message).toBe(TOO_MANY);
  });

  test("shrinks for what is nested by the longest list around it", () => {
    const nested = (count: number): ReturnType<typeof txnOf> =>
      txnOf([], [op.txn([], puts(count)), op.range("a")]);
    expect(checkTxn(nested(3), 5)).toBeUndefined();
    expect(checkTxn(nested(4), 5)?.message).toBe(TOO_MANY);
  });
});

describe("a transaction writes each key once in a branch", () => {
  const message = (...operations: Parameters<typeof txnOf>[1]): string | undefined =>
    checkTxn(txnOf([], operations))?.message;

  test("two puts of a key", () => {
    expect(message(op.put("a", "1"), op.put("a", "2"))).toBe(DUPLICATE);
    expect(message(op.put("a", "1"), op.put("b", "2"))).toBeUndefined();
    expect(checkTxn(txnOf([], [op.put("a", "1")], [op.put("a", "2")]))).toBeUndefined();
    expect(checkTxn(txnOf([], [], [op.put("a", "1"), op.put("a", "2")]))?.message).toBe(DUPLICATE);
  });

  test("a put of a key that a delete of the list covers, in either order", () => {
    expect(message(op.put("b", ""), op.del("a", "c"))).toBe(DUPLICATE);
    expect(message(op.del("a"), op.put("a", ""))).toBe(DUPLICATE);
    expect(message(op.del("a", "b"), op.put("b", ""))).toBeUndefined();
  });

  test("a put nested under a delete or beside a put", () => {
    expect(message(op.del("a", "c"), op.txn([], [op.put("b", "")]))).toBe(DUPLICATE);
    expect(message(op.put("b", ""), op.txn([], [], [op.put("b", "")]))).toBe(DUPLICATE);
    expect(message(op.txn([], [op.put("b", "")]), op.txn([], [op.put("b", "")]))).toBe(DUPLICATE);
    expect(message(op.txn([], [op.del("b")]), op.txn([], [op.put("b", "")]))).toBe(DUPLICATE);
  });

  test("but both branches of a nested one may put it: one of them runs", () => {
    expect(message(op.txn([], [op.put("b", "1")], [op.put("b", "2")]))).toBeUndefined();
    const failing = op.txn([valueIs("a", "equal", "1")], [op.put("b", "1"), op.put("b", "2")]);
    expect(message(failing)).toBe(DUPLICATE);
  });

  test("nor does etcd see a clash with a delete from a key on, or in a later sibling", () => {
    expect(message(op.del("a", "\0"), op.put("b", ""))).toBeUndefined();
    expect(message(op.txn([], [op.put("b", "")]), op.txn([], [op.del("b")]))).toBeUndefined();
  });
});
