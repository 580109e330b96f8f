// Stamps are kept near the true time (federation 16, traps 15): a leader mints only while its clock is near those of
// its voters and of its region peers, and what comes from far ahead waits, its origin's queue alone. A stamp that is
// too high cannot be mended; one too low loses to others and is mended by the next write.
import { hlcMs } from "../base/index.ts";
import type { WallMs } from "../base/index.ts";
import type { OriginId } from "./dot.ts";
import type { FederationBug } from "./planted.ts";
import type { Transaction } from "./transaction.ts";
import { hasDot } from "./vector.ts";
import type { Vector } from "./vector.ts";

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

export interface IngressQuestion {
  /** This region's clock; it is asked at each transaction. */
  readonly now: () => WallMs;
  /** The next of each origin, where it is held. */
  readonly heads: readonly Transaction[];
  /** Of the other members, what each has applied by its last word. */
  readonly others: ReadonlyMap<OriginId, Vector>;
  readonly planted?: FederationBug;
}

export interface IngressGuard {
  /** By origin, how far its next stamp is ahead, in milliseconds: it waits until the clock is there, or it is closed. */
  readonly ahead: ReadonlyMap<OriginId, number>;
  /** Two origins at least, and most, look ahead: this region's clock is behind, and nothing waits. */
  readonly suspectsOwnClock: boolean;
  /** Whether the transaction may be applied, if it is ready. */
  readonly admits: (transaction: Transaction) => boolean;
}

/** Good until the heads or the words have changed; a little older does no harm, for the clock is asked anew. */
export function ingressGuard({ now, heads, others, planted }: IngressQuestion): IngressGuard {
  const aheadMs = ({ hlc }: Transaction): number => hlcMs(hlc) - now();
  const isAhead = (head: Transaction): boolean => aheadMs(head) > INGRESS_AHEAD_MS_MAX;
  // Where another has applied it, holding it here would not keep its stamp out of the federation.
  const isElsewhere = (transaction: Transaction): boolean =>
    [...others].some(([of, vector]) => of !== transaction.origin && hasDot(vector, transaction));
  const ahead = heads.filter(isAhead);
  const suspectsOwnClock = ahead.length >= 2 && ahead.length > others.size / 2;
  const admits = (transaction: Transaction): boolean =>
    suspectsOwnClock ||
    planted === "hlc-poison" ||
    !isAhead(transaction) ||
    isElsewhere(transaction);
  const held = ahead.filter((head) => !admits(head));
  return {
    ahead: new Map(held.map((head) => [head.origin, aheadMs(head)])),
    suspectsOwnClock,
    admits,
  };
}
