// Looks at both clocks: a suspended machine is noticed because wall time then runs ahead of monotonic time
// (R7), and log time moves with this leader's monotonic clock from where the log stood (R9).
import type { LogTimeMs, MonotonicMs, PlantedBug } from "../base/index.ts";
import { EPOCH_ZERO, sameEpoch } from "../consensus/index.ts";
import type { Epoch } from "../consensus/index.ts";
import type { Clock } from "./ports.ts";

export class WallWatch {
  readonly #clock: Clock;
  readonly #wallAheadMaxMs: number;
  readonly #planted: PlantedBug | undefined;
  #lastLook: { readonly now: MonotonicMs; readonly wall: number };
  #breaks = 0;
  #anchor: { readonly epoch: Epoch; readonly logTime: number; readonly now: MonotonicMs };

  constructor(clock: Clock, wallAheadMaxMs: number, planted?: PlantedBug) {
    this.#planted = planted;
    this.#clock = clock;
    this.#wallAheadMaxMs = wallAheadMaxMs;
    const now = clock.monotonicMs();
    this.#lastLook = { now, wall: clock.wallMs() };
    this.#anchor = { epoch: EPOCH_ZERO, logTime: 0, now };
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

  /** `applied`: the log time of the state here; where `epoch` is new, time goes on from there. */
  logTime(epoch: Epoch, applied: LogTimeMs): LogTimeMs {
    const now = this.#clock.monotonicMs();
    if (!sameEpoch(this.#anchor.epoch, epoch)) this.#anchor = { epoch, logTime: applied, now };
    return Math.floor(this.#anchor.logTime + (now - this.#anchor.now)) as LogTimeMs;
  }
}
