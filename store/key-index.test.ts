import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Key } from "../base/index.ts";
import { KeyIndex } from "./key-index.ts";
import { overlap, spanOf } from "./key-range.ts";
import { NO_LEASE, Version } from "./version.ts";

const key = (text: string): Key => text as Key;
const texts = fc.constantFrom("a", "ab", "b", "c", "\u{ff}").map(key);
const ranges = fc.oneof(
  fc.record({ key: texts }),
  fc.record({ key: texts, end: fc.constantFrom("\0", "a", "ab", "b", "d").map(key) }),
);

/** Puts (or, with `count` 0, deletes) `at` in revision `mod`. */
function push(index: KeyIndex, at: string, mod: number, count = 1): Version {
  const create = count === 0 ? 0 : mod;
  const version = new Version(mod, 0, create, count, NO_LEASE, index.newest(key(at)));
  index.push(key(at), version);
  return version;
}

function visited(
  index: KeyIndex,
  from: string,
  until: string,
  at: number,
  keysMax = Infinity,
): string {
  const seen: string[] = [];
  const next = index.visit(
    spanOf({ key: key(from), end: key(until) }),
    at,
    keysMax,
    (found, { mod }) => seen.push(`${found}@${mod}`),
  );
  return `${seen.join(" ")}${next === undefined ? "" : ` then ${next}`}`;
}

describe("the key index", () => {
  test("shows each key as it was at a revision, deleted ones not", () => {
    const index = new KeyIndex();
    push(index, "a", 2);
    push(index, "b", 3);
    push(index, "a", 4);
    push(index, "b", 5, 0);
    expect(visited(index, "\0", "\0", 1)).toBe("");
    expect(visited(index, "\0", "\0", 3)).toBe("a@2 b@3");
    expect(visited(index, "\0", "\0", 4)).toBe("a@4 b@3");
    expect(visited(index, "\0", "\0", 5)).toBe("a@4");
    expect(index.visible(key("b"), 5)).toBeUndefined();
    expect(index.visible(key("x"), 5)).toBeUndefined();
  });

  test("stops after a number of keys, seen or not, and says where to go on", () => {
    const index = new KeyIndex();
    for (const at of ["a", "b", "c", "d"]) push(index, at, 2);
    push(index, "a", 3, 0);
    expect(visited(index, "\0", "\0", 9, 2)).toBe("b@2 then c");
    expect(visited(index, "c", "\0", 9, 2)).toBe("c@2 d@2");
    expect(visited(index, "c", "a", 9)).toBe("");
  });

  test("takes pushes back in reverse, the key itself included", () => {
    const index = new KeyIndex();
    push(index, "a", 2);
    const second = push(index, "a", 3);
    const other = push(index, "b", 3);
    index.undo(key("b"), other);
    index.undo(key("a"), second);
    expect(visited(index, "\0", "\0", 9)).toBe("a@2");
    expect(index.history.size).toBe(1);
    expect(() => {
      index.undo(key("a"), second);
    }).toThrow("only the newest version");
  });

  test("sweeps what no read at the floor sees, in bounded steps", () => {
    const index = new KeyIndex();
    push(index, "a", 2);
    push(index, "b", 3);
    push(index, "a", 4);
    push(index, "b", 5, 0);
    push(index, "b", 6);
    push(index, "a", 7);
    const gone: number[] = [];
    const step = (floor: number): boolean => index.sweep(floor, 1, ({ mod }) => gone.push(mod));
    expect(step(4)).toBe(false);
    expect(gone).toEqual([]);
    expect(step(7)).toBe(true);
    expect(gone).toEqual([2]);
    expect(step(7)).toBe(true);
    expect(gone).toEqual([2, 3, 5]);
    expect(step(7)).toBe(false);
    expect(visited(index, "\0", "\0", 6)).toBe("a@4 b@6");
    expect(index.sweepable(7)).toBe(false);
    expect(index.sweepable(8)).toBe(true);
  });

  test("forgets a key whose last version is a swept delete", () => {
    const index = new KeyIndex();
    push(index, "a", 2);
    push(index, "a", 3, 0);
    index.sweep(3, 10, () => undefined);
    expect(index.newest(key("a"))).toBeDefined();
    index.sweep(4, 10, () => undefined);
    expect(index.newest(key("a"))).toBeUndefined();
    const keys: Key[] = [];
    index.each((at) => keys.push(at));
    expect(keys).toEqual([]);
  });
});

test("spans overlap exactly when some key lies in both", () => {
  // Of two spans that overlap, the later start lies in both.
  const starts = ["a", "ab", "b", "c", "\u{ff}"].map(key);
  const inside = (range: { key: Key; end?: Key }, at: Key): boolean => {
    if (range.end === undefined) return at === range.key;
    return at >= range.key && (range.end === "\0" || at < range.end);
  };
  fc.assert(
    fc.property(ranges, ranges, (left, right) => {
      const shared = starts.some((at) => inside(left, at) && inside(right, at));
      expect(overlap(spanOf(left), spanOf(right))).toBe(shared);
    }),
    { numRuns: 500 },
  );
});
