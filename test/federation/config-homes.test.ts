// Homes that move without their region's part, and leased ones: what the document keeps of it (federation 12).
import { expect, test } from "@jest/globals";
import {
  CONFIG_LIMITS,
  decodeConfig,
  encodeConfig,
  originId,
  sequence,
} from "../../federation/index.ts";
import type { OriginId, Sequence } from "../../federation/index.ts";
import { changed, prefix, three, why } from "./config-history.ts";

const p = prefix("claims/");
const homed = changed(
  three,
  { command: "policy", policy: "lww", ranks: [], ttl: "refused", prefix: p },
  { command: "home", prefix: p, region: "ams", elsewhere: "forward" },
);
const known = (...counts: readonly [number, number][]): [OriginId, Sequence][] =>
  counts.map(([origin, count]) => [originId(origin), sequence(count)]);
const lease = { command: "home-lease", prefix: p, heirs: [], ttlS: 10, writeRegions: 0 } as const;
const taken = { command: "home-taken", prefix: p, region: "fra", from: "ams" } as const;

test("a home that is moved by force leaves a cut behind: what was known of the old one (scenario 34)", () => {
  const move = { command: "home-move", prefix: p, force: true } as const;
  const forced = changed(homed, { ...move, to: "fra", known: known([1, 7], [3, 2]) });
  const late = { origin: 1, epoch: forced.epoch, cut: 7 };
  expect(forced.homes[0]).toMatchObject({ region: "fra", epoch: forced.epoch, late: [late] });
  const again = changed(forced, { ...move, to: "iad" });
  expect(again.homes[0]?.late).toEqual([late, { origin: 2, epoch: again.epoch, cut: 0 }]);
  expect(decodeConfig(encodeConfig(again))).toEqual(again);
});

test("the oldest cuts are forgotten, a bounded number later", () => {
  let config = homed;
  for (let round = 0; round <= CONFIG_LIMITS.latesMax; round += 1) {
    const to = round % 2 === 0 ? "fra" : "ams";
    config = changed(config, { command: "home-move", prefix: p, to, force: true });
  }
  expect(config.homes[0]?.late).toHaveLength(CONFIG_LIMITS.latesMax);
  expect(config.homes[0]?.late?.[0]?.epoch).toBeGreaterThan(homed.epoch + 1);
});

test("a home is leased under an epoch of its own, and for nothing less than a document can say", () => {
  const leased = changed(homed, lease);
  expect(leased.homes[0]).toMatchObject({
    epoch: leased.epoch,
    lease: { ttlS: 10, heirs: ["ams", "fra", "iad"], writeRegions: 2 },
  });
  expect(why(leased, { ...lease, writeRegions: 2 })).toBe("unchanged");
  expect(decodeConfig(encodeConfig(leased))).toEqual(leased);
  const free = changed(leased, { ...lease, ttlS: 0 });
  expect(free.homes[0]).toEqual({ ...homed.homes[0], epoch: free.epoch });
  expect(why(homed, { ...lease, ttlS: 0 })).toBe("unchanged");
  expect(why(homed, { ...lease, ttlS: 2 })).toMatch(/3 to 3600 s, not 2/);
  expect(why(homed, { ...lease, writeRegions: 4 })).toMatch(/4 regions; the federation has 3/);
  const many = { ...leased, homes: Array.from({ length: 64 }, () => leased.homes).flat() };
  const other = [...homed.homes, ...many.homes].slice(0, 65);
  expect(why({ ...homed, homes: other }, lease)).toMatch(/at most 64 leased homes/);
  expect(why(homed, { ...lease, heirs: ["lax"] })).toMatch(/no region is named lax/);
  const advisory = { command: "home", prefix: p, region: "ams", elsewhere: "advisory" } as const;
  expect(why(leased, advisory)).toMatch(/lease is for homes that take all writes/);
  const moving = changed(homed, { command: "home-move", prefix: p, to: "fra", force: false });
  expect(why(moving, lease)).toMatch(/on its way from ams to fra/);
});

test("an heir takes a leased home over, once; nobody else, and no home without a lease", () => {
  const leased = changed(homed, { ...lease, heirs: ["fra"] });
  const gone = changed(leased, { ...taken, known: known([1, 9]) });
  expect(gone.homes[0]).toMatchObject({
    region: "fra",
    epoch: gone.epoch,
    lease: { heirs: ["fra"] },
    late: [{ origin: 1, epoch: gone.epoch, cut: 9 }],
  });
  expect(why(gone, { ...taken, known: [] })).toBe("unchanged");
  expect(why(leased, { ...taken, region: "iad", known: [] })).toMatch(/iad is no heir/);
  expect(why(homed, { ...taken, known: [] })).toMatch(/has no lease/);
});

test("a planned move keeps the lease, and a take-over ends a move that its home did not live to see", () => {
  const moving = changed(homed, lease, {
    command: "home-move",
    prefix: p,
    to: "iad",
    force: false,
  });
  const fence = { origin: originId(1), sequence: sequence(12) };
  const owned = changed(
    moving,
    { command: "home-fenced", region: "ams", prefix: p, fence },
    { command: "home-own", region: "iad", prefix: p },
  );
  expect(owned.homes[0]).toMatchObject({ region: "iad", lease: { ttlS: 10 } });
  const over = changed(moving, { ...taken, known: known([1, 3]) });
  expect(over.homes[0]?.region).toBe("fra");
  expect(over.homes[0]?.move).toBeUndefined();
});

