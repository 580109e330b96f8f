// A region that was restored from an old backup and minted on, and is reincarnated: others have another history of its old
// origin. Its state is replaced by another region's, and what it had minted on its own is its salvage (federation 1, 11,
// traps 1 and 23).
import { describe, expect, test } from "@jest/globals";
import { assert, hexOf } from "../../base/index.ts";
import type { Hlc, Key } from "../../base/index.ts";
import {
  EXCHANGE_LIMITS_DEFAULT,
  ExchangePuller,
  ReportBook,
  VECTOR_ZERO,
  helloOf,
  originId,
  sequence,
} from "../../federation/index.ts";
import type { FederationConfig, OriginId, PullEffect } from "../../federation/index.ts";
import { op, put, txn } from "../store/requests.ts";
import { documentOf, identity, policy } from "./document.ts";
import { Region, bytes, configOf, hash, regions } from "./region.ts";
import { bootstrap, contentOf, cutOf, read, stage } from "./transfer.ts";

const OLD = originId(3);
const BEGUN = configOf(3, [policy("w/")]);
/** What the old origin minted before the backup, and all that others have of it. */
const [COMMON, CUT] = [3, 5];

/** A key of the history's own, and one that the other writes too, under the same dot. */
function mint(region: Region, history: string, from: number, last: number): void {
  for (let at = from; at <= last; at += 1) {
    const value = `${history} ${at}`;
    region.run(txn([], [op.put(`w/${history}-${at}`, value), op.put(`w/${at}`, value)]));
  }
}

type World = Readonly<Record<"east" | "north" | "south" | "restored", Region>>;

/** East has all of the first history, north all but the last; the restored one minted up to `last` of another. */
function forked(last: number): World {
  const [east, north, south] = regions(BEGUN);
  assert(east !== undefined && north !== undefined && south !== undefined, "three regions");
  mint(south, "both", 1, COMMON);
  mint(south, "first", COMMON + 1, CUT);
  for (const one of south.shipped()) east.apply(one);
  for (const one of south.shipped().slice(0, -1)) north.apply(one);
  // A backup is the region itself at an earlier time.
  const restored = new Region(3);
  restored.configure(BEGUN);
  mint(restored, "both", 1, COMMON);
  mint(restored, "second", COMMON + 1, last);
  return { east, north, south, restored };
}

/** South is reincarnated as origin 4: the cut is what east reports. */
function reincarnated(east: Region): FederationConfig {
  const old = BEGUN.members.find(({ origin }) => origin === OLD);
  const chain = east.state.chainOf(OLD);
  assert(old !== undefined && chain !== undefined, "south is a member, and east has some of it");
  const { incarnation, name } = old;
  const of = { origin: OLD, incarnation, region: name, closed: 2 };
  const reborn = {
    ...old,
    origin: originId(4),
    incarnation: identity(4),
    admitted: 2,
    live: false,
  };
  return documentOf([], {
    ...BEGUN,
    epoch: 2,
    originNext: originId(5),
    members: BEGUN.members.map((member) => (member === old ? reborn : member)),
    closed: [{ ...of, cut: CUT, hash: hexOf(chain) }],
  });
}

/** The document of the reincarnation is logged everywhere, and the restored one has heard of the first history. */
function closed(last: number): World {
  const world = forked(last);
  const config = reincarnated(world.east);
  world.east.configure(config);
  world.north.configure(config);
  world.restored.configure(config, originId(4));
  return world;
}

describe.each([
  ["before the cut", CUT - 1],
  ["at the cut", CUT],
  ["beyond the cut", CUT + 1],
])("a region whose own history ends %s", (_, last) => {
  test("takes another's state, and keeps what it minted as its salvage", () => {
    const { east, restored } = closed(last);
    // What follows on the first history fits on nothing here.
    expect(restored.apply(...east.shipped(OLD).slice(last))).toMatchObject({ applied: 0 });
    const { rebirth } = restored.state;
    expect(rebirth.strays).toEqual(last < CUT ? [] : [{ origin: OLD, cut: CUT, last }]);
    expect(bootstrap(restored, east)).not.toHaveProperty("kind");
    expect(contentOf(restored)).toEqual(contentOf(east));
    expect(restored.state.applied).toEqual(east.state.applied);
    expect(restored.state.chainOf(OLD)).toEqual(east.state.chainOf(OLD));
    expect([restored.get("w/second-4"), restored.get("w/first-5")]).toEqual([undefined, "first 5"]);
    expect(restored.get("w/4")).toBe("first 4");
    expect([rebirth.strays, [...restored.state.forked]]).toEqual([[], []]);
    restored.restart();
    expect(restored.state.rebirth.salvage).toEqual([{ origin: OLD, first: 1, last }]);
    const kept = restored.transaction(OLD, last).transaction.operations[0]?.key;
    expect(kept).toBe(`w/second-${last}`);
  });

  test("serves nothing of it, and drops it when its operator says so, not before", () => {
    const { east, restored } = closed(last);
    restored.change({ change: "forked", origin: OLD });
    // Before the cut it may be the history that counts, as far as its number tells.
    expect(restored.state.rebirth.standing.has(OLD)).toBe(last < CUT);
    bootstrap(restored, east);
    const { retention, config } = restored.state;
    expect([retention.firstOf(OLD), retention.lastOf(OLD)]).toEqual([undefined, undefined]);
    const all = restored.state.applied;
    restored.change({ change: "collect", epoch: 2, cut: all, through: all, full: false });
    expect(restored.state.rebirth.salvage).toHaveLength(1);
    assert(config !== undefined, "the restored one is in a federation");
    const others = { self: originId(4), forked: new Set<never>(), vectorOf: () => all };
    const plan = retention.plan({ config, ...others, applied: all, bytesMax: 0 });
    expect(plan).toMatchObject({ through: new Map(), full: true });
    const discard = { change: "discard", origin: OLD } as const;
    expect(restored.change({ ...discard, through: last - 1 })).toHaveProperty("kind", "refused");
    expect(restored.change({ ...discard, through: last })).not.toHaveProperty("kind");
    expect(restored.state.rebirth.salvage).toEqual([]);
    restored.restart();
    expect([retention.rangeOf(OLD), [...retention.aside]]).toEqual([undefined, []]);
  });
});

