// A handler's answer that keeps one of the siblings drops the others. One that is no semilattice, asked in two regions about
// different siblings, could keep in each what the other drops: it takes effect once every region has what it was asked
// about (federation 5, 8).
import { describe, expect, test } from "@jest/globals";
import { assert, keyOf } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import {
  VECTOR_ZERO,
  handledChange,
  handlerQuestion,
  waitsForAll,
} from "../../federation/index.ts";
import type {
  FederationBug,
  FederationChange,
  Handler,
  HandlerQuestion,
  Resolution,
  Vector,
} from "../../federation/index.ts";
import { put } from "../store/requests.ts";
import { policy } from "./document.ts";
import { settledAwayByDefinition } from "./naive-oracle.ts";
import { Region, bytes, configOf, exchange } from "./region.ts";

const K = "f/a" as Key;
const HANDLER: Handler = {
  ...{ name: "pick", hash: "1".repeat(64), source: "function resolve() {}", runs: "on-write" },
};

type Three = readonly [Region, Region, Region];

/** East wrote first, south last; north has not heard of south's, which has all. */
function three(planted?: FederationBug): Three {
  const config = configOf(3, [policy("f/", { policy: "resolver", handler: HANDLER.name })], {
    handlers: [HANDLER],
  });
  const all = [1, 2, 3].map((origin) => new Region(origin, planted));
  const [east, north, south] = all;
  assert(east !== undefined && north !== undefined && south !== undefined, "three regions");
  for (const region of all) region.configure(config);
  [east, north, south].forEach((region, at) => {
    region.nowMs = 50 * at;
    region.run(put(K, `of ${at + 1}`));
  });
  north.pull(east);
  south.pull(east);
  south.pull(north);
  return [east, north, south];
}

function questionOf({ state, origin: self }: Region): HandlerQuestion {
  const { config, rules } = state;
  assert(config !== undefined, "it is configured");
  const asker = { self, isClosed: () => false, rules, epoch: config.epoch, agrees: true };
  const question = handlerQuestion(K, state.recordOf(K), asker);
  assert(question !== undefined, "it is this region's to ask");
  return question;
}

/** Of two the first, of three the second. */
function pick({ asked }: HandlerQuestion): Resolution {
  const value = asked.length === 2 ? asked[0]?.value : asked[1]?.value;
  return { action: "value", value: value ?? bytes("none") };
}

function answer(region: Region, stable: Vector, made = pick): FederationChange {
  const question = questionOf(region);
  const change = handledChange(question, made(question), stable);
  assert(change !== undefined, "it has an answer");
  return change;
}

/** All that anybody minted. */
function lostBy(all: Three): readonly string[] {
  return settledAwayByDefinition(
    all.flatMap((region) => region.shipped().map(({ transaction }) => transaction)),
    K,
  );
}

/** North and south answer at once, each by the cut that it is told of. */
function answers(all: Three, stableOf: (region: Region) => Vector): readonly string[] {
  const [, north, south] = all;
  const changes = [north, south].map((region) => answer(region, stableOf(region)));
  const kinds = [north, south].map((region, at) => {
    const change = changes[at];
    assert(change !== undefined, "each has one");
    const applied = region.change(change);
    return "kind" in applied ? applied.message : "written";
  });
  exchange(all);
  return kinds;
}

describe("two regions whose handler keeps what the other's drops", () => {
  test("lose all of it without the guard (kept-before-stable)", () => {
    const all = three("kept-before-stable");
    expect(answers(all, () => VECTOR_ZERO)).toEqual(["written", "written"]);
    expect(all.map((region) => region.siblings(K))).toEqual([[], [], []]);
    expect(lostBy(all)).toEqual(["1:1", "2:1", "3:1"]);
  });

  test("keep all of it until every region has what they were asked about", () => {
    const all = three();
    const refused = expect.stringMatching(/not every region has/) as unknown;
    // What all three have: of east's write alone.
    const common = new Map([...all[0].state.applied]);
    expect(answers(all, () => common)).toEqual([refused, refused]);
    expect(lostBy(all)).toEqual([]);
    for (const region of all) expect(region.siblings(K)).toEqual(["1:1", "2:1", "3:1"]);
    const [, , south] = all;
    expect(waitsForAll(questionOf(south), pick(questionOf(south)), south.state.applied)).toBe(
      false,
    );
    expect(south.change(answer(south, south.state.applied))).toMatchObject({ minted: 1 });
    exchange(all);
    for (const region of all)
      expect([region.siblings(K), region.get(K)]).toEqual([["2:1"], "of 2"]);
    expect(lostBy(all)).toEqual([]);
  });
});

test("a new value waits for nobody: it is a write over what it has seen", () => {
  const all = three();
  const [, , south] = all;
  const both = ({ asked }: HandlerQuestion): Resolution => ({
    action: "value",
    value: bytes(asked.map(({ value }) => keyOf(value ?? bytes(""))).join("+")),
  });
  const question = questionOf(south);
  expect(waitsForAll(question, both(question), VECTOR_ZERO)).toBe(false);
  expect(south.change(answer(south, VECTOR_ZERO, both))).toMatchObject({ minted: 1 });
  exchange(all);
  for (const region of all) expect(region.get(K)).toBe("of 1+of 2+of 3");
  expect(lostBy(all)).toEqual([]);
});

test("an answer that keeps is known to wait before it is proposed", () => {
  const [, north] = three();
  const question = questionOf(north);
  expect(waitsForAll(question, pick(question), VECTOR_ZERO)).toBe(true);
  expect(waitsForAll(question, pick(question), north.state.applied)).toBe(false);
  expect(waitsForAll(question, { action: "keep" }, VECTOR_ZERO)).toBe(false);
  expect(waitsForAll(question, pick(question), VECTOR_ZERO, "kept-before-stable")).toBe(false);
});
