// Stamps are kept near the true time (federation 16, traps 15): a leader mints only while its clock is near those of
// its voters and of its region peers, and what comes from far ahead waits, its origin's queue alone. A stamp that is
// too high cannot be mended; one too low loses to others and is mended by the next write.
import { hlcMs } from "../base/index.ts";
import type { Hlc, WallMs } from "../base/index.ts";
import type { OriginId } from "./dot.ts";
import type { FederationBug } from "./planted.ts";

/** Of a leader's clock, from the median. */
export const MINT_SKEW_MS_MAX = 250;

/**
 * Of a stamp, ahead of this region's clock: the origin's clock may be that far above the median and this one below, and
 * log time is anchored to the clock within 50 ms at either end. The time on the way only lowers it.
 */
export const INGRESS_AHEAD_MS_MAX = 2 * MINT_SKEW_MS_MAX + 2 * 50;

/** Of another clock: by how many milliseconds it is ahead of this one; negative: behind. */
export interface ClockSample {
  readonly aheadMs: number;
  readonly of: "voter" | "region";
}

/** What the question and its answer say of the other clock, as if both took the same time on the way. */
export function aheadMsOf(sample: {
  readonly askedAtMs: WallMs;
  readonly answerMs: WallMs;
  readonly answeredAtMs: WallMs;
}): number {
  return sample.answerMs - (sample.askedAtMs + sample.answeredAtMs) / 2;
}

export type MintGuard =
  | { readonly open: true }
  /** This clock is that far from the median of `among`, itself counted; negative: behind. */
  | { readonly open: false; readonly skewMs: number; readonly among: ClockSample["of"] };

/**
 * Judged twice: among the region's voters, and among the regions, each by its leader; a region whose clocks are all
 * wrong is then outvoted by the others. Of an even number the earlier middle one counts: of two that differ, the one
 * ahead stops. Samples are fresh, by the caller's care; none is no objection.
 */
export function mintGuard(samples: readonly ClockSample[]): MintGuard {
  for (const among of ["voter", "region"] as const) {
    const ahead = samples.filter((sample) => sample.of === among).map((sample) => sample.aheadMs);
    const sorted = [0, ...ahead].sort((left, right) => left - right);
    const skewMs = -(sorted[(sorted.length - 1) >>> 1] ?? 0);
    if (Math.abs(skewMs) > MINT_SKEW_MS_MAX) return { open: false, skewMs, among };
  }
  return { open: true };
}

/** The first transaction of an origin that is ready but for its stamp. */
export interface StampQuestion {
  readonly origin: OriginId;
  readonly hlc: Hlc;
  /** Another member has applied it: holding it would not keep its stamp out of the federation. */
  readonly appliedElsewhere: boolean;
}

export interface IngressGuard {
  /** By origin, how far its first stamp is ahead, in milliseconds. Held until the clock is there, or it is closed. */
  readonly held: ReadonlyMap<OriginId, number>;
  /** Most origins look ahead: this region's clock is behind, and nothing is held. */
  readonly suspectsOwnClock: boolean;
}

/** `origins`: how many others mint; two at least must agree before the own clock is the suspect. */
export function ingressGuard(
  heads: readonly StampQuestion[],
  nowMs: WallMs,
  origins: number,
  planted?: FederationBug,
): IngressGuard {
  const ahead = heads.filter(({ hlc }) => hlcMs(hlc) - nowMs > INGRESS_AHEAD_MS_MAX);
  const suspectsOwnClock = ahead.length >= 2 && ahead.length > origins / 2;
  if (suspectsOwnClock || planted === "hlc-poison") return { held: new Map(), suspectsOwnClock };
  const held = ahead.filter(({ appliedElsewhere }) => !appliedElsewhere);
  return {
    held: new Map(held.map(({ origin, hlc }) => [origin, hlcMs(hlc) - nowMs])),
    suspectsOwnClock,
  };
}