test("what is kept of the other history is applied to no copy that repairs a key", () => {
  const { east, restored } = closed(CUT);
  bootstrap(restored, east);
  const key = "w/second-4" as Key;
  const dot = { origin: OLD, sequence: sequence(1) };
  const sibling = {
    dot,
    hlc: 1n as Hlc,
    epoch: 1,
    birth: { hlc: 1n as Hlc, dot },
    value: bytes("x"),
  };
  const copy = {
    applied: new Map([[OLD, sequence(COMMON)]]),
    content: { siblings: [sibling], kinds: [] },
  };
  const answer = restored.change({ change: "repair", key, from: originId(2), copy });
  expect(answer).toMatchObject({
    message: expect.stringMatching(/the copy is too old/) as unknown,
  });
  expect(restored.get(key)).toBeUndefined();
});

test("a region whose own history is the one that counts goes on with what it has", () => {
  const { east, north } = closed(CUT);
  north.change({ change: "forked", origin: OLD });
  expect([...north.state.forked]).toEqual([OLD]);
  north.apply(...east.shipped(OLD).slice(CUT - 1));
  expect([north.state.rebirth.strays, [...north.state.forked]]).toEqual([[], []]);
  // It is told of the fork once more by who was late: there is nothing left to freeze.
  north.change({ change: "forked", origin: OLD });
  expect([...north.state.forked]).toEqual([]);
  expect(north.state.retention.firstOf(OLD)).toBe(1);
});

test("a region that has all of the history that counts is frozen no more by the document that says so", () => {
  const { east } = forked(CUT);
  east.change({ change: "forked", origin: OLD });
  expect([...east.state.forked]).toEqual([OLD]);
  east.configure(reincarnated(east));
  expect([...east.state.forked]).toEqual([]);
});

test("one that went on along the history that counts keeps what lies beyond the cut, and no more", () => {
  const { east, south } = forked(CUT);
  mint(south, "first", CUT + 1, CUT + 1);
  east.configure(reincarnated(east));
  south.configure(reincarnated(east), originId(4));
  // From here on the row at the cut, by which it is told, is the engine's alone.
  south.restart();
  expect(bootstrap(south, east)).not.toHaveProperty("kind");
  expect(south.state.rebirth.salvage).toEqual([{ origin: OLD, first: CUT + 1, last: CUT + 1 }]);
});

test("where the row at the cut is dropped, what stands under the same number is not taken for the same", () => {
  const { east, restored } = forked(CUT + 1);
  const through = new Map([[OLD, sequence(CUT)]]);
  restored.change({ change: "collect", epoch: 1, cut: VECTOR_ZERO, through, full: false });
  restored.restart();
  east.configure(reincarnated(east));
  restored.configure(reincarnated(east), originId(4));
  expect(bootstrap(restored, east)).not.toHaveProperty("kind");
  expect(contentOf(restored)).toEqual(contentOf(east));
  const [first, last] = [CUT + 1, CUT + 1];
  expect(restored.state.rebirth.salvage).toEqual([{ origin: OLD, first, last }]);
});

