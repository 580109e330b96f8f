// Regions are parted by themselves only when nobody hears of them, and when enough are left; judged for every choice of
// who is there and who misses whom (federation 10).
import { expect, test } from "@jest/globals";
import { changed, three, why } from "../test/federation/config-history.ts";
import { documentOf } from "../test/federation/document.ts";
import { regionsToPart } from "./auto-part.ts";
import type { Attendance } from "./auto-part.ts";
import { decodeConfig, encodeConfig } from "./config-codec.ts";
import { originId } from "./dot.ts";
import type { OriginId } from "./dot.ts";

const autoPart = { afterS: 60, bytes: 0 };
const NAMES = ["a", "b", "c", "d"];

function document(count: number) {
  return documentOf(
    NAMES.slice(0, count).map((name) => ({ name })),
    { autoPart },
  );
}

/** Who is there, each with the regions that it misses. */
function attendance(...said: readonly [number, ...number[]][]): Attendance {
  return new Map(
    said.map(([origin, ...missed]): [OriginId, ReadonlySet<OriginId>] => [
      originId(origin),
      new Set(missed.map(originId)),
    ]),
  );
}

test("it is off until it is set, within bounds, and off again at 0", () => {
  expect(three.autoPart).toBeUndefined();
  const command = { command: "auto-part", afterS: 60, bytes: 7 } as const;
  const set = changed(three, command);
  expect(set.autoPart).toEqual({ afterS: 60, bytes: 7 });
  expect(decodeConfig(encodeConfig(set))).toEqual(set);
  expect(why(set, command)).toBe("unchanged");
  expect(why(set, { ...command, afterS: 9 })).toMatch(/10 to 315360000 s, not 9/);
  expect(changed(set, { ...command, afterS: 0 }).autoPart).toBeUndefined();
  expect(why(three, { ...command, afterS: 0 })).toBe("unchanged");
});

test("whom nobody hears of is parted", () => {
  expect(regionsToPart(document(3), attendance([1, 2], [3, 2]))).toEqual(["b"]);
  expect(regionsToPart(document(4), attendance([1, 2, 4], [3, 2, 4]))).toEqual(["b", "d"]);
  // A witness keeps the directory: of two regions one is left.
  expect(regionsToPart(document(2), attendance([1, 2]))).toEqual(["b"]);
});

test("nobody is, while one region hears of it, the directory does, or a freeze is under way", () => {
  expect(regionsToPart(document(3), attendance([1, 2], [3]))).toEqual([]);
  expect(regionsToPart(document(3), attendance([1, 2], [2], [3, 2]))).toEqual([]);
  expect(regionsToPart(document(3), attendance([1], [2], [3]))).toEqual([]);
  const { autoPart: _, ...manual } = document(3);
  expect(regionsToPart(manual, attendance([1, 2], [3, 2]))).toEqual([]);
  const freezing = changed({ ...three, autoPart }, { command: "part", regions: ["iad"] });
  expect(regionsToPart(freezing, attendance([1, 2], [3, 2]))).toEqual([]);
});

test("one that would have to report, and may be away too, is waited for", () => {
  // d is not there, but not missed for long enough yet: it could not report a freeze of b.
  expect(regionsToPart(document(4), attendance([1, 2], [3, 2]))).toEqual([]);
});

test("the smaller half parts nobody", () => {
  expect(regionsToPart(document(3), attendance([1, 2, 3]))).toEqual([]);
  expect(regionsToPart(document(4), attendance([1, 2, 3, 4]))).toEqual([]);
  expect(regionsToPart(document(3), attendance())).toEqual([]);
});
