// A transaction as bytes: read back as it was minted; hostile bytes give TransactionError and nothing else, or are the
// only form of some transaction (federation 3).
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { AssertionError, crc32c } from "../../base/index.ts";
import type { Hlc, Key } from "../../base/index.ts";
import { kindOperations, transactions } from "./arbitrary.ts";
import { LINK_BYTES } from "../../federation/chain.ts";
import { originId, sequence } from "../../federation/dot.ts";
import type { Dot } from "../../federation/dot.ts";
import { kindFlaw } from "../../federation/kind-shape.ts";
import {
  TRANSACTION_VERSION,
  TransactionError,
  decodeTransaction,
  encodeTransaction,
} from "../../federation/transaction-codec.ts";
import { TRANSACTION_LIMITS, flawOf } from "../../federation/transaction-rules.ts";
import type { Operation, Transaction } from "../../federation/transaction.ts";

const links = fc.uint8Array({ minLength: LINK_BYTES, maxLength: LINK_BYTES });

/** The checksum made good, so that what lies behind it is looked at. */
function sealed(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (copy.length >= 5) new DataView(copy.buffer).setUint32(1, crc32c(copy, 0, 5), true);
  return copy;
}

/** Anything thrown but a TransactionError fails; what decodes has one form, and it is this one. */
function readsOrRefuses(bytes: Uint8Array): boolean {
  try {
    const { transaction, link } = decodeTransaction(bytes);
    expect(encodeTransaction(transaction, link)).toEqual(bytes);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(TransactionError);
    return false;
  }
}

test("a transaction is read back as it was minted, with the link it was minted on", () => {
  fc.assert(
    fc.property(transactions, links, (transaction, link) => {
      expect(flawOf(transaction)).toBeUndefined();
      const bytes = encodeTransaction(transaction, link);
      expect(decodeTransaction(bytes)).toEqual({ transaction, link, bytes });
    }),
    { numRuns: 300 },
  );
});

test("every kind's operations are well shaped", () => {
  fc.assert(
    fc.property(kindOperations, (operation) => expect(kindFlaw(operation)).toBeUndefined()),
  );
});

test("a changed or cut byte string is refused by its checksum", () => {
  const damage = fc.tuple(transactions, links, fc.nat(), fc.integer({ min: 1, max: 255 }));
  fc.assert(
    fc.property(damage, ([transaction, link, at, flip]) => {
      const bytes = encodeTransaction(transaction, link);
      const flipped = Uint8Array.from(bytes);
      const place = at % bytes.length;
      flipped[place] = (flipped[place] ?? 0) ^ flip;
      expect(() => decodeTransaction(flipped)).toThrow(TransactionError);
      expect(() => decodeTransaction(bytes.subarray(0, place))).toThrow(TransactionError);
    }),
  );
});

test("hostile bytes behind a good checksum are refused, or are some transaction's only form", () => {
  const change = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 3 }),
    insert: fc.uint8Array({ maxLength: 3 }),
  });
  let read = 0;
  fc.assert(
    fc.property(transactions, fc.array(change, { minLength: 1, maxLength: 3 }), (made, changes) => {
      let bytes = [...encodeTransaction(made, new Uint8Array(LINK_BYTES))];
      for (const { at, remove, insert } of changes) {
        const place = 5 + (at % (bytes.length - 5 + 1));
        bytes = [...bytes.slice(0, place), ...insert, ...bytes.slice(place + remove)];
      }
      if (readsOrRefuses(sealed(Uint8Array.from(bytes)))) read += 1;
    }),
    { numRuns: 1_000 },
  );
  expect(read).toBeGreaterThan(0);
});

test("random bytes are refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => decodeTransaction(bytes)).toThrow(TransactionError);
      readsOrRefuses(sealed(Uint8Array.from([TRANSACTION_VERSION, ...bytes])));
    }),
    { numRuns: 500 },
  );
});

const dot = (origin: number, at: number): Dot => ({
  origin: originId(origin),
  sequence: sequence(at),
});
const key = "k" as Key;
const value = new Uint8Array([1]);
const minted: Transaction = {
  origin: originId(1),
  sequence: sequence(5),
  deps: new Map([[originId(2), sequence(3)]]),
  hlc: 100n as Hlc,
  epoch: 1,
  operations: [],
};
const put: Operation = { action: "put", key, value, context: "all-seen" };
const lost = (of: Dot): { dot: Dot; hlc: Hlc; valueBytes: number } => {
  return { dot: of, hlc: 1n as Hlc, valueBytes: 0 };
};
const operation = (one: Operation): Transaction => ({ ...minted, operations: [one] });

const flawed: readonly (readonly [string, Transaction])[] = [
  ["deps name origin 1", { ...minted, deps: new Map([[originId(1), sequence(4)]]) }],
  ["empty key", operation({ ...put, key: "" as Key })],
  ["two operations on one key", { ...minted, operations: [put, put] }],
  ["names 2:4, which", operation({ ...put, context: [dot(2, 4)] })],
  ["names 1:5, which", operation({ action: "delete", key, context: [dot(1, 5)] })],
  ["out of order", operation({ ...put, context: [dot(2, 1), dot(1, 4)] })],
  ["out of order", operation({ ...put, context: [dot(2, 1), dot(2, 1)] })],
  ["birth names 3:1", operation({ ...put, birth: { hlc: 1n as Hlc, dot: dot(3, 1) } })],
  ["birth that is not before", operation({ ...put, birth: { hlc: 100n as Hlc, dot: dot(2, 1) } })],
  ["nothing lost", operation({ ...put, lost: [] })],
  ["nothing lost, expected one", operation({ action: "settle", key, kept: dot(2, 1), lost: [] })],
  [
    "loses what it keeps",
    operation({ action: "settle", key, kept: dot(2, 1), lost: [lost(dot(2, 1))] }),
  ],
  [
    "0 bytes shown of 7",
    operation({
      action: "settle",
      key,
      kept: dot(2, 1),
      lost: [{ ...lost(dot(2, 2)), valueBytes: 7 }],
    }),
  ],
  [
    "adds 0",
    operation({
      action: "kind",
      key,
      operation: { kind: "counter", action: "add", amount: 0n },
    }),
  ],
  [
    "out of order",
    operation({
      action: "kind",
      key,
      operation: { kind: "set", action: "change", add: ["b" as Key, "a" as Key], remove: [] },
    }),
  ],
];

test.each(flawed)("no origin mints it: %s", (flaw, transaction) => {
  expect(flawOf(transaction)).toContain(flaw);
  expect(() => encodeTransaction(transaction, new Uint8Array(LINK_BYTES))).toThrow(AssertionError);
});

test("a version of another release is named", () => {
  const bytes = encodeTransaction(minted, new Uint8Array(LINK_BYTES));
  bytes[0] = 9;
  expect(() => decodeTransaction(bytes)).toThrow("version 9, expected 1");
});

test("more bytes than any transaction has are refused before they are read", () => {
  const bytes = new Uint8Array(TRANSACTION_LIMITS.bytesMax + 1);
  expect(() => decodeTransaction(bytes)).toThrow(`${bytes.length} bytes, expected`);
});
