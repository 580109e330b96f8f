// What a member sees to from time to time: one thing at a time under each name. What is refused is told once, until it
// goes well or is refused for another reason, and tried again at another look.
import { KvError } from "../base/index.ts";

export interface ChoresInit<Name> {
  readonly onRefused: (name: Name, reason: string) => void;
  readonly onBug: (bug: unknown) => void;
}

export class Chores<Name extends string> {
  readonly #init: ChoresInit<Name>;
  readonly #busy = new Set<Name>();
  /** Why those are refused that did not go well since. */
  readonly #told = new Map<Name, string>();

  constructor(init: ChoresInit<Name>) {
    this.#init = init;
  }

  get isBusy(): boolean {
    return this.#busy.size > 0;
  }

  /** Does nothing while the last of that name is under way. A refusal is a KvError; anything else is a bug. */
  run(name: Name, work: () => Promise<void>): void {
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    work()
      .then(() => {
        this.#told.delete(name);
      })
      .catch((cause: unknown) => {
        if (!(cause instanceof KvError)) throw cause;
        if (this.#told.get(name) !== cause.message) this.#init.onRefused(name, cause.message);
        this.#told.set(name, cause.message);
      })
      .finally(() => {
        this.#busy.delete(name);
      })
      .catch(this.#init.onBug);
  }
}

/** @returns the way to end it. */
export function lookEvery(everyMs: number, look: () => void): () => void {
  const timer = setInterval(look, everyMs);
  return () => {
    clearInterval(timer);
  };
}
