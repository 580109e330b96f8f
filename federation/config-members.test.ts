// Who belongs to a federation, command by command: joins, parts, new incarnations, pauses, who pulls from whom
// (federation 1, 11, 14). Each history is told whole.
import { expect, test } from "@jest/globals";
import { identity } from "../test/federation/document.ts";
import {
  changed,
  endpoints,
  historyOf,
  founded,
  reports,
  three,
  why,
} from "../test/federation/config-history.ts";
import { acceptance, regionOf, standingOf } from "./config-standing.ts";
import type { ConfigCommand } from "./config-command.ts";
import type { ClosedOrigin, FederationConfig, Reached } from "./config.ts";
import { originId, sequence } from "./dot.ts";
import type { OriginId } from "./dot.ts";
import { neighbourMembers } from "./topology.ts";

test("origins grow with each join and are never allotted twice (federation 1, federation trap 1)", () => {
  expect(three.members.map(({ name, origin }) => [name, origin])).toEqual([
    ["ams", 1],
    ["fra", 2],
    ["iad", 3],
  ]);
  const parted = changed(
    three,
    { command: "part", regions: ["iad"] },
    { command: "frozen", region: "ams", epoch: 6, applied: [] },
    { command: "frozen", region: "fra", epoch: 6, applied: reports([3, 7]) },
    { command: "join", region: "iad", incarnation: identity(5), endpoints },
  );
  expect(parted.members.map(({ origin }) => origin)).toEqual([1, 2, 4]);
  expect(
    why(three, { command: "join", region: "fra", incarnation: identity(9), endpoints }),
  ).toMatch(/fra is a member, with origin 2/);
  expect(
    why(three, { command: "join", region: "lax", incarnation: identity(3), endpoints }),
  ).toMatch(/must not share an incarnation/);
});

test("a newcomer is joining until it says that it is live (federation 11)", () => {
  const joined = changed(founded, {
    command: "join",
    region: "fra",
    incarnation: identity(3),
    endpoints,
  });
  expect(standingOf(joined, "fra")).toBe("joining");
  expect(joined.members.find(({ name }) => name === "fra")?.admitted).toBe(joined.epoch);
  expect(why(joined, { command: "live", region: "fra", origin: originId(1) })).toMatch(
    /has origin 2, not 1/,
  );
  expect(why(three, { command: "live", region: "fra", origin: originId(2) })).toBe("unchanged");
});

test("a part freezes, waits for all that stay, and commits the greatest report as the cut", () => {
  const frozen = changed(three, { command: "part", regions: ["iad"] });
  expect(standingOf(frozen, "iad")).toBe("frozen");
  expect(acceptance(frozen, originId(3), 1)).toBe("frozen");
  const once = changed(frozen, {
    command: "frozen",
    region: "ams",
    epoch: frozen.epoch,
    applied: reports([3, 40]),
  });
  expect(once.freeze?.epoch).toBe(frozen.epoch);
  expect(why(once, { command: "frozen", region: "ams", epoch: frozen.epoch, applied: [] })).toBe(
    "unchanged",
  );
  const parted = changed(once, {
    command: "frozen",
    region: "fra",
    epoch: frozen.epoch,
    applied: reports([3, 31]),
  });
  expect(parted.freeze).toBeUndefined();
  expect(standingOf(parted, "iad")).toBe("parted");
  const iad = { origin: 3, incarnation: identity(4), region: "iad", closed: parted.epoch };
  expect(parted.closed).toEqual([{ ...iad, cut: 40, hash: historyOf(40) }]);
  expect(acceptance(parted, originId(3), 40)).toBe("accepted");
  expect(acceptance(parted, originId(3), 41)).toBe("beyond-cut");
  expect(acceptance(parted, originId(7), 1)).toBe("unknown");
  expect(regionOf(parted, originId(3))).toBe("iad");
});

test("a region that dies while another is parted is parted with it; all report anew", () => {
  const one = changed(
    three,
    { command: "part", regions: ["iad"] },
    { command: "frozen", region: "fra", epoch: 6, applied: reports([3, 40]) },
    { command: "part", regions: ["fra"] },
  );
  expect(one.freeze).toMatchObject({ origins: [2, 3], reports: [] });
  const both = changed(one, {
    command: "frozen",
    region: "ams",
    epoch: one.epoch,
    applied: reports([2, 5], [3, 12]),
  });
  expect(both.closed.map(({ origin, cut }) => [origin, cut])).toEqual([
    [2, 5],
    [3, 12], // fra's 40 went with fra: nobody that stays could fetch them.
  ]);
});