const unplanned = { command: "home-move", prefix: p, to: "fra", force: false, gathers: 0 } as const;
const word = (region: string, begun: number, applied: number) =>
  ({ command: "home-word", prefix: p, region, begun, applied }) as const;
const own = { command: "home-own", prefix: p, region: "fra" } as const;

test("an unplanned move waits for the words of enough regions, and for what they tell of", () => {
  const moving = changed(homed, unplanned);
  const begun = moving.epoch;
  const gathering = { writeRegions: 2, words: [] };
  expect(moving.homes[0]).toMatchObject({ region: "ams", move: { to: "fra", begun, gathering } });
  expect(why(moving, unplanned)).toBe("unchanged");
  expect(why(moving, { ...own, known: 99 })).toMatch(/fra does not know yet what region ams took/);
  expect(why(moving, own)).toMatch(/has not fenced/);
  expect(why(moving, word("ams", begun, 3))).toMatch(/ams is the home/);
  expect(why(moving, word("fra", begun - 1, 3))).toBe("unchanged");
  const one = changed(moving, word("iad", begun, 7));
  expect(why(one, word("iad", begun, 9))).toBe("unchanged");
  expect(why(one, { ...own, known: 99 })).toMatch(/does not know yet/);
  const told = changed(one, word("fra", begun, 4));
  expect(decodeConfig(encodeConfig(told))).toEqual(told);
  expect(why(told, { ...own, known: 6 })).toMatch(/does not know yet/);
  const owned = changed(told, { ...own, known: 8 });
  expect(owned.homes[0]).toEqual({
    ...homed.homes[0],
    region: "fra",
    epoch: owned.epoch,
    late: [{ origin: 1, epoch: owned.epoch, cut: 8 }],
  });
  expect(why(owned, word("iad", begun, 7))).toBe("unchanged");
});

test("once enough regions have told, what another tells changes nothing: who is to own it goes by theirs", () => {
  const moving = changed(homed, { ...unplanned, gathers: 3 });
  const { epoch } = moving;
  const told = changed(moving, word("iad", epoch, 7));
  expect(why(told, word("fra", epoch, 9))).toBe("unchanged");
  expect(changed(told, { ...own, known: 7 }).homes[0]?.region).toBe("fra");
});

test("its home fences after all: then nothing comes late", () => {
  const moving = changed(homed, unplanned);
  const fence = { origin: originId(1), sequence: sequence(12) };
  const owned = changed(moving, { command: "home-fenced", region: "ams", prefix: p, fence }, own);
  expect(owned.homes[0]).toEqual({ ...homed.homes[0], region: "fra", epoch: owned.epoch });
});

test("a planned move whose home is lost midway goes on without it, to another region too", () => {
  const planned = { command: "home-move", prefix: p, to: "iad", force: false } as const;
  const moving = changed(homed, planned);
  expect(why(moving, { ...planned, to: "fra" })).toMatch(/on its way from ams to iad/);
  const anew = changed(moving, unplanned);
  expect(anew.homes[0]?.move).toMatchObject({ to: "fra", begun: anew.epoch });
  expect(why(anew, { ...planned, to: "fra" })).toBe("unchanged");
  expect(why(anew, planned)).toMatch(/on its way from ams to fra/);
  const fence = { origin: originId(1), sequence: sequence(12) };
  const fenced = changed(moving, { command: "home-fenced", region: "ams", prefix: p, fence });
  expect(changed(fenced, unplanned).homes[0]?.move).toMatchObject({ to: "fra", fence });
  const stayed = changed(anew, { command: "home-stay", prefix: p });
  expect(stayed.homes[0]).toEqual({ ...homed.homes[0], epoch: stayed.epoch });
});

test("an unplanned move is for what at least two regions acknowledge, and no more than have a say", () => {
  expect(why(homed, { ...unplanned, gathers: 1 })).toMatch(/force moves it/);
  expect(why(homed, { ...unplanned, gathers: 4 })).toMatch(/4 regions; 3 count for "claims\/"/);
  const placed = changed(homed, { command: "placement", prefix: p, regions: ["ams", "iad"] });
  expect(why(placed, { ...unplanned, gathers: 3 })).toMatch(/3 regions; 2 count/);
});

test("what a region has told is forgotten as it is closed, and all of it as the home's region is", () => {
  const moving = changed(homed, unplanned, word("iad", homed.epoch + 1, 7));
  const frozen = (regions: readonly string[], config: typeof homed) =>
    ["ams", "fra", "iad"]
      .filter((region) => !regions.includes(region))
      .reduce(
        (before, region) =>
          changed(before, { command: "frozen", region, epoch: config.epoch, applied: [] }),
        config,
      );
  const parting = (region: string) => changed(moving, { command: "part", regions: [region] });
  const without = frozen(["iad"], parting("iad"));
  expect(without.homes[0]?.move?.gathering).toEqual({ writeRegions: 2, words: [] });
  const lost = frozen(["ams"], parting("ams"));
  expect(lost.homes[0]?.move).toEqual({ to: "fra", begun: moving.homes[0]?.move?.begun });
  expect(changed(lost, own).homes[0]).toMatchObject({ region: "fra" });
  // The cut of a closed origin says all that may come of it.
  const forced = { command: "home-move", prefix: p, to: "iad", force: true } as const;
  expect(changed(lost, { ...forced, known: known([1, 3]) }).homes[0]).not.toHaveProperty("late");
});
