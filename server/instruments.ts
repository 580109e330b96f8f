// Everything that counts and times in one member, made before there is anything to count, and the metrics that read it
// once the member stands.
import type { MonotonicMs } from "../base/index.ts";
import type { MetricsText } from "../rpc/index.ts";
import { CallCounters } from "../rpc/index.ts";
import { ApplyPace } from "./apply-pace.ts";
import { systemClock } from "./clock.ts";
import type { Bootstrap } from "./cluster.ts";
import type { Config } from "./config.ts";
import { DiskTimings } from "./disk-timings.ts";
import type { Journal } from "./ports.ts";
import { MemberMetrics } from "./metrics/member-metrics.ts";
import type { MetricSources } from "./metrics/member-metrics.ts";
import { PeerRoundTrips } from "./peer-round-trips.ts";
import { ReplicaCounters } from "./replica-counters.ts";

const monotonicMs = (): MonotonicMs => systemClock.monotonicMs();

interface Parts extends Pick<
  MetricSources,
  "replica" | "transport" | "ports" | "backend" | "upkeep" | "federation"
> {
  readonly bootstrap: Bootstrap;
}

export class Instruments {
  readonly timings = new DiskTimings(monotonicMs);
  readonly roundTrips = new PeerRoundTrips(monotonicMs);
  readonly counters = new ReplicaCounters();
  readonly calls: CallCounters;
  readonly pace: ApplyPace;
  readonly #health = { successes: 0, failures: 0 };

  constructor(config: Config, journal: Journal) {
    const { metrics, warningApplyDurationMs: warnMs } = config;
    this.calls = new CallCounters(monotonicMs, { timed: metrics === "extensive" });
    this.pace = new ApplyPace({ warnMs, now: monotonicMs, journal });
  }

  /** For whoever the parts of the server are opened by. */
  get meters(): Pick<Instruments, "counters" | "pace" | "roundTrips" | "timings"> {
    const { counters, pace, roundTrips, timings } = this;
    return { counters, pace, roundTrips, timings };
  }

  /** GET /health was answered. */
  readonly onHealth = (healthy: boolean): void => {
    if (healthy) this.#health.successes += 1;
    else this.#health.failures += 1;
  };

  /** Of the member that stands. */
  metricsOf({ bootstrap, ...parts }: Parts): MetricsText {
    const { counters, timings, roundTrips, calls, pace } = this;
    const { self, protocol } = bootstrap;
    return new MemberMetrics({
      ...parts,
      ...{ counters, timings, roundTrips, calls, pace, health: this.#health },
      memberId: self.id,
      protocol,
      idOf: (node) => parts.backend.idOf(node),
    });
  }
}
