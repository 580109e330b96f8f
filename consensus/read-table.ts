// Every read waiting at this node, whatever it waits for: bounded, ended exactly once, each with a reason.
import type { LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import type { Guarantee, ReadReject, ReadResult } from "./contract.ts";
import type { Epoch } from "./entry.ts";
import type { Copier } from "./fork.ts";
import type { WaitingRead } from "./waiting-read.ts";

/** What a grant says beyond its read. */
export interface GrantFacts {
  readonly epoch: Epoch;
  readonly guarantee: Guarantee;
  readonly freshAtMs: MonotonicMs | undefined;
}

export class ReadTable {
  readonly #waiting = new Map<number, WaitingRead>();
  #results: ReadResult[] = [];
  /** At or before the earliest deadline; exact after each look. */
  #deadlineAtMs = Infinity;

  get count(): number {
    return this.#waiting.size;
  }

  get hasResults(): boolean {
    return this.#results.length > 0;
  }

  add(read: WaitingRead): void {
    this.#waiting.set(read.request.id, read);
    this.#deadlineAtMs = Math.min(this.#deadlineAtMs, read.request.deadlineAtMs);
  }

  grant(read: WaitingRead, index: LogIndex, facts: GrantFacts): void {
    if (!this.#end(read)) return;
    const fresh = Math.max(read.arrivedAtMs, facts.freshAtMs ?? -Infinity);
    this.#results.push({
      id: read.request.id,
      ok: true,
      asked: read.request.mode,
      used: read.used,
      index,
      epoch: facts.epoch,
      guarantee: facts.guarantee,
      ...(fresh === -Infinity ? {} : { freshAtMs: fresh as MonotonicMs }),
    });
  }

  refuse(read: WaitingRead, reason: ReadReject, leader: NodeId | 0): void {
    if (!this.#end(read)) return;
    const { id } = read.request;
    this.#results.push({ id, ok: false, reason, ...(leader === 0 ? {} : { leader }) });
  }

  refuseAll(reason: ReadReject): void {
    for (const read of [...this.#waiting.values()]) this.refuse(read, reason, 0);
  }

  /** True when some reads ended by their deadline: queues may then drop them. */
  expire(now: MonotonicMs, leader: NodeId | 0): boolean {
    if (now < this.#deadlineAtMs) return false;
    this.#deadlineAtMs = Infinity;
    let ended = false;
    for (const read of [...this.#waiting.values()]) {
      if (read.request.deadlineAtMs <= now) {
        this.refuse(read, "deadline", leader);
        ended = true;
      } else {
        this.#deadlineAtMs = Math.min(this.#deadlineAtMs, read.request.deadlineAtMs);
      }
    }
    return ended;
  }

  /** No waiting read may claim freshness by a time before now (R7). */
  onClockUncertain(): void {
    for (const read of this.#waiting.values()) read.arrivedAtMs = -Infinity;
    // Granted in the turn before, and on its way to whoever asked.
    this.#results = this.#results.map((result) => {
      if (!result.ok) return result;
      const { freshAtMs: _, ...grant } = result;
      return grant;
    });
  }

  copied(by: Copier): ReadTable {
    const twin = new ReadTable();
    for (const read of this.#waiting.values()) twin.add(by.of(read));
    twin.#results = by.of(this.#results);
    twin.#deadlineAtMs = by.instant(this.#deadlineAtMs);
    return twin;
  }

  drain(): readonly ReadResult[] {
    const drained = this.#results;
    if (drained.length > 0) this.#results = [];
    return drained;
  }

  #end(read: WaitingRead): boolean {
    if (read.ended) return false;
    read.ended = true;
    this.#waiting.delete(read.request.id);
    return true;
  }
}