test("a cut comes down when its only holder is parted before the others fetched up to it", () => {
  const parted = changed(
    three,
    { command: "part", regions: ["iad"] },
    { command: "frozen", region: "fra", epoch: 6, applied: reports([3, 40]) },
    { command: "frozen", region: "ams", epoch: 6, applied: reports([3, 12]) },
    { command: "part", regions: ["fra"] },
  );
  expect(acceptance(parted, originId(3), 20)).toBe("frozen");
  const alone = changed(parted, {
    command: "frozen",
    region: "ams",
    epoch: parted.epoch,
    applied: reports([2, 5], [3, 25]),
  });
  expect(alone.closed.map(({ cut, hash }) => [cut, hash])).toEqual([
    [5, historyOf(5)],
    [25, historyOf(25)],
  ]);
});

test("of an origin with two histories the longer one counts, of equals the first reporter's (federation 1)", () => {
  const [short, long] = [historyOf(1), historyOf(2)];
  const cutOf = (ams: readonly [number, string], fra: readonly [number, string]): unknown => {
    const report = (region: string, [count, hash]: readonly [number, string]): ConfigCommand => {
      const applied = [[originId(3), sequence(count), hash]] as const;
      return { command: "frozen", region, epoch: 6, applied };
    };
    const parted = changed(
      three,
      { command: "part", regions: ["iad"] },
      report("fra", fra),
      report("ams", ams),
    );
    return parted.closed.map(({ cut, hash }) => [cut, hash]);
  };
  expect(cutOf([4, short], [5, long])).toEqual([[5, long]]);
  expect(cutOf([5, short], [5, long])).toEqual([[5, short]]);
});

/** Of three regions one is parted, at what one of the others has. */
function cutAtTwelve(): FederationConfig {
  return changed(
    three,
    { command: "part", regions: ["iad"] },
    { command: "frozen", region: "ams", epoch: 6, applied: reports([3, 12]) },
    { command: "frozen", region: "fra", epoch: 6, applied: [] },
  );
}

test("what a sole survivor has counts, though it was cut before", () => {
  const join = { command: "join", region: "iad", incarnation: identity(5), endpoints } as const;
  const joined = changed(cutAtTwelve(), join);
  const survivor = { region: "iad", incarnation: identity(7), soleSurvivor: true } as const;
  const frozen = changed(joined, { command: "reincarnate", ...survivor });
  const report = { command: "frozen", region: "iad", epoch: frozen.epoch } as const;
  const alone = changed(frozen, { ...report, applied: reports([1, 2], [3, 40]) });
  expect(alone.closed.map(({ origin, cut }) => [origin, cut])).toEqual([
    [1, 2],
    [2, 0],
    [3, 40],
    [4, 0],
  ]);
});

test("while another region is left, a cut that was reached stands, whatever history of it is reported later", () => {
  const parted = cutAtTwelve();
  const [iad] = parted.closed;
  const frozen = changed(parted, { command: "part", regions: ["fra"] });
  const closedBy = (applied: Reached[]): readonly (ClosedOrigin | undefined)[] => {
    const report = { command: "frozen", region: "ams", epoch: frozen.epoch, applied } as const;
    return changed(frozen, report).closed.filter(({ origin }) => origin === 3);
  };
  expect(closedBy([[originId(3), sequence(12), historyOf(99)]])).toEqual([iad]);
  expect(closedBy(reports([3, 15]))).toEqual([iad]);
  // What nobody that is left has is cut off.
  expect(closedBy(reports([3, 9]))).toEqual([{ ...iad, cut: 9, hash: historyOf(9) }]);
});

test("thaw gives a freeze up; a report of a freeze that ended changes nothing", () => {
  const frozen = changed(three, { command: "part", regions: ["iad"] });
  const thawed = changed(frozen, { command: "thaw" });
  expect(standingOf(thawed, "iad")).toBe("live");
  expect(why(thawed, { command: "frozen", region: "ams", epoch: frozen.epoch, applied: [] })).toBe(
    "unchanged",
  );
  expect(
    why(frozen, { command: "frozen", region: "iad", epoch: frozen.epoch, applied: [] }),
  ).toMatch(/iad does not report; ams, fra do/);
  expect(why(founded, { command: "part", regions: ["ams"] })).toMatch(/no region would be left/);
  expect(why(three, { command: "part", regions: ["lax"] })).toMatch(/no region is named lax/);
});

test("a reincarnated region has another origin and joins; its old one is closed (federation scenario 9)", () => {
  const frozen = changed(three, {
    command: "reincarnate",
    region: "ams",
    incarnation: identity(7),
    soleSurvivor: false,
  });
  const reborn = changed(
    frozen,
    { command: "frozen", region: "fra", epoch: frozen.epoch, applied: reports([1, 8]) },
    { command: "frozen", region: "iad", epoch: frozen.epoch, applied: reports([1, 9]) },
  );
  expect(reborn.members.find(({ name }) => name === "ams")).toMatchObject({
    origin: 4,
    incarnation: identity(7),
    live: false,
    admitted: reborn.epoch,
  });
  expect(reborn.closed.map(({ origin, cut }) => [origin, cut])).toEqual([[1, 9]]);
  expect(regionOf(reborn, originId(1))).toBe("ams");
  const [region, incarnation] = ["fra", identity(8)];
  const last = changed(reborn, { command: "live", region: "ams", origin: originId(4) });
  const next = { command: "reincarnate", region, incarnation, soleSurvivor: false } as const;
  expect(changed(last, next).freeze?.closing.map((one) => one.region)).toEqual(["fra"]);
});

