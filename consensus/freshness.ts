// How fresh the applied state is, by this replica's own monotonic clock: stamps that went to the leader,
// echoes that came back, and the newest of them whose index is applied (F1, F3, F4).
import type { BootNonce, LogIndex, MonotonicMs, PlantedBug } from "../base/index.ts";
import type { WireId } from "./contract.ts";
import type { Copier } from "./fork.ts";
import type { Echo } from "./message.ts";

/** Stamps remembered at once; an echo older than so many stamps is of no use any more. */
const STAMPS_MAX = 1024;
/** Proofs waiting for apply. When full, the newest replaces the one before it. */
const PROOFS_WAITING_MAX = 64;

/** Everything committed before `atMs` is in the state once `index` is applied. */
interface Proof {
  readonly atMs: number;
  readonly index: LogIndex;
}

export class Freshness {
  readonly #boot: BootNonce;
  readonly #planted: PlantedBug | undefined;
  readonly #stampedAtMs = new Float64Array(STAMPS_MAX);
  #stampLast = 0;
  /** Nothing stamped until this instant counts (R7, clockUncertain). */
  #floorMs = -Infinity;
  #freshAtMs = -Infinity;
  /** In order of both time and index. */
  #waiting: Proof[] = [];

  constructor(boot: BootNonce, planted: PlantedBug | undefined) {
    this.#boot = boot;
    this.#planted = planted;
  }

  /** Absent is unknown. */
  get freshAtMs(): MonotonicMs | undefined {
    return this.#freshAtMs === -Infinity ? undefined : (this.#freshAtMs as MonotonicMs);
  }

  stamp(now: MonotonicMs): WireId {
    this.#stampLast += 1;
    this.#stampedAtMs[this.#stampLast % STAMPS_MAX] = now;
    return { boot: this.#boot, counter: this.#stampLast };
  }

  onEcho({ stamp, index }: Echo, applied: LogIndex): void {
    if (stamp.boot !== this.#boot && this.#planted !== "stamp-from-earlier-boot") return;
    if (stamp.counter > this.#stampLast || stamp.counter <= this.#stampLast - STAMPS_MAX) return;
    this.onProof(this.#stampedAtMs[stamp.counter % STAMPS_MAX] ?? -Infinity, index, applied);
  }

  /** Everything committed before `atMs` is within `index`. */
  onProof(atMs: number, index: LogIndex, applied: LogIndex): void {
    if (atMs <= this.#floorMs || atMs <= this.#freshAtMs) return;
    if (index <= applied) {
      this.#freshAtMs = atMs;
      this.#waiting = this.#waiting.filter((proof) => proof.atMs > atMs);
      return;
    }
    while (
      (this.#waiting.at(-1)?.index ?? 0) >= index &&
      (this.#waiting.at(-1)?.atMs ?? 0) <= atMs
    ) {
      this.#waiting.pop();
    }
    const newest = this.#waiting.at(-1);
    if (newest !== undefined && (newest.atMs >= atMs || newest.index >= index)) return;
    if (this.#waiting.length >= PROOFS_WAITING_MAX) this.#waiting.pop();
    this.#waiting.push({ atMs, index });
  }

  onApplied(applied: LogIndex): void {
    let reached = 0;
    for (const { atMs, index } of this.#waiting) {
      if (index > applied) break;
      this.#freshAtMs = Math.max(this.#freshAtMs, atMs);
      reached += 1;
    }
    if (reached > 0) this.#waiting = this.#waiting.slice(reached);
  }

  copied(by: Copier): Freshness {
    const twin = new Freshness(this.#boot, this.#planted);
    twin.#stampLast = by.of(this.#stampLast);
    twin.#stampedAtMs.set(this.#stampedAtMs);
    const oldest = Math.max(1, this.#stampLast - STAMPS_MAX + 1);
    for (let at = oldest; at <= this.#stampLast; at += 1) {
      by.instant(this.#stampedAtMs[at % STAMPS_MAX]);
    }
    twin.#floorMs = by.instant(this.#floorMs);
    twin.#freshAtMs = by.instant(this.#freshAtMs);
    twin.#waiting = by.of(this.#waiting);
    return twin;
  }

  /** The machine may have slept: spans measured across `now` mean nothing. */
  onClockUncertain(now: MonotonicMs): void {
    this.#floorMs = now;
    this.#freshAtMs = -Infinity;
    this.#waiting = [];
  }
}
