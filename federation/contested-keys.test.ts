// Keys in conflict against the plainest list of them: by key, from a key on, and by the order in which they came.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { hlcAt } from "../base/index.ts";
import type { Key, WallMs } from "../base/index.ts";
import { ContestedKeys } from "./contested-keys.ts";
import { originId, sequence } from "./dot.ts";
import type { Sibling } from "./sibling.ts";

const KEYS = ["", "a", "a\0", "b", "c", "\u00ff"] as Key[];

function sibling(at: number): Sibling {
  const dot = { origin: originId(1), sequence: sequence(at) };
  const hlc = hlcAt(at as WallMs);
  return { dot, hlc, epoch: 1, birth: { dot, hlc }, value: Uint8Array.of(at) };
}

const SETS = [[], [1], [1, 2], [1, 2, 3]].map((dots) => dots.map(sibling));

test("they are listed as a plain list of them would be, and none twice", () => {
  const step = fc.record({ key: fc.constantFrom(...KEYS), to: fc.nat(SETS.length - 1) });
  fc.assert(
    fc.property(fc.array(step), fc.constantFrom(...KEYS), (steps, from) => {
      const kept = new ContestedKeys();
      const now = new Map<Key, readonly Sibling[]>();
      let plain: readonly (readonly [number, Key])[] = [];
      let last = 0;
      for (const { key, to } of steps) {
        const before = now.get(key) ?? [];
        const after = SETS[to] ?? [];
        now.set(key, after);
        kept.note(key, before, after);
        if (before === after) continue;
        plain = plain.filter(([, other]) => other !== key);
        if (after.length < 2) continue;
        last += 1;
        plain = [...plain, [last, key]];
      }
      const keys = plain.map(([, key]) => key).sort();
      expect([kept.size, kept.last, kept.ascending()]).toEqual([keys.length, last, keys]);
      expect([...kept.from(from)]).toEqual(keys.filter((key) => key >= from));
      const half = Math.floor(last / 2);
      expect([...kept.since(half)]).toEqual(plain.filter(([number]) => number > half));
    }),
  );
});
