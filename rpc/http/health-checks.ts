// Whether this member serves: the questions behind /health, /livez and /readyz. Anybody may ask them at any rate, so
// those who ask while an answer is being found share it.
import type { Key, MonotonicMs, Revision } from "../../base/index.ts";
import { OWN_AUTHORITY } from "../../store/index.ts";
import type { Alarm, AlarmType } from "../../store/index.ts";
import type { Backend, CallContext } from "../backend.ts";

/** What is asked of a member that stands. */
export interface HealthPort {
  readonly backend: Pick<Backend, "status" | "range" | "healthy">;
  readonly alarms: () => readonly Alarm[];
}

export interface HealthChecksOptions {
  /** Undefined while the member starts. */
  readonly port: () => HealthPort | undefined;
  readonly monotonicMs: () => MonotonicMs;
  /** How long one look may take. */
  readonly timeoutMs: number;
}

/** Why not; undefined: it is well. */
export type Ailment = string | undefined;

export const ALARM_NAMES: Readonly<Record<AlarmType, string>> = {
  "no-space": "NOSPACE",
  corrupt: "CORRUPT",
};

const STARTING = "server is starting";
const NEVER_ABORTED = new AbortController().signal;
const FIRST_KEY = "\0" as Key;

export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #looking = new Map<string, Promise<Ailment>>();

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /** Alarms that stand, by etcd's names. */
  alarms(): readonly string[] {
    return (this.#options.port()?.alarms() ?? []).map(({ type }) => ALARM_NAMES[type]);
  }

  leader(): Ailment {
    const port = this.#options.port();
    if (port === undefined) return STARTING;
    return port.backend.status().leader === 0n ? "RAFT NO LEADER" : undefined;
  }

  voter(): Ailment {
    const port = this.#options.port();
    if (port === undefined) return STARTING;
    return port.backend.status().isLearner ? "this member is a learner" : undefined;
  }

  /** This member reads its own state. */
  serializableRead(): Promise<Ailment> {
    return this.#shared("serializable", (port, context, done) => {
      const options = { mode: "local", minRevision: 0 as Revision, onMiss: "fail" } as const;
      port.backend.range(SMALLEST_RANGE, options, context, (answer) => {
        done(answer.ok ? undefined : `RANGE ERROR:${answer.error.message}`);
      });
    });
  }

  /** This member reads what the cluster agrees on. */
  linearizableRead(): Promise<Ailment> {
    return this.#shared("linearizable", (port, context, done) => {
      port.backend.healthy(context, (healthy) => {
        done(healthy ? undefined : "RANGE ERROR:etcdserver: request timed out");
      });
    });
  }

  #shared(
    name: string,
    look: (port: HealthPort, context: CallContext, done: (ailment: Ailment) => void) => void,
  ): Promise<Ailment> {
    const { port, monotonicMs, timeoutMs } = this.#options;
    const member = port();
    if (member === undefined) return Promise.resolve(STARTING);
    const running = this.#looking.get(name);
    if (running !== undefined) return running;
    const context: CallContext = {
      deadlineAtMs: (monotonicMs() + timeoutMs) as MonotonicMs,
      signal: NEVER_ABORTED,
      caller: OWN_AUTHORITY,
    };
    const begun = new Promise<Ailment>((resolve) => {
      look(member, context, resolve);
    }).finally(() => this.#looking.delete(name));
    this.#looking.set(name, begun);
    return begun;
  }
}

const SMALLEST_RANGE = {
  key: FIRST_KEY,
  end: FIRST_KEY,
  limit: 1,
  revision: 0 as Revision,
  sortOrder: "none",
  sortTarget: "key",
  serializable: true,
  keysOnly: true,
  countOnly: false,
  minModRevision: 0,
  maxModRevision: 0,
  minCreateRevision: 0,
  maxCreateRevision: 0,
} as const;
