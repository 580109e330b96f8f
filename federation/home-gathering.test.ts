// How many regions have to tell what they have of a home before another may take it over, and when that one has enough
// of it; found for every choice of regions (federation 12).
import { describe, expect, test } from "@jest/globals";
import { documentOf } from "../test/federation/document.ts";
import { prefix } from "../test/federation/config-history.ts";
import type { FederationConfig, Home } from "./config.ts";
import { originId, sequence } from "./dot.ts";
import { hasAllLeftBy, mayComeLate, owningBy, toldEnough } from "./home-gathering.ts";

const p = prefix("claims/");
const NAMES = ["a", "b", "c", "d", "e"];
const home: Home = { prefix: p, region: "a", elsewhere: "forward", epoch: 1 };

function regions(...ids: readonly number[]): ReadonlySet<ReturnType<typeof originId>> {
  return new Set(ids.map(originId));
}

function document(rest: Partial<FederationConfig> = {}, count = 3): FederationConfig {
  const named = NAMES.slice(0, count).map((name) => ({ name }));
  return documentOf(named, { epoch: 9, homes: [home], ...rest });
}

/** All sets of the numbers 1 to `count`. */
function subsets(count: number): readonly number[][] {
  return Array.from({ length: 2 ** count }, (_, bits) =>
    Array.from({ length: count }, (__, at) => at + 1).filter((id) => (bits >> (id - 1)) & 1),
  );
}

test("who told are enough iff each W regions that acknowledged a write have one of them among them", () => {
  let asked = 0;
  for (const count of [2, 3, 4, 5]) {
    const config = document({}, count);
    const others = subsets(count).filter((told) => !told.includes(1));
    for (let writeRegions = 2; writeRegions <= count; writeRegions += 1) {
      // The home's region has it, and W - 1 others.
      const acks = subsets(count).filter((ack) => ack.length === writeRegions && ack.includes(1));
      for (const told of others) {
        const isSeen = acks.every((ack) => ack.some((id) => told.includes(id)));
        expect(toldEnough(config, p, writeRegions, regions(...told))).toBe(isSeen);
        asked += 1;
      }
    }
  }
  expect(asked).toBe(2 + 2 * 4 + 3 * 8 + 4 * 16);
});

test("regions outside of the placement do not count, and every placement within the prefix does", () => {
  const placed = document({ placements: [{ prefix: p, regions: ["a", "b", "c"] }] }, 5);
  expect(toldEnough(placed, p, 2, regions(4, 5, 2))).toBe(false);
  expect(toldEnough(placed, p, 2, regions(2, 3))).toBe(true);
  const deeper = { prefix: prefix("claims/x/"), regions: ["a", "d", "e"] };
  const two = { ...placed, placements: [...placed.placements, deeper] };
  expect(toldEnough(two, p, 2, regions(2, 3))).toBe(false);
  expect(toldEnough(two, p, 2, regions(2, 3, 4, 5))).toBe(true);
});

describe("a region that a home moves to", () => {
  const fence = { origin: originId(1), sequence: sequence(8) };
  const words = [
    { region: "b", applied: 5 },
    { region: "c", applied: 7 },
  ];
  const has = (count: number) => new Map([[originId(1), sequence(count)]]);

  test("owns it with its fence, or with the most that enough regions tell of", () => {
    const config = document();
    const move = { to: "b", begun: 2 };
    const gathering = { writeRegions: 2, words };
    expect(owningBy(config, home, has(9))).toBeUndefined();
    expect(owningBy(config, { ...home, move }, has(9))).toBeUndefined();
    expect(owningBy(config, { ...home, move: { ...move, fence } }, has(7))).toBeUndefined();
    expect(owningBy(config, { ...home, move: { ...move, fence } }, has(8))).toEqual({});
    const gathered = { ...home, move: { ...move, gathering } };
    expect(owningBy(config, gathered, has(6))).toBeUndefined();
    expect(owningBy(config, gathered, has(7))).toEqual({ known: 7 });
    const alone = { ...gathering, words: words.slice(1) };
    expect(owningBy(config, { ...home, move: { ...move, gathering: alone } }, has(7))).toBe(
      undefined,
    );
    const both = { ...home, move: { ...move, fence, gathering } };
    expect([owningBy(config, both, has(7)), owningBy(config, both, has(8))]).toEqual([
      { known: 7 },
      {},
    ]);
  });

  test("owns that of a parted region with all that is left of it, under every origin it had", () => {
    const life = (origin: number, cut: number) =>
      ({
        origin: originId(origin),
        incarnation: home.region,
        region: "a",
        cut,
        closed: 3,
      }) as never;
    const config = { ...document(), closed: [life(1, 7), life(9, 2)] };
    const members = config.members.filter(({ name }) => name !== "a");
    const parted = { ...config, members };
    const moving = { ...home, move: { to: "b", begun: 2 } };
    expect(owningBy(parted, moving, has(7))).toBeUndefined();
    const all = new Map([...has(7), [originId(9), sequence(2)] as const]);
    expect(owningBy(parted, moving, all)).toEqual({});
    expect([hasAllLeftBy("a", parted, has(7)), hasAllLeftBy("b", parted, new Map())]).toEqual([
      false,
      true,
    ]);
  });
});

test("what was written under a home that moves without its region is not believed, and that under one that stays is", () => {
  const self = originId(1);
  const at = (one: Home): boolean => mayComeLate(home, document({ homes: [one] }), self);
  const move = { to: "b", begun: 2 };
  const gathering = { writeRegions: 2, words: [] };
  const cut = { origin: self, epoch: 5, cut: 3 };
  expect(at(home)).toBe(false);
  expect(at({ ...home, move })).toBe(false);
  expect(at({ ...home, move: { ...move, gathering } })).toBe(true);
  expect(at({ ...home, region: "b", epoch: 5 })).toBe(false);
  expect(at({ ...home, region: "b", epoch: 5, move: { ...move, to: "c", gathering } })).toBe(false);
  expect(at({ ...home, region: "b", epoch: 5, late: [cut] })).toBe(true);
  expect(at({ ...home, late: [{ ...cut, epoch: 1 }] })).toBe(false);
  expect(at({ ...home, late: [{ ...cut, origin: originId(2) }] })).toBe(false);
  expect(mayComeLate(home, document({ homes: [] }), self)).toBe(false);
});
