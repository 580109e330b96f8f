import { expect, test } from "@jest/globals";
import { logIndex } from "../base/index.ts";
import type { Entry } from "../consensus/index.ts";
import { LogCache, entryBytes } from "./log-cache.ts";

function entry(index: number, bytes = 872): Entry {
  const epoch = { config: 0, round: 1, node: 0 } as const;
  return { index: logIndex(index), epoch, kind: "command", data: new Uint8Array(bytes) };
}

function held(cache: LogCache, until = 40): number[] {
  return Array.from({ length: until }, (_, index) => index).filter(
    (index) => cache.get(logIndex(index)) !== undefined,
  );
}

/** Ten entries of 1,000 bytes each fit. */
function cacheOf(first: number, last: number): LogCache {
  const cache = new LogCache(10_000);
  for (let index = first; index <= last; index += 1) cache.put(entry(index));
  return cache;
}

test("the oldest entries leave when the bound is passed", () => {
  expect(entryBytes(entry(1))).toBe(1000);
  const cache = cacheOf(1, 15);
  cache.evict(Infinity, logIndex(15));
  expect(held(cache)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  expect(cache.bytes).toBe(10_000);
});

test("what is pinned stays, however much it is", () => {
  const cache = cacheOf(1, 15);
  cache.evict(3, logIndex(15));
  expect(held(cache)).toHaveLength(13);
});

test("an entry put again counts once", () => {
  const cache = cacheOf(1, 3);
  cache.put(entry(2, 72));
  expect(cache.bytes).toBe(2200);
});

test("windows of older entries take a quarter of the bound, the newest always stays", () => {
  const cache = cacheOf(30, 35);
  cache.putLoaded([entry(1), entry(2)]);
  cache.putLoaded([entry(5), entry(6), entry(30)]);
  expect(held(cache, 30)).toEqual([5, 6]);
  cache.putLoaded([entry(10), entry(11), entry(12)]);
  expect(held(cache, 30)).toEqual([10, 11, 12]);
  expect(cache.bytes).toBe(9000);
});

test("truncated and compacted entries leave both parts", () => {
  const cache = cacheOf(30, 35);
  cache.putLoaded([entry(10), entry(11)]);
  cache.truncateFrom(logIndex(33), logIndex(35));
  cache.dropThrough(logIndex(10));
  expect(held(cache)).toEqual([11, 30, 31, 32]);
  cache.dropThrough(logIndex(30));
  expect(held(cache)).toEqual([31, 32]);
  expect(cache.bytes).toBe(2000);
});

test("a window holds all that its load brought, whatever older windows had of it", () => {
  const cache = cacheOf(30, 35);
  cache.putLoaded([entry(1), entry(2)]);
  cache.putLoaded([entry(2), entry(3), entry(4)]);
  expect(held(cache, 30)).toEqual([2, 3, 4]);
  expect(cache.bytes).toBe(9000);
});

test("a window that a truncation emptied takes nothing from a newer one", () => {
  const cache = cacheOf(30, 35);
  cache.putLoaded([entry(1), entry(2), entry(3)]);
  cache.truncateFrom(logIndex(2), logIndex(35));
  cache.putLoaded([entry(2), entry(3), entry(4)]);
  expect(held(cache, 30)).toEqual([2, 3, 4]);
  expect(cache.bytes).toBe(3000);
});
