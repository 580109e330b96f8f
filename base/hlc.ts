// Hybrid logical clocks (Kulkarni et al. 2014, in 64 bits): 48 bits of milliseconds since the Unix epoch, 16 bits
// that count what is stamped within one. Always 64 bits wide, so never a JavaScript number.
import { assert } from "./assert.ts";
import type { WallMs } from "./ids.ts";

declare const brand: unique symbol;

/** Ordered by `<`. Equal stamps are told apart by the origin, then by the number of the transaction. */
export type Hlc = bigint & { readonly [brand]: "Hlc" };

export const HLC_ZERO = 0n as Hlc;

const COUNTER_BITS = 16n;
const MS_MAX = 2 ** 48 - 1;

/** The first stamp of that millisecond. @throws {AssertionError} unless `ms` is an integer in [0, 2^48). */
export function hlcAt(ms: WallMs): Hlc {
  assert(Number.isInteger(ms) && ms >= 0 && ms <= MS_MAX, `${ms} ms is no instant of a clock`);
  return (BigInt(ms) << COUNTER_BITS) as Hlc;
}

/** The stamp of what is minted after `last`, while the clock shows `now`: never falls, never repeats. */
export function hlcNext(last: Hlc, now: WallMs): Hlc {
  const proposed = hlcAt(now);
  return proposed > last ? proposed : ((last + 1n) as Hlc);
}

/** The later of two. */
export function hlcMax(left: Hlc, right: Hlc): Hlc {
  return left > right ? left : right;
}

/** The milliseconds of a stamp, rounded down. */
export function hlcMs(stamp: Hlc): WallMs {
  return Number(stamp >> COUNTER_BITS) as WallMs;
}
