// What has been handed to the disk and what has come back: which writes are outstanding, what each vouches
// for once it is durable, and whether the promise (term and vote, or ballot) is on disk (R1, R7, P2, S3).
import { assert } from "../base/index.ts";
import type { MonotonicMs, WriteId } from "../base/index.ts";
import type { Copier } from "./fork.ts";

export interface OutstandingWrite<V> {
  readonly id: number;
  /** What is durable once this write is. */
  vouched: V;
  readonly startedAtMs: MonotonicMs;
}

export class WriteLedger<V> {
  readonly #outstanding: OutstandingWrite<V>[] = [];
  #idLast = 0;
  #idDurable = 0;
  /** The write that holds the current promise; one above `#idLast` while not drained. */
  #promiseId = 0;
  #promiseChanged = false;

  get promiseDurable(): boolean {
    return this.#promiseId <= this.#idDurable;
  }

  get promiseChanged(): boolean {
    return this.#promiseChanged;
  }

  /** Oldest first. */
  get outstanding(): readonly OutstandingWrite<V>[] {
    return this.#outstanding;
  }

  /** What rests on the new promise waits for the next write. */
  onPromiseChanged(): void {
    this.#promiseChanged = true;
    this.#promiseId = this.#idLast + 1;
  }

  /** A batch leaves for the disk. */
  begin(vouched: V, now: MonotonicMs): WriteId {
    this.#idLast += 1;
    this.#outstanding.push({ id: this.#idLast, vouched, startedAtMs: now });
    this.#promiseChanged = false;
    return this.#idLast as WriteId;
  }

  /**
   * @returns what is durable from here on.
   * @throws {AssertionError} unless completions come in order.
   */
  onPersisted(id: WriteId): V {
    const [write] = this.#outstanding;
    assert(write?.id === id, "writes end in the order of their ids (contract, duty 2)");
    this.#outstanding.shift();
    this.#idDurable = id;
    return write.vouched;
  }

  protected copyLedger(twin: WriteLedger<V>, by: Copier): void {
    for (const { id, vouched, startedAtMs } of this.#outstanding) {
      const write = { id, vouched: by.of(vouched), startedAtMs: by.instant(startedAtMs) };
      twin.#outstanding.push(write);
    }
    twin.#idDurable = this.#idDurable;
    twin.#idLast = by.counted(this.#idLast, this.#idDurable);
    twin.#promiseId = by.counted(this.#promiseId, this.#idDurable);
    twin.#promiseChanged = by.of(this.#promiseChanged);
  }

  /** True when the oldest outstanding write began more than `spanMs` ago. */
  isStalled(now: MonotonicMs, spanMs: number): boolean {
    const [write] = this.#outstanding;
    return write !== undefined && now - write.startedAtMs > spanMs;
  }
}