test("no state is taken that has another history, or a part of the one that counts", () => {
  const { east, north, restored } = closed(CUT);
  const refusal = (to: Region, donor: Region): unknown => {
    const snapshot = read(donor, cutOf(donor));
    stage(to, snapshot);
    return to.change(snapshot.install);
  };
  expect(refusal(restored, north)).toMatchObject({
    message: expect.stringMatching(/not all of origin 3 up to its cut/) as unknown,
  });
  const misled = new Region(2);
  misled.configure(BEGUN);
  misled.apply(...restored.shipped(OLD));
  const config = east.state.config;
  assert(config !== undefined, "east is in a federation");
  misled.configure(config);
  expect(refusal(restored, misled)).toMatchObject({
    message: expect.stringMatching(/history of origin 3 is not the one that counts/) as unknown,
  });
  expect(restored.get("w/second-5")).toBe("second 5");
});

test("who took the other history of another region is not relied on, and writes nothing until it has let it go", () => {
  const { east, restored } = forked(CUT);
  const misled = new Region(2);
  misled.configure(BEGUN);
  misled.apply(...restored.shipped(OLD).slice(0, -1));
  for (const one of [misled, east]) one.configure(reincarnated(east));
  expect([misled.state.rebirth.strays, misled.state.rebirth.barTo(1)]).toEqual([[], undefined]);
  misled.apply(...restored.shipped(OLD).slice(-1));
  expect(misled.state.rebirth.strays).toEqual([{ origin: OLD, cut: CUT, last: CUT }]);
  expect(misled.state.rebirth.barTo(1)).toBe("this region's own is to be replaced");
  expect(misled.state.rebirth.standing.has(OLD)).toBe(false);
  expect(misled.run(put("w/own", "x"))).toMatchObject({ kind: "refused" });
  bootstrap(misled, east);
  expect(misled.state.rebirth.standing.get(OLD)).toBe(CUT);
  expect(misled.run(put("w/own", "x"))).toHaveProperty("kind", "put");
});

test("of an origin with two histories nothing is dropped, whatever others report to have of it", () => {
  const { restored } = forked(CUT);
  const through = restored.state.applied;
  restored.change({ change: "forked", origin: OLD });
  restored.change({ change: "collect", epoch: 1, cut: VECTOR_ZERO, through, full: false });
  expect(restored.state.retention.firstOf(OLD)).toBe(1);
  const vectorOf = () => through;
  const { applied, forked: seen } = restored.state;
  const question = { config: BEGUN, self: OLD, applied, forked: seen, vectorOf, bytesMax: 0 };
  expect(restored.state.retention.plan(question)).toMatchObject({ through: new Map(), full: true });
});

test("a state with another history of an open origin is not taken: both sides are to learn of it first", () => {
  const { east, restored } = forked(CUT);
  expect(restored.state.applied.get(OLD)).toBe(CUT);
  expect(bootstrap(restored, east)).toMatchObject({
    message: "hansa: a region's snapshot: it has another history of origin 3 than this region",
  });
  expect(restored.get("w/second-5")).toBe("second 5");
});

test("of a closed origin the next neighbour is asked, and where none goes on from here a state is wanted", () => {
  const config = reincarnated(forked(CUT).east);
  const [self, one, other] = [originId(4), originId(1), originId(2)];
  const reports = new ReportBook();
  const vector = new Map([[OLD, sequence(CUT)]]);
  for (const origin of [one, other]) reports.note({ origin, epoch: 2, vector });
  const ours = new Uint8Array(32).fill(1);
  const puller = new ExchangePuller({
    state: () => ({
      ...{ applied: new Map([[OLD, sequence(COMMON)]]), config, self, forked: new Set([OLD]) },
      ...{ chainOf: () => ours, document: { epoch: 2, document: new Uint8Array() } },
      staged: undefined,
    }),
    ...{ reports, hash, limits: EXCHANGE_LIMITS_DEFAULT, wallMs: () => 0 as never },
  });
  const asked = (effects: readonly PullEffect[]): readonly OriginId[] =>
    effects.flatMap((effect) => {
      const isWant = effect.kind === "send" && effect.message.kind === "want";
      const wants = isWant && effect.message.positions.some(({ origin }) => origin === OLD);
      return wants ? [effect.to] : [];
    });
  const refused = (by: OriginId): readonly PullEffect[] => {
    const theirs = { origin: OLD, sequence: COMMON, hash: ours };
    return puller.onMessage(by, { kind: "forked", theirs, ours: new Uint8Array(32) }, 0);
  };
  for (const to of [one, other]) {
    const hello = helloOf(config, to, self, true);
    assert(hello !== undefined, "a member greets");
    puller.onOpened(to, hello, 0);
  }
  expect(puller.routes.get(OLD)?.neighbour).toBe(one);
  const first = refused(one);
  expect(asked(first)).toEqual([other]);
  expect(first).toContainEqual({ kind: "gone", origin: OLD, retainedFrom: CUT + 1, by: one });
  expect(refused(other)).toContainEqual({
    ...{ kind: "gone", origin: OLD, retainedFrom: CUT + 1, by: other },
  });
  expect(puller.routes.has(OLD)).toBe(false);
  expect(asked(puller.onReplaced(1))).toEqual([one]);
});
