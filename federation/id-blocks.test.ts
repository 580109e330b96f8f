// Ids: never twice, growing, and apart from those of every other origin (federation 12).
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { WallMs } from "../base/index.ts";
import { originId } from "./dot.ts";
import { ID_LIMITS, ID_STRIDE, IdBlocks } from "./id-blocks.ts";

const NOW = Date.UTC(2026, 10, 21) as WallMs;

function idsOf(first: bigint, count: number): bigint[] {
  return Array.from({ length: count }, (_, at) => first + BigInt(at * ID_STRIDE));
}

describe("ids of a region", () => {
  test("grow whatever the clock does, and no other origin has them", () => {
    const asks = fc.array(
      fc.record({
        origin: fc.constantFrom(1, 2, 1023),
        moveMs: fc.integer({ min: -50, max: 50 }),
        count: fc.integer({ min: 1, max: 9 }),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(asks, (steps) => {
        const blocks = new Map([1, 2, 1023].map((origin) => [origin, new IdBlocks()]));
        const last = new Map<number, bigint>();
        const seen = new Set<bigint>();
        let now: number = NOW;
        for (const { origin, moveMs, count } of steps) {
          now += moveMs;
          const block = blocks.get(origin)?.take(originId(origin), now as WallMs, count);
          if (block === undefined || "refused" in block) throw new Error("a block is refused");
          for (const id of idsOf(block.first, count)) {
            expect(id > (last.get(origin) ?? 0n)).toBe(true);
            expect(seen.has(id)).toBe(false);
            seen.add(id);
            last.set(origin, id);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("go by the clock across regions, and have 63 bits", () => {
    const [early, late] = [new IdBlocks(), new IdBlocks()];
    const first = early.take(originId(ID_LIMITS.originMax), NOW, 1);
    const second = late.take(originId(1), (NOW + 1) as WallMs, 1);
    if ("refused" in first || "refused" in second) throw new Error("a block is refused");
    expect(second.first > first.first).toBe(true);
    expect(second.first < 2n ** 63n).toBe(true);
  });

  test("run ahead of the clock so far and no further; a restart goes on behind them", () => {
    const blocks = new IdBlocks();
    const { countMax } = ID_LIMITS;
    const taken = Array.from({ length: 80 }, () => blocks.take(originId(3), NOW, countMax));
    const given = taken.filter((block) => "first" in block);
    expect(given).toHaveLength(63);
    expect(taken.at(-1)).toEqual({ refused: expect.stringMatching(/for 1000 ms to come/) });
    const again = new IdBlocks();
    again.restore(blocks.next);
    const next = again.take(originId(3), (NOW + 1000) as WallMs, 1);
    const [last] = given.slice(-1);
    if (last === undefined || !("first" in last) || !("first" in next)) throw new Error("refused");
    expect(next.first - last.first).toBe(BigInt(countMax * ID_STRIDE));
  });

  test("are refused by name for what cannot be", () => {
    const blocks = new IdBlocks();
    const reasonOf = (origin: number, count: number): string => {
      const block = blocks.take(originId(origin), NOW, count);
      return "refused" in block ? block.refused : "";
    };
    expect(reasonOf(1, 0)).toMatch(/expected 1 to 65536/);
    expect(reasonOf(1, 65_537)).toMatch(/65537 ids/);
    expect(reasonOf(1024, 1)).toMatch(/origin is 1024/);
    expect(blocks.next).toBe(0);
  });
});
