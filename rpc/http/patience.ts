// What must have happened by then. One tick looks at all of it: slow clients are many, and a second more or less
// of patience with them is nothing.
import type { MonotonicMs } from "../../base/index.ts";

const TICK_MS = 250;

interface Wait {
  readonly untilMs: number;
  readonly give: () => void;
}

export class Patience {
  readonly #monotonicMs: () => MonotonicMs;
  readonly #waits = new Set<Wait>();
  #ticker: NodeJS.Timeout | undefined;

  constructor(monotonicMs: () => MonotonicMs) {
    this.#monotonicMs = monotonicMs;
  }

  /** Calls `giveUp` once, after `forMs` or a little later, unless the returned function is called before. */
  wait(forMs: number, giveUp: () => void): () => void {
    const wait: Wait = { untilMs: this.#monotonicMs() + forMs, give: giveUp };
    this.#waits.add(wait);
    this.#ticker ??= setInterval(() => this.#look(), TICK_MS).unref();
    return () => {
      this.#waits.delete(wait);
      if (this.#waits.size > 0) return;
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    };
  }

  #look(): void {
    const nowMs = this.#monotonicMs();
    for (const wait of [...this.#waits]) {
      if (wait.untilMs > nowMs || !this.#waits.delete(wait)) continue;
      wait.give();
    }
  }
}
