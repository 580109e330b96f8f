// One machine's two clocks, each a crooked view of true time: the monotonic one has a rate that may
// change, the wall one may jump as well. A suspended machine counts no monotonic time.
import type { MonotonicMs, WallMs } from "../../base/index.ts";
import type { Clock } from "../../server/ports.ts";

const WALL_EPOCH_MS = 1_700_000_000_000;

export class SimClock implements Clock {
  readonly #trueNow: () => number;
  /** The monotonic reading at `#sinceMs`; it runs on from there at `#rate`. */
  #baseMs: number;
  #sinceMs: number;
  #rate = 1;
  #suspended = false;
  #wallOffsetMs: number;

  constructor(trueNow: () => number, startMs: number, wallSkewMs: number) {
    this.#trueNow = trueNow;
    this.#baseMs = startMs;
    this.#sinceMs = trueNow();
    this.#wallOffsetMs = WALL_EPOCH_MS + wallSkewMs;
  }

  monotonicMs(): MonotonicMs {
    if (this.#suspended) return this.#baseMs as MonotonicMs;
    return (this.#baseMs + (this.#trueNow() - this.#sinceMs) * this.#rate) as MonotonicMs;
  }

  wallMs(): WallMs {
    return Math.floor(this.#wallOffsetMs + this.#trueNow()) as WallMs;
  }

  get rate(): number {
    return this.#rate;
  }

  /** From this moment on; 1 is true. */
  setRate(rate: number): void {
    this.#settle();
    this.#rate = rate;
  }

  /** Of the wall clock, forward or back. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  suspend(): void {
    this.#settle();
    this.#suspended = true;
  }

  resume(): void {
    this.#settle();
    this.#suspended = false;
  }

  /** A machine that lost power counts from zero. */
  restart(): void {
    this.#settle();
    this.#baseMs = 0;
  }

  #settle(): void {
    this.#baseMs = this.monotonicMs();
    this.#sinceMs = this.#trueNow();
  }
}
