// Exchange (federation 4; scenarios 5 to 8): whatever the topology, the cuts and the order of things, every region
// ends with every transaction, each applied once.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { Mulberry32, randomBetween } from "../../base/index.ts";
import { neighboursOf, originId } from "../../federation/index.ts";
import type { OriginId } from "../../federation/index.ts";
import { numbered } from "./document.ts";
import { ExchangeWorld } from "./exchange-world.ts";

type Neighbours = ReadonlyMap<OriginId, readonly OriginId[]>;

const origins = (count: number): OriginId[] =>
  Array.from({ length: count }, (_, at) => originId(at + 1));

/** Both ways. */
function linked(count: number, pairs: readonly (readonly [number, number])[]): Neighbours {
  const lists = new Map(origins(count).map((origin): [OriginId, OriginId[]] => [origin, []]));
  for (const [left, right] of pairs) {
    lists.get(originId(left))?.push(originId(right));
    lists.get(originId(right))?.push(originId(left));
  }
  return lists;
}

const SHAPES: Readonly<Record<string, (count: number) => Neighbours>> = {
  mesh: (count) =>
    new Map(origins(count).map((self) => [self, origins(count).filter((one) => one !== self)])),
  // One way round: each pulls from the one before it alone.
  ring: (count) => new Map(origins(count).map((self) => [self, [originId((self % count) + 1)]])),
  star: (count) =>
    linked(
      count,
      origins(count)
        .slice(1)
        .map((leaf) => [1, leaf]),
    ),
  tree: (count) =>
    linked(
      count,
      origins(count)
        .slice(1)
        .map((one) => [one, Math.floor(one / 2)]),
    ),
};

const shapes = fc.constantFrom(...Object.keys(SHAPES));

function worldOf(shape: string, count: number, seed: number): ExchangeWorld {
  const neighbours = SHAPES[shape]?.(count);
  if (neighbours === undefined) throw new TypeError(`no shape ${shape}`);
  return worldWith(neighbours, seed);
}

function worldWith(neighbours: Neighbours, seed: number): ExchangeWorld {
  const rng = new Mulberry32(seed);
  return new ExchangeWorld(neighbours, (below) => Math.floor(randomBetween(rng, 0, below)));
}

test("all converge in any topology, whatever is cut, with each transaction applied once", () => {
  const property = fc.property(
    shapes,
    fc.integer({ min: 2, max: 5 }),
    fc.nat(),
    (shape, count, seed) => {
      const world = worldOf(shape, count, seed);
      for (let step = 0; step < 300; step += 1) world.step();
      world.settle(2_000);
      const [first] = world.regions;
      for (const region of world.regions) {
        expect(region.fingerprint).not.toBe("");
        expect(region.fingerprint).toBe(first?.fingerprint);
        expect([...region.appliedCounts.values()].every((times) => times === 1)).toBe(true);
        expect(region.holding.waiting(region)).toEqual([]);
        expect(region.faults).toEqual([]);
      }
    },
  );
  fc.assert(property, { numRuns: 15 });
});

test("in a calm mesh every transaction crosses each way once", () => {
  const world = worldOf("mesh", 4, 1);
  for (const region of world.regions) world.connectSome(region);
  world.settle(20);
  for (let round = 0; round < 40; round += 1) {
    for (const region of world.regions) {
      region.mint(world.nowMs, 50);
      world.news(region);
    }
    world.settle(10);
  }
  for (const region of world.regions) {
    const foreign = [...region.rows].filter(([origin]) => origin !== region.self);
    const bytes = foreign
      .flatMap(([, rows]) => rows)
      .reduce((sum, row) => sum + row.bytes.length, 0);
    expect(region.bytesReceived).toBe(bytes);
    expect([...region.puller.routes].every(([origin, { neighbour }]) => origin === neighbour)).toBe(
      true,
    );
  }
});

