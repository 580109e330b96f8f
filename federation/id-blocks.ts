// Numbers that no two regions give out twice, without asking each other (federation 12): a count that goes with the
// clock, and the origin in the low bits, which no other region ever has. Blocks are taken through the region's log, so
// what was given out is never given again, whoever leads; ids of one region grow, and those of all go by the time.
import type { WallMs } from "../base/index.ts";
import type { OriginId } from "./dot.ts";

/** Ids of 63 bits: 41 of milliseconds since 2020, 12 that count within one, 10 of the origin. */
const EPOCH_MS = 1_577_836_800_000;
const COUNTS_PER_MS = 2 ** 12;
const COUNT_MAX = 2 ** 53 - 1;

export const ID_LIMITS = {
  /** Of one block. */
  countMax: 65_536,
  originMax: 2 ** 10 - 1,
  /** How far the count may run ahead of the clock: so far ids of two regions may be out of order. */
  aheadMsMax: 1_000,
} as const;

/** Between two ids of a block. */
export const ID_STRIDE = ID_LIMITS.originMax + 1;

/** Ids `first`, `first + ID_STRIDE`, ... as many as were asked for. */
export type IdBlock = { readonly first: bigint } | { readonly refused: string };

export class IdBlocks {
  #next = 0;

  /** The count of the next id; 0: none was given out. */
  get next(): number {
    return this.#next;
  }

  restore(next: number): void {
    this.#next = next;
  }

  /** `wallMs`: what the region's clock shows. */
  take(origin: OriginId, wallMs: WallMs, count: number): IdBlock {
    const { countMax, originMax, aheadMsMax } = ID_LIMITS;
    if (count < 1 || count > countMax) {
      return { refused: `${count} ids are asked for, expected 1 to ${countMax}` };
    }
    if (origin > originMax) {
      return { refused: `this region's origin is ${origin}, and ids have room for ${originMax}` };
    }
    const now = Math.max(0, wallMs - EPOCH_MS) * COUNTS_PER_MS;
    const from = Math.max(now, this.#next);
    if (from - now > aheadMsMax * COUNTS_PER_MS) {
      return { refused: `ids were given out for ${aheadMsMax} ms to come: ask again later` };
    }
    if (from + count > COUNT_MAX) return { refused: "no ids are left" };
    this.#next = from + count;
    return { first: BigInt(from) * BigInt(ID_STRIDE) + BigInt(origin) };
  }
}
