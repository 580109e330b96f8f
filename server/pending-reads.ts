// Reads that the core was asked for and has not ended: each ends once, by its id.
import type { ReadResult } from "../consensus/index.ts";

export class PendingReads {
  readonly #done = new Map<number, (result: ReadResult) => void>();
  #idLast = 0;

  get count(): number {
    return this.#done.size;
  }

  /** @returns the id to ask with. */
  add(done: (result: ReadResult) => void): number {
    this.#idLast += 1;
    this.#done.set(this.#idLast, done);
    return this.#idLast;
  }

  end(result: ReadResult): void {
    const done = this.#done.get(result.id);
    this.#done.delete(result.id);
    done?.(result);
  }

  /** The core says no more. */
  endAll(): void {
    for (const id of [...this.#done.keys()]) this.end({ id, ok: false, reason: "halted" });
  }
}