test("a ring of four goes on when one of it is killed, the other way round (scenario 6)", () => {
  const names = numbered(4).map(({ name }) => name);
  const numberOf = (name: string): OriginId => originId(names.indexOf(name) + 1);
  const ring = names.map((name): [OriginId, readonly OriginId[]] => [
    numberOf(name),
    neighboursOf({ shape: "ring" }, names, name).map(numberOf),
  ]);
  const world = worldWith(new Map(ring), 7);
  const [one, killed, three, four] = world.regions;
  if (!one || !killed || !three || !four) throw new TypeError("a ring of four");
  for (const region of world.regions) region.mint(world.nowMs, 10);
  world.settle(100);
  expect(three.puller.routes.get(one.self)).toBeDefined();
  world.isolate(killed.self);
  const living = [one, three, four];
  for (const region of living) {
    for (let count = 0; count < 20; count += 1) region.mint(world.nowMs, 10);
    world.news(region);
  }
  world.settle(200);
  for (const region of living) {
    expect(living.map(({ self }) => region.applied.get(self))).toEqual([21, 21, 21]);
    expect([...region.appliedCounts.values()].every((times) => times === 1)).toBe(true);
  }
  expect([one, three].map(({ puller }) => puller.routes.get(four.self)?.neighbour)).toEqual([
    four.self,
    four.self,
  ]);
  expect(one.puller.routes.get(three.self)?.neighbour).toBe(four.self);
  expect(three.puller.routes.get(one.self)?.neighbour).toBe(four.self);
});

test("a dead origin's suffix comes from whoever has it (scenario 8)", () => {
  const world = worldOf("mesh", 3, 2);
  const [dying, witness, other] = world.regions;
  if (dying === undefined || witness === undefined || other === undefined) throw new TypeError();
  world.isolate(other.self);
  for (let count = 0; count < 30; count += 1) dying.mint(world.nowMs, 80);
  world.news(dying);
  world.settle(100);
  expect(witness.applied.get(dying.self)).toBe(30);
  expect(other.applied.get(dying.self)).toBeUndefined();
  world.rejoin();
  world.isolate(dying.self);
  world.settle(100);
  expect(other.applied.get(dying.self)).toBe(30);
  expect(other.puller.routes.get(dying.self)?.neighbour).toBe(witness.self);
});

test("a newer configuration travels with the streams, both ways", () => {
  const world = worldOf("star", 4, 3);
  world.region(originId(3)).configure(2);
  world.region(originId(2)).mint(world.nowMs, 1);
  world.settle(100);
  expect(world.regions.map(({ config }) => config.epoch)).toEqual([2, 2, 2, 2]);
});

test("a forked origin is taken from nobody, and the others flow on (federation 1)", () => {
  const world = worldOf("mesh", 3, 4);
  const [origin, one, two] = world.regions;
  if (origin === undefined || one === undefined || two === undefined) throw new TypeError();
  // Two histories of one origin: it was restored from a copy, and went on under the same identity.
  origin.mint(1, 10);
  one.apply((origin.rows.get(origin.self) ?? []).map(({ bytes }) => bytes));
  origin.rollBack();
  origin.mint(2, 20);
  origin.mint(3, 30);
  two.mint(4, 40);
  world.settle(50);
  expect(one.applied.get(origin.self)).toBe(1);
  expect(one.faults.some(({ kind }) => kind === "forked")).toBe(true);
  // Who is asked for a history that is not its own learns of it too: here the origin itself.
  expect(origin.seenForks.has(origin.self)).toBe(true);
  expect(one.applied.get(two.self)).toBe(1);
});

test("a region whose own history was rolled back learns it from the others' reports", () => {
  const world = worldOf("mesh", 2, 5);
  const [origin, other] = world.regions;
  if (origin === undefined || other === undefined) throw new TypeError();
  origin.mint(1, 10);
  world.settle(50);
  origin.rollBack();
  world.isolate(origin.self);
  world.rejoin();
  world.settle(5);
  expect(origin.faults).toContainEqual({ kind: "rolled-back", sequence: 1, by: other.self });
});

test("stamps far ahead wait, their origin's alone, unless somebody has taken them (scenario 15)", () => {
  const world = worldOf("mesh", 3, 6);
  const [skewed, one, two] = world.regions;
  if (skewed === undefined || one === undefined || two === undefined) throw new TypeError();
  for (const region of world.regions) region.wallMs = 1_000_000 as typeof region.wallMs;
  skewed.mint(1_000_000, 1);
  skewed.mint(1_000_000 + 3_600_000, 2);
  one.mint(1_000_000, 3);
  world.settle(100);
  expect(two.applied.get(skewed.self)).toBe(1);
  expect(two.applied.get(one.self)).toBe(1);
  expect(two.faults).toContainEqual({ kind: "ahead", origin: skewed.self, aheadMs: 3_600_000 });
  // Another region has it: holding it here would keep it out of nothing.
  one.wallMs = (1_000_000 + 3_600_000) as typeof one.wallMs;
  world.settle(200);
  expect(two.applied.get(skewed.self)).toBe(2);
});