test("a region is reincarnated while another is live that can give it a state (federation 11)", () => {
  const joining = changed(founded, {
    command: "join",
    region: "fra",
    incarnation: identity(9),
    endpoints,
  });
  const command = { command: "reincarnate", region: "ams", incarnation: identity(7) } as const;
  expect(why(joining, { ...command, soleSurvivor: false })).toMatch(/no other region is live: fra/);
  expect(changed(joining, { ...command, soleSurvivor: true }).freeze?.closing.length).toBe(2);
  expect(changed(founded, { ...command, soleSurvivor: false }).freeze?.closing.length).toBe(1);
});

test("a sole survivor parts all others by its own report (federation scenario 10)", () => {
  const frozen = changed(three, {
    command: "reincarnate",
    region: "ams",
    incarnation: identity(7),
    soleSurvivor: true,
  });
  const alone = changed(frozen, {
    command: "frozen",
    region: "ams",
    epoch: frozen.epoch,
    applied: reports([1, 8], [2, 3]),
  });
  expect(alone.members.map(({ name, origin }) => [name, origin])).toEqual([["ams", 4]]);
  expect(alone.closed.map(({ origin, cut }) => [origin, cut])).toEqual([
    [1, 8],
    [2, 3],
    [3, 0],
  ]);
});

test("an origin is paused and resumed", () => {
  const paused = changed(three, { command: "pause", region: "fra" });
  expect(acceptance(paused, originId(2), 1)).toBe("paused");
  expect(why(paused, { command: "pause", region: "fra" })).toBe("unchanged");
  expect(acceptance(changed(paused, { command: "resume", region: "fra" }), originId(2), 1)).toBe(
    "accepted",
  );
});

test("a paused origin that is closed is paused no more: its last writes are taken up to the cut", () => {
  const closed = changed(
    three,
    { command: "pause", region: "fra" },
    { command: "pause", region: "iad" },
    { command: "part", regions: ["iad"] },
    { command: "frozen", region: "ams", epoch: three.epoch + 3, applied: reports([3, 12]) },
    { command: "frozen", region: "fra", epoch: three.epoch + 3, applied: [] },
  );
  expect(closed.paused).toEqual([2]);
  expect(acceptance(closed, originId(3), 12)).toBe("accepted");
});

test("topologies are lists of neighbours, changed live; a parted hop is bypassed (federation scenario 6)", () => {
  const near = (config: FederationConfig, origin: OriginId): string[] =>
    neighbourMembers(config, origin).map(({ name }) => name);
  const of = (config: FederationConfig) =>
    Object.fromEntries(
      config.members.map(({ name, origin }) => [name, near(config, origin).join(" ")]),
    );
  expect(of(three)).toEqual({ ams: "fra iad", fra: "ams iad", iad: "ams fra" });
  const star = changed(three, { command: "topology", topology: { shape: "star", hub: "fra" } });
  expect(of(star)).toEqual({ ams: "fra", fra: "ams iad", iad: "fra" });
  const tree = changed(star, {
    command: "topology",
    topology: { shape: "tree", root: "iad", fanout: 1 },
  });
  expect(of(tree)).toEqual({ iad: "ams", ams: "fra iad", fra: "ams" });
  const chain = changed(tree, {
    command: "topology",
    topology: {
      shape: "lists",
      lists: [
        { region: "iad", neighbours: ["fra"] },
        { region: "fra", neighbours: ["iad", "ams"] },
        { region: "ams", neighbours: ["fra"] },
      ],
    },
  });
  expect(of(chain)).toEqual({ ams: "fra", fra: "ams iad", iad: "fra" });
  const four = changed(chain, {
    command: "join",
    region: "lax",
    incarnation: identity(8),
    endpoints,
  });
  expect(of(four)).toMatchObject({ ams: "fra lax", lax: "ams fra iad" });
  const bypassed = changed(
    chain,
    { command: "part", regions: ["fra"] },
    { command: "frozen", region: "ams", epoch: chain.epoch + 1, applied: [] },
    { command: "frozen", region: "iad", epoch: chain.epoch + 1, applied: [] },
  );
  expect(of(bypassed)).toEqual({ ams: "iad", iad: "ams" });
  expect(near(bypassed, originId(2))).toEqual([]);
  const cut = {
    command: "topology",
    topology: {
      shape: "lists",
      lists: [
        { region: "ams", neighbours: ["fra"] },
        { region: "fra", neighbours: ["ams"] },
        { region: "iad", neighbours: ["fra"] },
      ],
    },
  } as const;
  expect(why(chain, cut)).toMatch(/is not connected/);
});
