import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { configOf } from "../test/federation/stream-world.ts";
import { originId, sequence } from "./dot.ts";
import type { OriginId, Sequence } from "./dot.ts";
import { Retention } from "./retention.ts";
import type { RetentionPlan } from "./retention.ts";
import { countOf, vectorText } from "./vector.ts";
import type { Vector } from "./vector.ts";

const [R1, R2, R3] = [originId(1), originId(2), originId(3)];
const NONE: ReadonlySet<OriginId> = new Set();
const vector = (...counts: readonly number[]): Vector =>
  new Map(
    counts.flatMap((count, at): [OriginId, Sequence][] =>
      count > 0 ? [[originId(at + 1), sequence(count)]] : [],
    ),
  );

const hundreds = Array<number>(10).fill(100);

interface Case {
  /** Sizes of r1's own and of r2's transactions, as r1 retains them. */
  readonly sizes: readonly [readonly number[], readonly number[]];
  /** What r2 and r3 have, by their word; undefined: nothing was heard of it. */
  readonly words: readonly [Vector | undefined, Vector | undefined];
  readonly bytesMax: number;
}

function planOf({ sizes, words, bytesMax }: Case): { retention: Retention; plan: RetentionPlan } {
  const retention = new Retention();
  for (const [at, list] of sizes.entries()) {
    for (const [index, size] of list.entries()) {
      retention.add(originId(at + 1), sequence(index + 1), size);
    }
  }
  const vectorOf = (origin: OriginId): Vector | undefined => words[origin - 2];
  const applied = vector(...sizes.map(({ length }) => length));
  const own = { config: configOf(3), self: R1, applied, forked: NONE };
  const plan = retention.plan({ ...own, vectorOf, bytesMax });
  return { retention, plan };
}

const counts = fc.tuple(fc.nat({ max: 700 }), fc.nat({ max: 700 }));
const cases: fc.Arbitrary<Case> = fc.record({
  sizes: fc.tuple(
    fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 600 }),
    fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 600 }),
  ),
  words: fc.tuple(
    fc.option(
      counts.map((of) => vector(...of)),
      { nil: undefined },
    ),
    fc.option(
      counts.map((of) => vector(...of)),
      { nil: undefined },
    ),
  ),
  bytesMax: fc.nat({ max: 5_000 }),
});

test("what only this region is known to hold is never dropped, and what all have is (scenario 32)", () => {
  fc.assert(
    fc.property(cases, (one) => {
      const { retention, plan } = planOf(one);
      for (const [at, list] of one.sizes.entries()) {
        const origin = originId(at + 1);
        const has = one.words.map((word) => (word === undefined ? 0 : countOf(word, origin)));
        const dropped = countOf(plan.through, origin);
        expect(dropped).toBeLessThanOrEqual(Math.min(list.length, Math.max(...has)));
        expect(dropped).toBeGreaterThanOrEqual(Math.min(list.length, ...has));
        if (!plan.lacked) expect(dropped).toBeLessThanOrEqual(Math.min(...has));
      }
      retention.drop(plan.through);
      const left = one.sizes.flatMap((list, at) =>
        list.slice(countOf(plan.through, originId(at + 1))),
      );
      expect(retention.bytes).toBe(left.reduce((sum, size) => sum + size, 0));
      expect(plan.full).toBe(retention.bytes > one.bytesMax);
    }),
  );
});

test("the bound refuses writes only when nothing can be dropped any more that one other region has all of", () => {
  fc.assert(
    fc.property(cases, (one) => {
      const { plan } = planOf(one);
      if (!plan.full) return;
      const all = one.sizes.map((list, at) => {
        const has = one.words.map((word) => countOf(word ?? new Map(), originId(at + 1)));
        return [list.length, ...has].sort((left, right) => left - right)[0] ?? 0;
      });
      const ofOne = one.words.map((word) =>
        one.sizes.map((list, at) =>
          Math.max(
            all[at] ?? 0,
            Math.min(list.length, countOf(word ?? new Map(), originId(at + 1))),
          ),
        ),
      );
      const dropped = one.sizes.map((_, at) => countOf(plan.through, originId(at + 1)));
      expect(ofOne).toContainEqual(dropped);
    }),
  );
});

test("of what is gone here one region has all: what another has beside it is kept", () => {
  const one: Case = {
    sizes: [hundreds, hundreds],
    words: [vector(10, 0), vector(0, 9)],
    bytesMax: 1_000,
  };
  const { retention, plan } = planOf(one);
  expect(vectorText(plan.through)).toBe("1:10");
  retention.drop(plan.through);
  const words = [vector(10, 0), vector(0, 99)];
  const vectorOf = (origin: OriginId): Vector | undefined => words[origin - 2];
  const own = { config: configOf(3), self: R1, applied: vector(10, 10), forked: NONE };
  const later = retention.plan({ ...own, vectorOf, bytesMax: 500 });
  expect(later).toMatchObject({ through: new Map(), full: true });
});

