// Which custom handlers this member runs no more, and why (federation 8): one that throws, loops or changes its answers
// does so everywhere and is stopped at once; one that was slow may have had a busy machine, and has more than one try.
// It is forgotten here when the federation's document says it, or has another source in its place.
import type { FederationConfig, Handler } from "../federation/index.ts";
import type { HandlerFault } from "./handler-question.ts";

export interface StoppedHandler {
  readonly name: string;
  readonly hash: string;
  readonly why: string;
}

type Source = Pick<Handler, "name" | "hash">;

/** Faults in a row that may have been the machine's. */
const TRIES_MAX = 3;

export class StoppedHandlers {
  readonly #stopped = new Map<string, StoppedHandler>();
  /** By hash: since its last answer. */
  readonly #lost = new Map<string, number>();

  get all(): readonly StoppedHandler[] {
    return [...this.#stopped.values()];
  }

  has({ name, hash }: Source): boolean {
    return this.#stopped.get(name)?.hash === hash;
  }

  onAnswer({ hash }: Source): void {
    this.#lost.delete(hash);
  }

  /** @returns whether it is stopped for that. */
  onFault({ name, hash }: Source, { fault, why }: HandlerFault): boolean {
    if (fault === "absent") return false;
    if (fault === "slow" || fault === "broken") {
      const tries = (this.#lost.get(hash) ?? 0) + 1;
      this.#lost.set(hash, tries);
      if (tries < TRIES_MAX) return false;
    }
    this.#lost.delete(hash);
    this.#stopped.set(name, { name, hash, why });
    return true;
  }

  follow({ handlers }: FederationConfig): void {
    for (const { name, hash } of this.all) {
      const there = handlers.find((one) => one.name === name);
      if (there?.hash !== hash || there.stopped !== undefined) this.#stopped.delete(name);
    }
    for (const hash of this.#lost.keys()) {
      if (!handlers.some((one) => one.hash === hash)) this.#lost.delete(hash);
    }
  }
}
