import { expect, test } from "@jest/globals";
import { hlcAt } from "../base/index.ts";
import type { WallMs } from "../base/index.ts";
import {
  INGRESS_AHEAD_MS_MAX,
  MINT_SKEW_MS_MAX,
  aheadMsOf,
  ingressGuard,
  mintGuard,
} from "./clock-guard.ts";
import type { ClockSample } from "./clock-guard.ts";
import { configOf, StreamRegion } from "../test/federation/stream-world.ts";
import { originId, sequence } from "./dot.ts";
import type { OriginId } from "./dot.ts";
import { Holding } from "./holding.ts";
import type { Transaction } from "./transaction.ts";
import type { Vector } from "./vector.ts";

const HOUR_MS = 3_600_000;
const voters = (...aheadMs: readonly number[]): ClockSample[] =>
  aheadMs.map((ahead) => ({ aheadMs: ahead, of: "voter" }));
const regions = (...aheadMs: readonly number[]): ClockSample[] =>
  aheadMs.map((ahead) => ({ aheadMs: ahead, of: "region" }));

test("a leader whose clock is an hour ahead of its voters' does not mint (scenario 15)", () => {
  expect(mintGuard(voters(-HOUR_MS, -HOUR_MS))).toEqual({
    open: false,
    skewMs: HOUR_MS,
    among: "voter",
  });
});

test("a region whose clocks are all an hour ahead is outvoted by the regions (scenario 15)", () => {
  const samples = [...voters(0, 0), ...regions(-HOUR_MS, -HOUR_MS)];
  expect(mintGuard(samples)).toEqual({ open: false, skewMs: HOUR_MS, among: "region" });
  expect(mintGuard([...voters(0, 0), ...regions(0, HOUR_MS)])).toEqual({ open: true });
});

test("of two regions that differ the one ahead stops, and the other goes on", () => {
  expect(mintGuard(regions(-HOUR_MS))).toMatchObject({ open: false, skewMs: HOUR_MS });
  expect(mintGuard(regions(HOUR_MS))).toEqual({ open: true });
});

test("a clock that is behind most others does not mint either", () => {
  expect(mintGuard(regions(HOUR_MS, HOUR_MS))).toMatchObject({ open: false, skewMs: -HOUR_MS });
});

test("nobody's word is no objection, and the bound itself is within it", () => {
  expect(mintGuard([])).toEqual({ open: true });
  expect(mintGuard(voters(-MINT_SKEW_MS_MAX, -MINT_SKEW_MS_MAX))).toEqual({ open: true });
  expect(mintGuard(voters(-MINT_SKEW_MS_MAX - 1, -MINT_SKEW_MS_MAX - 1)).open).toBe(false);
});

test("a sample allows for the way there and back", () => {
  const [askedAtMs, answerMs, answeredAtMs] = [1_000, 1_090, 1_160].map((at) => at as WallMs);
  if (askedAtMs === undefined || answerMs === undefined || answeredAtMs === undefined) return;
  expect(aheadMsOf({ askedAtMs, answerMs, answeredAtMs })).toBe(10);
});

const now = 1_000_000 as WallMs;
const head = (origin: number, aheadMs: number, at = 1): Transaction => ({
  origin: originId(origin),
  sequence: sequence(at),
  deps: new Map(),
  hlc: hlcAt((now + aheadMs) as WallMs),
  epoch: 1,
  operations: [],
});
/** Of members 1 to `count`, none of which has applied more than `vector`. */
const others = (count: number, vector: Vector = new Map()): ReadonlyMap<OriginId, Vector> =>
  new Map(Array.from({ length: count }, (_, at) => [originId(at + 1), vector]));

test("a forged stamp holds its own origin's queue alone, from there on (trap 15)", () => {
  const heads = [head(1, 0), head(2, HOUR_MS), head(3, INGRESS_AHEAD_MS_MAX)];
  const guard = ingressGuard({ now: () => now, heads, others: others(3) });
  expect(guard.ahead).toEqual(new Map([[originId(2), HOUR_MS]]));
  expect(guard.suspectsOwnClock).toBe(false);
  expect(heads.map((one) => guard.admits(one))).toEqual([true, false, true]);
  // What is well before it goes in, and it stays out though it was no head when the guard was made.
  const behind = ingressGuard({ now: () => now, heads: [head(2, 0)], others: others(3) });
  expect([head(2, 0), head(2, HOUR_MS, 2)].map((one) => behind.admits(one))).toEqual([true, false]);
});

test("of two regions, too, the one that is ahead is held, until the clock is there", () => {
  let clock = now;
  const heads = [head(1, HOUR_MS)];
  const guard = ingressGuard({ now: () => clock, heads, others: others(1) });
  expect(heads.map((one) => guard.admits(one))).toEqual([false]);
  clock = (now + HOUR_MS) as WallMs;
  expect(heads.map((one) => guard.admits(one))).toEqual([true]);
});

test("what another member has applied is not held; its own origin's word does not count", () => {
  const stamped = head(2, HOUR_MS);
  const has: Vector = new Map([[originId(2), sequence(1)]]);
  const question = { now: () => now, heads: [stamped] };
  const own = new Map([...others(3), [originId(2), has]] as const);
  expect(ingressGuard({ ...question, others: own }).admits(stamped)).toBe(false);
  const another = new Map([...own, [originId(3), has]] as const);
  expect(ingressGuard({ ...question, others: another }).admits(stamped)).toBe(true);
});

test("when most look ahead the own clock is the suspect, and nothing is held", () => {
  const heads = [head(1, HOUR_MS), head(2, HOUR_MS), head(3, 0)];
  const guard = ingressGuard({ now: () => now, heads, others: others(3) });
  expect(guard).toMatchObject({ ahead: new Map(), suspectsOwnClock: true });
  expect(heads.every((one) => guard.admits(one))).toBe(true);
});

test("without the guard the stamp comes in (hlc-poison, trap 15)", () => {
  const heads = [head(2, HOUR_MS)];
  const question = { now: () => now, heads, others: others(3) };
  expect(ingressGuard({ ...question, planted: "hlc-poison" }).ahead.size).toBe(0);
});

test("the holding keeps what is not admitted, and hands on the rest", () => {
  const config = configOf(2);
  const region = new StreamRegion(config, originId(2));
  const from = new StreamRegion(config, originId(1));
  const stream = [from.mint(1n, now), from.mint(1n, now + HOUR_MS), from.mint(1n, now)];
  let clock = now;
  const guard = ingressGuard({ now: () => clock, heads: [], others: others(1) });
  const holding = new Holding({ admits: guard.admits });
  for (const shipped of stream) holding.offer(shipped, region.applied);
  const limits = { operationsMax: 10, bytesMax: 10_000 };
  expect(holding.heads(region.applied)).toEqual([stream[0]?.transaction]);
  expect(region.ready(limits, holding)).toEqual(stream.slice(0, 1));
  region.apply(stream.slice(0, 1).map(({ bytes }) => bytes));
  holding.settle(region.applied);
  expect(holding.waiting(region)).toMatchObject([
    { origin: 1, count: 2, withheld: true, verdict: { verdict: "apply" } },
  ]);
  clock = (now + HOUR_MS) as WallMs;
  expect(region.ready(limits, holding)).toEqual(stream.slice(1));
});
