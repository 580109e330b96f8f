// Log time (R9) as this member knows it. A leader's moves with its own monotonic clock from where the log stood
// when it began to lead; a follower's from the last entry it applied. So a new leader goes on about where the
// one before stopped: leases and sessions gain nothing by the change.
import type { LogTimeMs, MonotonicMs, PlantedBug } from "../base/index.ts";
import { EPOCH_ZERO, sameEpoch } from "../consensus/index.ts";
import type { Epoch, Status } from "../consensus/index.ts";
import type { Clock } from "./ports.ts";

interface LogClockInit {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly options?: { readonly planted?: PlantedBug };
}

interface Mark {
  readonly logTime: number;
  readonly now: MonotonicMs;
}

export class LogClock {
  readonly #core: { status(): Pick<Status, "role" | "epoch"> };
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #planted: PlantedBug | undefined;
  readonly #logTimeApplied: () => LogTimeMs;
  /** The latest log time applied, and when. How long this member was down it does not know. */
  #applied: Mark;
  /** Where the epoch that this member leads, or led last, began. */
  #led: Mark & { readonly epoch: Epoch };

  /** `logTimeApplied`: of the applied state. */
  constructor(
    core: { status(): Pick<Status, "role" | "epoch"> },
    init: LogClockInit,
    logTimeApplied: () => LogTimeMs,
  ) {
    const { clock, options } = init;
    this.#core = core;
    this.#clock = clock;
    this.#planted = options?.planted;
    this.#logTimeApplied = logTimeApplied;
    this.#applied = { logTime: logTimeApplied(), now: clock.monotonicMs() };
    this.#led = { ...this.#applied, epoch: EPOCH_ZERO };
  }

  /** To be called whenever entries were applied. */
  look(): void {
    const logTime = this.#logTimeApplied();
    if (logTime <= this.#applied.logTime) return;
    this.#applied = { logTime, now: this.#clock.monotonicMs() };
  }

  /** What this member, the leader of `epoch`, stamps. Never falls within an epoch. */
  stamp(epoch: Epoch): LogTimeMs {
    const now = this.#clock.monotonicMs();
    if (!sameEpoch(this.#led.epoch, epoch)) {
      const own = this.#planted === "log-time-of-own-clock";
      this.#led = { epoch, logTime: own ? now : advanced(this.#applied, now), now };
    }
    return advanced(this.#led, now);
  }

  /** At the leader exact; elsewhere behind it by what its last entry took to come here. */
  read(): LogTimeMs {
    const { role, epoch } = this.#core.status();
    if (role === "leader") return this.stamp(epoch);
    return advanced(this.#applied, this.#clock.monotonicMs());
  }
}

function advanced({ logTime, now: then }: Mark, now: MonotonicMs): LogTimeMs {
  return Math.floor(logTime + (now - then)) as LogTimeMs;
}
