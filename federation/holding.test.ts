import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { StreamRegion, configOf } from "../test/federation/stream-world.ts";
import { originId, sequence } from "./dot.ts";
import { Holding } from "./holding.ts";
import type { Shipped } from "./transaction-codec.ts";
import { VECTOR_ZERO } from "./vector.ts";

const config = configOf(2);

function minted(count: number): readonly Shipped[] {
  const region = new StreamRegion(config, originId(1));
  return Array.from({ length: count }, () => region.mint(1n, 1_000));
}

const stream = minted(40);
const each = stream[0]?.bytes.length ?? 0;

test("it stays within its bounds, and the next of an origin always finds room", () => {
  const offers = fc.array(fc.nat({ max: stream.length - 1 }), { maxLength: 60 });
  const bounds = fc.record({
    countMax: fc.integer({ min: 1, max: 6 }),
    bytesMax: fc.integer({ min: 1, max: 6 * each }),
  });
  fc.assert(
    fc.property(offers, bounds, (order, limits) => {
      const region = new StreamRegion(config, originId(2));
      const holding = new Holding({ limits });
      for (const at of order) {
        const shipped = stream[at];
        if (shipped === undefined) continue;
        const isNext = shipped.transaction.sequence === (region.applied.get(originId(1)) ?? 0) + 1;
        const offered = holding.offer(shipped, region.applied);
        if (isNext) expect(offered).not.toBe("full");
        const [waiting] = holding.waiting(region);
        if (waiting !== undefined) {
          expect(waiting.count).toBeLessThanOrEqual(limits.countMax);
          expect(waiting.bytes <= limits.bytesMax || waiting.count === 1).toBe(true);
        }
        if (at % 4 === 0) {
          const batch = region.ready({ operationsMax: 2, bytesMax: 1_000 }, holding);
          for (const verdict of region.apply(batch.map(({ bytes }) => bytes))) {
            expect(verdict).toBe("apply");
          }
          holding.settle(region.applied);
        }
      }
    }),
  );
});

test("a batch is bounded in count and bytes, and nothing is let go before it is applied", () => {
  const region = new StreamRegion(config, originId(2));
  const holding = new Holding();
  for (const shipped of stream) holding.offer(shipped, region.applied);
  const limits = { operationsMax: 5, bytesMax: 1_000_000 };
  expect(region.ready(limits, holding)).toEqual(stream.slice(0, 5));
  expect(region.ready(limits, holding)).toEqual(stream.slice(0, 5));
  expect(region.ready({ ...limits, bytesMax: 3 * each }, holding).length).toBeLessThan(4);
  expect(region.ready({ ...limits, bytesMax: 1 }, holding)).toEqual(stream.slice(0, 1));
  expect(holding.countBeyond(region.applied)).toBe(40);
  expect(holding.countBeyond(new Map([[originId(1), sequence(30)]]))).toBe(10);
});

test("origins take turns: one with a long queue does not keep another's from the entry", () => {
  const three = configOf(3);
  const [long, short] = [originId(1), originId(3)].map((of) => new StreamRegion(three, of));
  const region = new StreamRegion(three, originId(2));
  const holding = new Holding();
  for (const [from, count] of [
    [long, 20],
    [short, 2],
  ] as const) {
    for (let at = 0; at < count; at += 1) {
      const shipped = from?.mint(1n, 1_000);
      if (shipped !== undefined) holding.offer(shipped, region.applied);
    }
  }
  const ready = region.ready({ operationsMax: 6, bytesMax: 1_000_000 }, holding);
  const dots = ready.map(({ transaction: { origin, sequence: at } }) => `${origin}:${at}`);
  expect(dots).toEqual(["1:1", "3:1", "1:2", "3:2", "1:3", "1:4"]);
});

test("an entry is bounded by operations: a transaction of many stands for as many of one", () => {
  const region = new StreamRegion(config, originId(2));
  const holding = new Holding();
  const wide = stream.map(({ transaction, ...rest }) => {
    const operations = Array.from({ length: 3 }, () => transaction.operations[0] ?? []).flat();
    return { ...rest, transaction: { ...transaction, operations } };
  });
  for (const shipped of wide) holding.offer(shipped, region.applied);
  const taken = (operationsMax: number): number =>
    region.ready({ operationsMax, bytesMax: 1_000_000 }, holding).length;
  expect([1, 3, 5, 6, 8, 9].map(taken)).toEqual([1, 1, 1, 2, 2, 3]);
});

test("what is applied or held is known, and an origin is dropped whole", () => {
  const holding = new Holding();
  const [first, , third] = stream;
  if (!first || !third) throw new Error("forty were minted");
  expect(holding.offer(third, VECTOR_ZERO)).toBe("kept");
  expect(holding.offer(third, VECTOR_ZERO)).toBe("known");
  expect(holding.heads(VECTOR_ZERO)).toEqual([]);
  expect(holding.offer(first, new Map([[originId(1), first.transaction.sequence]]))).toBe("known");
  holding.drop(originId(1));
  expect(holding.waiting(new StreamRegion(config, originId(2)))).toEqual([]);
});

test("what lies beyond the cut of a closed origin is let go (federation 11)", () => {
  const holding = new Holding();
  for (const shipped of stream) holding.offer(shipped, VECTOR_ZERO);
  holding.cut([
    { origin: originId(2), cut: 0 },
    { origin: originId(1), cut: 30 },
  ]);
  expect(holding.countBeyond(VECTOR_ZERO)).toBe(30);
  holding.cut([{ origin: originId(1), cut: 0 }]);
  expect(holding.waiting(new StreamRegion(config, originId(2)))).toEqual([]);
});

test("a paused origin stalls what depends on it, and nothing else", () => {
  const three = configOf(3);
  const r1 = new StreamRegion(three, originId(1));
  const r2 = new StreamRegion(three, originId(2));
  const r3 = new StreamRegion({ ...three, paused: [originId(1)] }, originId(3));
  const free = r2.mint(1n, 1_000);
  const paused = r1.mint(1n, 1_000);
  r2.apply([paused.bytes]);
  const dependent = r2.mint(1n, 1_000);
  for (const shipped of [free, paused, dependent]) r3.holding.offer(shipped, r3.applied);
  r3.drain();
  expect([...r3.order]).toEqual(["2:1"]);
  expect(r3.holding.waiting(r3).map(({ verdict }) => verdict.verdict)).toEqual(["paused", "held"]);
  r3.config = three;
  r3.drain();
  expect([...r3.order]).toEqual(["2:1", "1:1", "2:2"]);
});
