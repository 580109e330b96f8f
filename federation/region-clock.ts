// The hybrid clock that a region stamps its writes with (federation 2). Log time only counts on from where a leader last
// anchored it to a wall clock, so every member finds the same stamp, and none is ever repeated or undercut.
import { HLC_ZERO, hlcMax, hlcNext } from "../base/index.ts";
import type { Hlc, LogTimeMs, WallMs } from "../base/index.ts";

export interface Anchor {
  readonly wallMs: WallMs;
  /** The log time at which it was that late. */
  readonly atMs: LogTimeMs;
}

/** A stamp has 48 bits of milliseconds and 16 that count. */
const WALL_MS_MAX = 2 ** 48 - 1;
const HLC_MAX = 2n ** 64n - 1n;

const UNANCHORED: Anchor = { wallMs: 0 as WallMs, atMs: 0 as LogTimeMs };

export class RegionClock {
  #last: Hlc = HLC_ZERO;
  #anchor: Anchor = UNANCHORED;

  /** The latest that was minted or applied. */
  get last(): Hlc {
    return this.#last;
  }

  get anchor(): Anchor {
    return this.#anchor;
  }

  get isAnchored(): boolean {
    return this.#anchor !== UNANCHORED;
  }

  anchorAt(anchor: Anchor): void {
    this.#anchor = anchor;
  }

  restore(last: Hlc, anchor: Anchor): void {
    this.#last = last;
    if (anchor.wallMs !== 0 || anchor.atMs !== 0) this.#anchor = anchor;
  }

  /** What the clock shows at that log time, in whole milliseconds. */
  wallMs(now: LogTimeMs): WallMs {
    const shown = Math.floor(this.#anchor.wallMs + Math.max(now - this.#anchor.atMs, 0));
    return Math.min(shown, WALL_MS_MAX) as WallMs;
  }

  /** The stamp of what is minted at that log time; `saw` makes it so. */
  next(now: LogTimeMs): Hlc {
    return hlcNext(this.#last, this.wallMs(now));
  }

  /** Whether no later stamp is left: somebody's was forged, and only another incarnation of it helps. */
  get isExhausted(): boolean {
    return this.#last >= HLC_MAX;
  }

  saw(stamp: Hlc): void {
    this.#last = hlcMax(this.#last, stamp);
  }
}
