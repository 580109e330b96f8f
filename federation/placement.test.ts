// Whose word counts for a key, and for each of the keys of a range (federation 13).
import { expect, test } from "@jest/globals";
import { keyOf } from "../base/index.ts";
import { spanOf } from "../store/index.ts";
import { documentOf } from "../test/federation/document.ts";
import { placementsOver } from "./placement.ts";

const key = (text: string) => keyOf(Buffer.from(text));

/** Origins 1 to 3. */
const CONFIG = documentOf(
  ["eu", "us", "zz"].map((name) => ({ name })),
  {
    placements: [
      { prefix: key("f/"), regions: ["eu", "us"] },
      { prefix: key("f/e/"), regions: ["eu"] },
      { prefix: key("g/"), regions: ["zz"] },
    ],
  },
);

const ALL = [1, 2, 3];

function over(from: string, end?: string): number[][] {
  const range = { key: key(from), ...(end === undefined ? {} : { end: key(end) }) };
  return placementsOver(CONFIG, spanOf(range)).map((placement) => [...placement]);
}

test("of one key the longest prefix says it, of none all members have a say", () => {
  expect([over("f/e/x"), over("f/x"), over("a")]).toEqual([[[1]], [[1, 2]], [ALL]]);
});

test("of a range every placement that has keys in it, and whose the rest is", () => {
  expect(over("f/e/a", "f/e/b")).toEqual([[1]]);
  expect(over("f/", "f0")).toEqual([[1, 2], [1]]);
  expect(over("f/f", "f/z")).toEqual([[1, 2]]);
  expect(over("f/f", "g/z")).toEqual([ALL, [1, 2], [3]]);
  expect(over("f/a", "f/e/b")).toEqual([[1, 2], [1]]);
  expect(over("a", "b")).toEqual([ALL]);
  // From a key on.
  expect(over("g/a", "\0")).toEqual([ALL, [3]]);
});
