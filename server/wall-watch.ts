// Looks at both clocks: a suspended machine is noticed because wall time then runs ahead of monotonic time (R7).
import type { MonotonicMs, PlantedBug } from "../base/index.ts";
import type { Clock } from "./ports.ts";

export class WallWatch {
  readonly #clock: Clock;
  readonly #wallAheadMaxMs: number;
  readonly #planted: PlantedBug | undefined;
  #lastLook: { readonly now: MonotonicMs; readonly wall: number };
  #breaks = 0;

  constructor(clock: Clock, wallAheadMaxMs: number, planted?: PlantedBug) {
    this.#planted = planted;
    this.#clock = clock;
    this.#wallAheadMaxMs = wallAheadMaxMs;
    const now = clock.monotonicMs();
    this.#lastLook = { now, wall: clock.wallMs() };
  }

  /** Counts the moments at which every stamp and lease was dropped. */
  get breaks(): number {
    return this.#breaks;
  }

  /** @returns by how much the wall ran ahead since the last look, if that breaks every span across it. */
  look(now: MonotonicMs): number | undefined {
    const wall = this.#clock.wallMs();
    const aheadMs = wall - this.#lastLook.wall - (now - this.#lastLook.now);
    this.#lastLook = { now, wall };
    const unseen = this.#planted === "lease-after-suspend";
    if (aheadMs <= this.#wallAheadMaxMs || unseen) return undefined;
    this.#breaks += 1;
    return aheadMs;
  }
}