test("half of the regions are no majority: each half keeps what the other lacks", () => {
  const retention = new Retention();
  for (let at = 1; at <= 10; at += 1) retention.add(R1, sequence(at), 100);
  const words = [vector(10), vector(10), undefined];
  const planWith = (count: number, heard: number): RetentionPlan => {
    const vectorOf = (origin: OriginId): Vector | undefined => words.slice(0, heard)[origin - 2];
    const own = { config: configOf(count), self: R1, applied: vector(10), forked: NONE };
    return retention.plan({ ...own, vectorOf, bytesMax: 500 });
  };
  expect(planWith(4, 1)).toMatchObject({ through: new Map(), full: true });
  expect(planWith(4, 2)).toMatchObject({ lacked: true, full: false });
  expect(planWith(3, 1)).toMatchObject({ lacked: true, full: false });
});

test("within the bound nothing that a member lacks is dropped (trap 17)", () => {
  const { plan } = planOf({
    sizes: [hundreds, hundreds],
    words: [vector(10, 10), vector(4, 0)],
    bytesMax: 10_000,
  });
  expect(vectorText(plan.through)).toBe("1:4");
  expect(plan).toMatchObject({ lacked: false, full: false });
});

test("at the bound a member that is away loses its place: it re-bootstraps (scenario 33)", () => {
  const { retention, plan } = planOf({
    sizes: [hundreds, hundreds],
    words: [vector(10, 10), undefined],
    bytesMax: 1_000,
  });
  expect(plan).toMatchObject({ lacked: true, full: false });
  retention.drop(plan.through);
  expect(retention.bytes).toBe(1_000);
  expect(retention.firstOf(R1) ?? retention.firstOf(R2)).toBe(1);
});

test("a region that nobody hears refuses writes rather than lose them", () => {
  const { plan } = planOf({
    sizes: [hundreds, []],
    words: [undefined, undefined],
    bytesMax: 500,
  });
  expect(vectorText(plan.through)).toBe("");
  expect(plan).toMatchObject({ lacked: false, full: true });
});

test("a region that is being parted holds nothing for the others", () => {
  const retention = new Retention();
  for (let at = 1; at <= 10; at += 1) retention.add(R1, sequence(at), 100);
  const vectorOf = (origin: OriginId): Vector | undefined =>
    origin === R3 ? vector(10) : undefined;
  const freeze = {
    epoch: 2,
    closing: [{ region: "r3", then: "part" }],
    origins: [R3],
    reports: [],
  } as const;
  const config = configOf(3, { epoch: 2, freeze });
  const own = { config, self: R1, applied: vector(10), forked: NONE };
  const plan = retention.plan({ ...own, vectorOf, bytesMax: 500 });
  expect(plan).toMatchObject({ through: new Map(), full: true });
});

test("a federation of one region retains nothing: who joins takes a snapshot", () => {
  const retention = new Retention();
  retention.add(R1, sequence(41), 100);
  retention.add(R1, sequence(42), 100);
  const plan = retention.plan({
    config: configOf(1),
    self: R1,
    applied: vector(42),
    forked: NONE,
    vectorOf: () => undefined,
    bytesMax: 500,
  });
  expect(vectorText(plan.through)).toBe("1:42");
  retention.drop(plan.through);
  expect(retention.firstOf(R1)).toBeUndefined();
  expect(retention.bytes).toBe(0);
});

test("a suffix has no gaps", () => {
  const retention = new Retention();
  retention.add(R2, sequence(5), 1);
  expect(() => retention.add(R2, sequence(7), 1)).toThrow("7 is retained behind 5");
  // Behind nothing it begins wherever a snapshot ended.
  retention.drop(new Map([[R2, sequence(5)]]));
  retention.add(R2, sequence(9), 1);
  expect(retention.firstOf(R2)).toBe(9);
});

test("what is truncated is gone from its end, and what comes next goes on from there", () => {
  const list = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 600 });
  fc.assert(
    fc.property(list, fc.nat({ max: 600 }), fc.nat({ max: 700 }), (sizes, dropped, last) => {
      const retention = new Retention();
      for (const [at, size] of sizes.entries()) retention.add(R1, sequence(at + 1), size);
      if (dropped > 0) retention.drop(new Map([[R1, sequence(dropped)]]));
      retention.truncate(R1, last);
      const left = sizes.slice(dropped, Math.max(last, dropped));
      expect(retention.bytes).toBe(left.reduce((sum, size) => sum + size, 0));
      expect(retention.lastOf(R1)).toBe(
        left.length === 0 ? undefined : Math.min(last, sizes.length),
      );
      const next = (retention.lastOf(R1) ?? 0) + 1;
      if (left.length > 0) retention.add(R1, sequence(next), 5);
      expect(retention.bytesBetween(R1, next, next)).toBe(left.length > 0 ? 5 : 0);
    }),
  );
});

test("what goes on from a snapshot that is on its way is not dropped, at the bound neither", () => {
  fc.assert(
    fc.property(cases, counts, (one, of) => {
      const pinned = vector(...of);
      const { retention } = planOf(one);
      const vectorOf = (origin: OriginId): Vector | undefined => one.words[origin - 2];
      const applied = vector(...one.sizes.map(({ length }) => length));
      const own = { config: configOf(3), self: R1, applied, forked: NONE };
      const question = { ...own, vectorOf, bytesMax: one.bytesMax };
      const { through } = retention.plan({ ...question, pinned: [pinned] });
      for (const [origin, until] of through) {
        expect(until).toBeLessThanOrEqual(countOf(pinned, origin));
      }
    }),
  );
});
