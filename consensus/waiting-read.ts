// A read that has begun and not ended, and the queue of those whose index is known but not applied yet.
import { present } from "../base/index.ts";
import type { LogIndex, MonotonicMs } from "../base/index.ts";
import type { ReadMode, ReadRequest } from "./contract.ts";
import type { Copier } from "./fork.ts";

export interface WaitingRead {
  readonly request: ReadRequest;
  used: ReadMode;
  /** Everything committed before this is in the answer; -Infinity once the clock became uncertain. */
  arrivedAtMs: number;
  /** Known once confirmed. */
  index: LogIndex;
  ended: boolean;
}

export function waitingRead(
  request: ReadRequest,
  used: ReadMode,
  arrivedAtMs: MonotonicMs,
): WaitingRead {
  return { request, used, arrivedAtMs, index: 0 as LogIndex, ended: false };
}

/** In index order. Reads come nearly in order, so insertion looks from the end. */
export class ApplyQueue {
  #reads: WaitingRead[] = [];
  #head = 0;

  add(read: WaitingRead): void {
    const reads = this.#reads;
    let at = reads.length;
    while (at > this.#head && present(reads[at - 1], "a waiting read").index > read.index) at -= 1;
    if (at === reads.length) reads.push(read);
    else reads.splice(at, 0, read);
  }

  /** Removes and returns the first read whose index is applied. */
  take(applied: LogIndex): WaitingRead | undefined {
    const read = this.#reads[this.#head];
    if (read === undefined || read.index > applied) return undefined;
    this.#head += 1;
    if (this.#head === this.#reads.length || this.#head > 1024) {
      this.#reads = this.#reads.slice(this.#head);
      this.#head = 0;
    }
    return read;
  }

  copied(by: Copier): ApplyQueue {
    const twin = new ApplyQueue();
    twin.#reads = by.of(this.#reads.slice(this.#head));
    return twin;
  }

  /** Removes and returns every read of this mode. */
  takeOf(mode: ReadMode): readonly WaitingRead[] {
    const waiting = this.#reads.slice(this.#head);
    this.#reads = waiting.filter(({ request }) => request.mode !== mode);
    this.#head = 0;
    return waiting.filter(({ request }) => request.mode === mode);
  }

  dropEnded(): void {
    this.#reads = this.#reads.slice(this.#head).filter((read) => !read.ended);
    this.#head = 0;
  }
}
