// Selectors made into etcd's ranges, against the meaning of the words.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KvError } from "../base/index.ts";
import { bytesFrom, prefixEnd, textFrom, wireRangeOf } from "./bytes.ts";
import type { KeySelector } from "./bytes.ts";

const aKey = fc.uint8Array({ maxLength: 4 }).map((bytes) =>
  // Few letters, so that prefixes and borders are hit.
  bytes.map((byte) => [0x00, 0x01, 0x61, 0xfe, 0xff][byte % 5] ?? 0),
);

/** Whether a key is in etcd's [key, range_end). */
function isInWireRange(key: Uint8Array, { key: from, rangeEnd }: ReturnType<typeof wireRangeOf>) {
  if (rangeEnd.length === 0) return Buffer.compare(key, from) === 0;
  const isEndless = rangeEnd.length === 1 && rangeEnd[0] === 0;
  return Buffer.compare(key, from) >= 0 && (isEndless || Buffer.compare(key, rangeEnd) < 0);
}

describe("wireRangeOf", () => {
  test("a prefix's range holds exactly the keys that begin so", () => {
    fc.assert(
      fc.property(aKey, aKey, (prefix, key) => {
        fc.pre(key.length > 0);
        const begins = Buffer.from(key).subarray(0, prefix.length).equals(Buffer.from(prefix));
        expect(isInWireRange(key, wireRangeOf({ prefix }))).toBe(begins);
      }),
    );
  });

  test("from and until are half-open, in byte order", () => {
    fc.assert(
      fc.property(aKey, aKey, aKey, (from, until, key) => {
        fc.pre(key.length > 0 && until.length > 0 && Buffer.compare(from, until) < 0);
        fc.pre(!(from.length === 0 && Buffer.compare(until, Uint8Array.of(0)) <= 0));
        const inside = Buffer.compare(key, from) >= 0 && Buffer.compare(key, until) < 0;
        expect(isInWireRange(key, wireRangeOf({ from, until }))).toBe(inside);
      }),
    );
  });

  test("without until a range has no end", () => {
    expect(isInWireRange(Uint8Array.of(0xff, 0xff), wireRangeOf({ from: "k" }))).toBe(true);
    expect(isInWireRange(bytesFrom("j"), wireRangeOf({ from: "k" }))).toBe(false);
  });

  test.each<[string, KeySelector, string]>([
    ["an empty key", "", "key-not-provided"],
    ["until below from", { from: "b", until: "a" }, "invalid-argument"],
    ["until equal to from", { from: "a", until: "a" }, "invalid-argument"],
    [
      "an empty until, which the wire would take for one key",
      { from: "", until: "" },
      "invalid-argument",
    ],
  ])("%s is refused", (_, selector, code) => {
    expect(() => wireRangeOf(selector)).toThrow(KvError);
    expect(() => wireRangeOf(selector)).toThrow(expect.objectContaining({ code }));
  });
});

test("a prefix of 0xff bytes has no key above it", () => {
  expect(prefixEnd(Uint8Array.of(0xff, 0xff))).toEqual(Uint8Array.of(0));
  expect(prefixEnd(Uint8Array.of(0x61, 0xff))).toEqual(Uint8Array.of(0x62));
});

test("text survives the way to bytes and back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(textFrom(bytesFrom(text))).toBe(text);
    }),
  );
});
