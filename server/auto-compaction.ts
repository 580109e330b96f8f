// Compaction without being asked (--auto-compaction-mode, --auto-compaction-retention): what is older than a span
// of time, or than a number of revisions, is let go. Every member remembers which revision was when, so that a
// new leader goes on where the last one was; only the leader proposes.
import { parseDurationMs } from "../base/index.ts";
import type { MonotonicMs, Revision } from "../base/index.ts";

export type AutoCompaction =
  | { readonly mode: "periodic"; readonly retentionMs: number }
  | { readonly mode: "revision"; readonly retentionRevisions: number };

/** What the decision rests on, at one moment. */
export interface CompactionFacts {
  readonly now: MonotonicMs;
  readonly revision: Revision;
  readonly compacted: Revision;
  readonly isLeader: boolean;
}

/** Samples in one span of retention: what is kept is at most a tenth of it more than was asked. */
const SAMPLES_PER_SPAN = 10;
const SAMPLE_MS_MIN = 1_000;
/** By revisions: a tenth more than is kept at most, or five minutes as etcd. */
const SURPLUS_SHARE = 0.1;
const REVISION_MS_MAX = 5 * 60 * 1_000;

const HOUR_MS = 60 * 60 * 1_000;
/** Etcd keeps all history until somebody compacts, and its users fill their disks: decision 24. */
const RETENTION_MS_DEFAULT = HOUR_MS;

interface Sample {
  readonly atMs: MonotonicMs;
  readonly revision: Revision;
}

export class AutoCompactor {
  readonly #policy: AutoCompaction;
  #samples: readonly Sample[] = [];
  #decidedAtMs: number | undefined;

  constructor(policy: AutoCompaction) {
    this.#policy = policy;
  }

  /** To be called now and then. @returns the revision to compact to, if it is time to. */
  poll(facts: CompactionFacts): Revision | undefined {
    const target =
      this.#policy.mode === "periodic"
        ? this.#byTime(this.#policy.retentionMs, facts)
        : this.#byCount(this.#policy.retentionRevisions, facts);
    if (target === undefined || target <= facts.compacted || target < 1) return undefined;
    return facts.isLeader ? target : undefined;
  }

  /** A new sample every tenth of the span; the newest that is older than the span is compacted to. */
  #byTime(retentionMs: number, { now, revision }: CompactionFacts): Revision | undefined {
    const everyMs = Math.max(SAMPLE_MS_MIN, retentionMs / SAMPLES_PER_SPAN);
    const last = this.#samples.at(-1);
    if (last !== undefined && now - last.atMs < everyMs) return undefined;
    const samples = [...this.#samples, { atMs: now, revision }];
    const old = samples.filter(({ atMs }) => now - atMs >= retentionMs);
    this.#samples = samples.slice(Math.max(0, old.length - 1));
    return old.at(-1)?.revision;
  }

  #byCount(retention: number, { now, revision, compacted }: CompactionFacts): Revision | undefined {
    this.#decidedAtMs ??= now;
    const target = revision - retention;
    const surplus = target - compacted;
    const due = now - this.#decidedAtMs >= REVISION_MS_MAX;
    if (surplus <= 0 || (!due && surplus < retention * SURPLUS_SHARE)) return undefined;
    this.#decidedAtMs = now;
    return target as Revision;
  }
}

/**
 * etcd's reading: by revisions a whole number of them; periodic a duration, or a bare number of hours; 0 is off.
 * Empty: periodic by the default, by revisions off.
 */
export function autoCompactionOf(
  mode: "periodic" | "revision",
  retention: string,
): AutoCompaction | "off" | "invalid" {
  const count = /^\d+$/.test(retention) ? Number(retention) : undefined;
  if (mode === "revision") {
    if (retention === "" || count === 0) return "off";
    if (count === undefined || !Number.isSafeInteger(count)) return "invalid";
    return { mode, retentionRevisions: count };
  }
  if (retention === "") return { mode, retentionMs: RETENTION_MS_DEFAULT };
  const retentionMs = count === undefined ? parseDurationMs(retention) : count * HOUR_MS;
  if (retentionMs === undefined || !Number.isSafeInteger(retentionMs)) return "invalid";
  return retentionMs === 0 ? "off" : { mode, retentionMs };
}
