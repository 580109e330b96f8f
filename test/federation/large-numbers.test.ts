// Numbers beyond what a JavaScript number holds exactly: stamps, counters and sequences are told apart to the last unit
// (federation 9, trap 24).
import { expect, test } from "@jest/globals";
import type { Key } from "../../base/index.ts";
import { linkOf } from "../../federation/chain.ts";
import { originId, sequence } from "../../federation/dot.ts";
import { decodeTransaction, encodeTransaction } from "../../federation/transaction-codec.ts";
import { Region, heal } from "./kernel-world.ts";

const K = "k" as Key;
/** Today's milliseconds, with the counter's 16 bits behind them, are 64 times what a number counts one by one. */
const TODAY_MS = 1_700_000_000_000;

function pair(): [Region, Region] {
  return [new Region(1), new Region(2)];
}

test("of two writes of one millisecond the one with the later count is shown, though its origin is the lower", () => {
  const [r1, r2] = pair();
  r1.put("other" as Key, "raises the count", TODAY_MS);
  const later = r1.put(K, "later", TODAY_MS);
  const earlier = r2.put(K, "earlier", TODAY_MS);
  expect(later.hlc - earlier.hlc).toBe(1n);
  expect(Number(later.hlc)).toBe(Number(earlier.hlc));
  heal([r1, r2]);
  expect([r1.value(K), r2.value(K)]).toEqual(["later", "later"]);
  const { transaction } = decodeTransaction(encodeTransaction(later, linkOf(new Uint8Array(32))));
  expect(transaction.hlc).toBe(later.hlc);
});

test("a counter counts on beyond 2^53 by one, and stops at 64 bits", () => {
  const [r1, r2] = pair();
  const add = (region: Region, amount: bigint, at: number): void => {
    region.operate(K, { kind: "counter", action: "add", amount }, at);
    heal([r1, r2]);
  };
  add(r1, 2n ** 53n, 10);
  add(r2, 1n, 20);
  for (const region of [r1, r2]) expect(region.kindValue(K, "counter")).toBe("9007199254740993");
  add(r1, 2n ** 63n - 1n, 30);
  add(r2, 2n ** 63n - 1n, 40);
  for (const region of [r1, r2]) {
    expect(region.kindValue(K, "counter")).toBe(String(2n ** 63n - 1n));
  }
});

test("a sequence or an origin that would be rounded is none", () => {
  expect(sequence(Number.MAX_SAFE_INTEGER)).toBe(2 ** 53 - 1);
  expect(() => sequence(2 ** 53)).toThrow("not a safe integer");
  expect(() => originId(2 ** 32)).toThrow("is not in");
});
