// Log time (R9) as this member knows it. A leader's moves with its own monotonic clock from where the log stood
// when it began to lead; a follower's from the last command it applied. What is read of another's clock is never
// ahead of it: a command is applied later than it was stamped. So leases and sessions lose nothing by a change of
// leader, and gain what the last command took to be applied there.
import type { LogTimeMs, MonotonicMs, PlantedBug } from "../base/index.ts";
import { EPOCH_ZERO, sameEpoch } from "../consensus/index.ts";
import type { Epoch, Status } from "../consensus/index.ts";
import type { Clock } from "./ports.ts";

interface LogClockInit {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly options?: { readonly planted?: PlantedBug };
}

interface Mark {
  readonly logTime: LogTimeMs;
  readonly now: MonotonicMs;
}

type Led = Pick<Status, "role" | "epoch" | "applied" | "ledFrom">;

export class LogClock {
  readonly #core: { status(): Led };
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #planted: PlantedBug | undefined;
  readonly #logTimeApplied: () => LogTimeMs;
  /** The log time after the last command applied, and when that was. How long this member was down it does not know. */
  #applied: Mark;
  /** Where the epoch that this member leads, or led last, began. */
  #led: Mark & { readonly epoch: Epoch };

  /** `logTimeApplied`: of the applied state. */
  constructor(core: { status(): Led }, init: LogClockInit, logTimeApplied: () => LogTimeMs) {
    const { clock, options } = init;
    this.#core = core;
    this.#clock = clock;
    this.#planted = options?.planted;
    this.#logTimeApplied = logTimeApplied;
    this.#applied = this.#mark();
    this.#led = { ...this.#applied, epoch: EPOCH_ZERO };
  }

  /**
   * To be called after each command that is applied, before anything is stamped, and when another state is in force.
   * Also where log time stands still: what that command granted counts from this moment.
   */
  onApplied(): void {
    this.#applied = this.#mark();
  }

  /**
   * What this member, the leader of `epoch`, stamps. Never falls within an epoch. Until all of earlier epochs is
   * applied the log may be at any later time, so that until then log time stands still, and goes on from here.
   */
  stamp(epoch: Epoch): LogTimeMs {
    if (!this.#begins(epoch)) {
      this.#applied = this.#mark();
      return this.#applied.logTime;
    }
    return advanced(this.#led, this.#clock.monotonicMs());
  }

  /** At the leader exact; elsewhere behind it by what its last command took to be applied here. */
  read(): LogTimeMs {
    const { role, epoch } = this.#core.status();
    if (role !== "leader") return advanced(this.#applied, this.#clock.monotonicMs());
    if (!this.#begins(epoch)) return this.#applied.logTime;
    return advanced(this.#led, this.#clock.monotonicMs());
  }

  /** @returns false while the leader of `epoch` does not know where the log stood when it began. */
  #begins(epoch: Epoch): boolean {
    if (sameEpoch(this.#led.epoch, epoch)) return true;
    const { applied, ledFrom } = this.#core.status();
    if (ledFrom === undefined || applied + 1 < ledFrom) return false;
    const own = this.#planted === "log-time-of-own-clock";
    const now = this.#clock.monotonicMs();
    this.#led = own
      ? { epoch, logTime: now as number as LogTimeMs, now }
      : { epoch, ...this.#applied };
    return true;
  }

  #mark(): Mark {
    return { logTime: this.#logTimeApplied(), now: this.#clock.monotonicMs() };
  }
}

function advanced({ logTime, now: then }: Mark, now: MonotonicMs): LogTimeMs {
  return Math.floor(logTime + (now - then)) as LogTimeMs;
}
