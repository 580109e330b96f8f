// What has been handed to the disk and what has come back: which part of the log is durable here, whether
// the current term and vote are, and for how long the oldest write has been outstanding (R1, R7, S3).
import { assert } from "../base/index.ts";
import type { LogIndex, MonotonicMs, WriteId } from "../base/index.ts";

interface Outstanding {
  readonly id: number;
  /** The log is durable up to here once the write is; lowered when a truncation overtakes it. */
  vouched: number;
  readonly startedAtMs: MonotonicMs;
}

export class Durability {
  #index: LogIndex;
  readonly #outstanding: Outstanding[] = [];
  #idLast = 0;
  #idDurable = 0;
  /** The write that holds the current term and vote; one above `#idLast` while not drained. */
  #promiseId = 0;
  #promiseChanged = false;

  /** Everything the log shows at boot has been recovered, hence is durable. */
  constructor(lastAtBoot: LogIndex) {
    this.#index = lastAtBoot;
  }

  /** The last entry that is durable here and still in the log. */
  get index(): LogIndex {
    return this.#index;
  }

  get promiseDurable(): boolean {
    return this.#promiseId <= this.#idDurable;
  }

  get promiseChanged(): boolean {
    return this.#promiseChanged;
  }

  /** The term or the vote changed; what rests on it waits for the next write. */
  onPromiseChanged(): void {
    this.#promiseChanged = true;
    this.#promiseId = this.#idLast + 1;
  }

  /**
   * Entries from `index` on are gone: a write still under way no longer vouches for them, even when others
   * take the same indexes before it ends (scenario 25).
   */
  onTruncated(index: LogIndex): void {
    const kept = index - 1;
    this.#index = Math.min(this.#index, kept) as LogIndex;
    for (const write of this.#outstanding) write.vouched = Math.min(write.vouched, kept);
  }

  /** A batch leaves for the disk; `vouched` is the log's last index if it appends, else 0. */
  begin(vouched: LogIndex | 0, now: MonotonicMs): WriteId {
    this.#idLast += 1;
    this.#outstanding.push({ id: this.#idLast, vouched, startedAtMs: now });
    this.#promiseChanged = false;
    return this.#idLast as WriteId;
  }

  /** @throws {AssertionError} unless completions come in order. */
  onPersisted(id: WriteId): void {
    const [write] = this.#outstanding;
    assert(write?.id === id, "writes end in the order of their ids (contract, duty 2)");
    this.#outstanding.shift();
    this.#idDurable = id;
    this.#index = Math.max(this.#index, write.vouched) as LogIndex;
  }

  /** True when the oldest outstanding write began more than `spanMs` ago. */
  isStalled(now: MonotonicMs, spanMs: number): boolean {
    const [write] = this.#outstanding;
    return write !== undefined && now - write.startedAtMs > spanMs;
  }
}
