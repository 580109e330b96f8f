// Lets so many tasks through at once and keeps the rest waiting in order, up to a bound: what shares the
// thread pool with log writes must not take all of its threads (S4).

export interface TurnstileLimits {
  readonly activeMax: number;
  readonly waitingMax: number;
}

/** Begins its work, and calls `end` once when it is over. */
type Task = (end: () => void) => void;

export class Turnstile {
  readonly #limits: TurnstileLimits;
  readonly #waiting: Task[] = [];
  #active = 0;

  constructor(limits: TurnstileLimits) {
    this.#limits = limits;
  }

  /** Tasks inside and before it. */
  get count(): number {
    return this.#active + this.#waiting.length;
  }

  /** Begins the task now or later. @returns false, and drops it, if too many wait. */
  enter(task: Task): boolean {
    if (this.#active < this.#limits.activeMax) {
      this.#begin(task);
      return true;
    }
    if (this.#waiting.length >= this.#limits.waitingMax) return false;
    this.#waiting.push(task);
    return true;
  }

  #begin(task: Task): void {
    this.#active += 1;
    task(() => {
      this.#active -= 1;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#begin(next);
    });
  }
}
