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
import { originId } from "./dot.ts";

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
const head = (origin: number, aheadMs: number, appliedElsewhere = false) => ({
  origin: originId(origin),
  hlc: hlcAt((now + aheadMs) as WallMs),
  appliedElsewhere,
});

test("a forged stamp holds its own origin's queue alone (trap 15)", () => {
  const heads = [head(1, 0), head(2, HOUR_MS), head(3, INGRESS_AHEAD_MS_MAX)];
  expect(ingressGuard(heads, now, 3)).toEqual({
    held: new Map([[originId(2), HOUR_MS]]),
    suspectsOwnClock: false,
  });
});

test("of two regions, too, the one that is ahead is held", () => {
  expect([...ingressGuard([head(2, HOUR_MS)], now, 1).held.keys()]).toEqual([2]);
});

test("what another member has applied is not held", () => {
  expect(ingressGuard([head(2, HOUR_MS, true)], now, 3).held.size).toBe(0);
});

test("when most look ahead the own clock is the suspect, and nothing is held", () => {
  const heads = [head(1, HOUR_MS), head(2, HOUR_MS), head(3, 0)];
  expect(ingressGuard(heads, now, 3)).toEqual({ held: new Map(), suspectsOwnClock: true });
});

test("without the guard the stamp comes in (hlc-poison)", () => {
  expect(ingressGuard([head(2, HOUR_MS)], now, 3, "hlc-poison").held.size).toBe(0);
});
