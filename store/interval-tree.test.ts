import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Key } from "../base/index.ts";
import { IntervalTree } from "./interval-tree.ts";

const keys = fc.constantFrom("", "a", "ab", "b", "c", "d", "\u{ff}").map((text) => text as Key);
const ranges = fc.tuple(keys, keys).filter(([from, until]) => from < until);

test("a tree of ranges agrees with a list of them, whatever comes and goes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), ranges), { maxLength: 60 }),
      keys,
      (script, key) => {
        const tree = new IntervalTree<string>();
        const list = new Map<string, readonly [Key, Key]>();
        for (const [adds, [from, until]] of script) {
          const name = `${from}-${until}`;
          expect(tree.get(from, until)).toBe(list.has(name) ? name : undefined);
          if (adds === list.has(name)) continue;
          if (adds) {
            tree.add(from, until, name);
            list.set(name, [from, until]);
          } else {
            tree.remove(from, until);
            list.delete(name);
          }
        }
        const holding = [...list].filter(([, [from, until]]) => from <= key && key < until);
        const stabbed: string[] = [];
        tree.stab(key, (name) => stabbed.push(name));
        expect(stabbed).toEqual(holding.map(([name]) => name).sort());
        const all: string[] = [];
        tree.each((name) => all.push(name));
        expect(all.sort()).toEqual([...list.keys()].sort());
        expect(tree.size).toBe(list.size);
      },
    ),
    { numRuns: 500 },
  );
});
