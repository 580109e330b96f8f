// What reads asked for and what they got: by mode, with what they missed and how old the answers may be.
import { Buckets } from "../base/index.ts";
import type { KvErrorCode } from "../base/index.ts";
import type { ReadMode } from "../consensus/index.ts";
import type { AskedReadMode, ReadProof } from "../rpc/index.ts";

/** etcd asks its leader again after so long, and counts it as slow. */
const SLOW_MS = 500;
/** From half a heartbeat of a fast network to what no operator would want. */
const STALENESS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

export class ReadCounters {
  /** Ranges and read-only transactions that were answered, by "asked used". */
  readonly answered = new Map<string, number>();
  /** Moments that did not come or did not do, by "mode code". */
  readonly missed = new Map<string, number>();
  /** Of answers whose age has a bound. */
  readonly stalenessSeconds = new Buckets(STALENESS_SECONDS);
  /** Answers whose age nobody can tell. */
  ofUnknownAge = 0;
  /** A lease that ended while its answer was built, so that the leader was asked. */
  leaseFallbacks = 0;
  readIndexesSlow = 0;
  readIndexesFailed = 0;

  onAnswer({ asked, used, stalenessBoundMs }: ReadProof): void {
    count(this.answered, keyOf(asked, used));
    if (stalenessBoundMs === undefined) this.ofUnknownAge += 1;
    else this.stalenessSeconds.add(stalenessBoundMs / 1000);
  }

  onMiss(mode: ReadMode, code: KvErrorCode): void {
    count(this.missed, keyOf(mode, code));
  }

  /** A moment that the leader was asked for, after `tookMs`. */
  onReadIndex(ok: boolean, tookMs: number): void {
    if (!ok) this.readIndexesFailed += 1;
    else if (tookMs > SLOW_MS) this.readIndexesSlow += 1;
  }

  get answeredCount(): number {
    let sum = 0;
    for (const each of this.answered.values()) sum += each;
    return sum;
  }
}

/** One string for each pair, made once: the hot path joins none. */
const KEYS = new Map<string, Map<string, string>>();

function keyOf(left: AskedReadMode | ReadMode, right: ReadMode | KvErrorCode): string {
  let keys = KEYS.get(left);
  if (keys === undefined) {
    keys = new Map();
    KEYS.set(left, keys);
  }
  let key = keys.get(right);
  if (key === undefined) {
    key = `${left} ${right}`;
    keys.set(right, key);
  }
  return key;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
