// Of writes that lose to each other nothing is left, though no region breaks the definition of siblings: what the check
// `settled-away` of the simulator says of a set of transactions (federation 5, 19).
import { expect, test } from "@jest/globals";
import { present } from "../../base/index.ts";
import type { Key, LeaseId } from "../../base/index.ts";
import { originId, sequence } from "../../federation/dot.ts";
import type { Dot } from "../../federation/dot.ts";
import type { Transaction } from "../../federation/transaction.ts";
import type { ViewRules } from "../../federation/view-rules.ts";
import { LWW, Region, bytes, heal, stableFor } from "./kernel-world.ts";
import { settledAwayByDefinition, siblingsByDefinition } from "./naive-oracle.ts";

const K = "k" as Key;
const FIRST: ViewRules = { policy: "first-writer" };

function at(origin: number, number: number): Dot {
  return { origin: originId(origin), sequence: sequence(number) };
}

function drop(region: Region, kept: Dot, ...dots: readonly Dot[]): Transaction {
  const lost = dots.map((dot) => ({ dot, hlc: 0n as Transaction["hlc"], valueBytes: 0 }));
  return region.mint([{ key: K, action: "settle", lost, kept }], 30, false);
}

/** Each has written once, and all have all. */
function written(count: number): Region[] {
  const regions = Array.from({ length: count }, (_, index) => new Region(index + 1));
  for (const region of regions) region.put(K, `of ${region.self}`, 10 * region.self);
  heal(regions);
  return regions;
}

function two(): [Region, Region] {
  const [r1, r2] = written(2);
  return [present(r1, "a region"), present(r2, "a region")];
}

function three(): [Region, Region, Region] {
  const [r1, r2, r3] = written(3);
  return [present(r1, "a region"), present(r2, "a region"), present(r3, "a region")];
}

function lostBy({ log }: Region): string[] {
  return settledAwayByDefinition(log, K);
}

test.each<[string, ViewRules, boolean]>([
  ["of one rule settle once", LWW, false],
  ["of two rules settle each other's away", FIRST, true],
])("two regions %s", (_name, rules, isLost) => {
  const regions = two();
  const [r1, r2] = regions;
  r1.rules = rules;
  const stable = stableFor(r1, regions);
  expect(r1.settle(K, stable, 30) === undefined).toBe(!isLost);
  expect(r2.settle(K, stable, 30)).toBeDefined();
  expect([lostBy(r1), lostBy(r2)]).toEqual([[], []]);
  heal(regions);
  for (const region of regions) {
    region.check(K);
    expect(region.siblings(K).length).toBe(isLost ? 0 : 1);
    expect(lostBy(region)).toEqual(isLost ? ["1:1", "2:1"] : []);
  }
});

test("what went for one that went for another that stays is accounted for, in whatever order", () => {
  const regions = three();
  const [r1, r2] = regions;
  drop(r1, at(2, 1), at(1, 1));
  drop(r2, at(3, 1), at(2, 1));
  heal(regions);
  expect(siblingsByDefinition(r2.log, K)).toEqual(["3:1 of 3"]);
  expect([lostBy(r1), lostBy(r2)]).toEqual([[], []]);
});

test("three that go round are lost, and who went for one of them", () => {
  const regions = [...three(), new Region(4)] as const;
  const [r1, r2, r3, r4] = regions;
  r4.put(K, "of 4", 40);
  heal(regions);
  drop(r1, at(2, 1), at(1, 1));
  drop(r2, at(3, 1), at(2, 1));
  drop(r3, at(1, 1), at(3, 1), at(4, 1));
  heal(regions);
  expect(lostBy(r1)).toEqual(["1:1", "2:1", "3:1", "4:1"]);
});

test("of two settlements one that leads to what stays is enough", () => {
  const regions = three();
  const [r1, r2, r3] = regions;
  drop(r1, at(2, 1), at(1, 1));
  drop(r2, at(1, 1), at(2, 1));
  drop(r3, at(3, 1), at(1, 1));
  heal(regions);
  expect(lostBy(r1)).toEqual([]);
});

test("what went for what was overwritten since is accounted for", () => {
  const regions = two();
  const [r1, r2] = regions;
  drop(r2, at(2, 1), at(1, 1));
  r1.put(K, "over the second", 40, { context: [at(2, 1)] });
  heal(regions);
  expect(siblingsByDefinition(r1.log, K)).toEqual(["1:2 over the second"]);
  expect(lostBy(r1)).toEqual([]);
});

test("two that go for each other are accounted for where a delete had seen one of them", () => {
  const regions = three();
  const [r1, r2, r3] = regions;
  drop(r1, at(1, 1), at(2, 1));
  drop(r2, at(2, 1), at(1, 1));
  r3.delete(K, 40, { context: [at(2, 1)] });
  heal(regions);
  expect(lostBy(r1)).toEqual([]);
});

test("what went for what ended with its lease is accounted for", () => {
  const [r1, r2] = [new Region(1), new Region(2)];
  r1.put(K, "one", 10);
  const lifetime = { lease: 7n as LeaseId, ttlMs: 100 };
  const value = bytes("two");
  r2.mint([{ key: K, action: "put", value, context: "all-seen", lifetime }], 20, true);
  heal([r1, r2]);
  drop(r2, at(2, 1), at(1, 1));
  r2.mint([{ key: K, action: "expire", dots: [at(2, 1)] }], 200, false);
  heal([r1, r2]);
  expect(siblingsByDefinition(r1.log, K)).toEqual([]);
  expect(lostBy(r1)).toEqual([]);
});

test("a delete counts as a write does: it stays although it is forgotten, and goes with a put", () => {
  const regions = three();
  const [r1, r2] = regions;
  r1.delete(K, 40);
  r2.put(K, "another", 50);
  heal(regions);
  drop(r1, at(1, 2), at(2, 2));
  heal(regions);
  r1.purge(stableFor(r1, regions));
  expect([r1.siblings(K), lostBy(r1)]).toEqual([[], []]);
  drop(r2, at(2, 2), at(1, 2));
  heal(regions);
  expect(lostBy(r1)).toEqual(["1:2", "2:2"]);
});

test("what went for what nobody wrote is lost", () => {
  const [r1] = two();
  const settled = drop(r1, at(2, 1), at(1, 1));
  expect(lostBy(r1)).toEqual([]);
  drop(r1, settled, at(2, 1));
  expect(lostBy(r1)).toEqual(["1:1", "2:1"]);
});
