// Walks a store scan to its answer: values from the engine when they are not in memory, and a turn of the
// event loop between steps, so that a long range stalls neither writers nor other readers.
import type { DiskFailure, Engine, Refusal } from "../store/index.ts";
import type { EndOfTurn } from "./ports.ts";

/** What the store's plans and scans have in common; exactly one of an answer and `release` ends it. */
export interface Scan<T> {
  readonly missing: readonly Uint8Array[];
  advance(loaded: readonly (Uint8Array | undefined)[]): T | Refusal | undefined;
  release(): void;
}

/** A plan is a scan of one step. */
export function scanOfPlan<T>(plan: {
  readonly missing: readonly Uint8Array[];
  answer(loaded: readonly (Uint8Array | undefined)[]): T | Refusal;
  release(): void;
}): Scan<T> {
  return {
    missing: plan.missing,
    advance: (loaded) => plan.answer(loaded),
    release: () => plan.release(),
  };
}

export type ScanEnd<T> =
  | { readonly kind: "answer"; readonly answer: T | Refusal }
  | { readonly kind: "overloaded" }
  | { readonly kind: "failed"; readonly failure: DiskFailure };

export interface ScanRunnerInit {
  /** Of the state that a scan begins on; a snapshot may put another in its place before it ends. */
  readonly engine: () => Engine;
  readonly endOfTurn: EndOfTurn;
  /** Scans that wait for values at once; a further one ends as `overloaded`. */
  readonly loadingMax: number;
}

export class ScanRunner {
  readonly #init: ScanRunnerInit;
  #loading = 0;

  constructor(init: ScanRunnerInit) {
    this.#init = init;
  }

  /** `done` comes once, inside this call when everything is in memory and one step suffices. */
  run<T>(scan: Scan<T>, done: (end: ScanEnd<T>) => void): void {
    this.#step(scan, this.#init.engine(), done);
  }

  #step<T>(scan: Scan<T>, engine: Engine, done: (end: ScanEnd<T>) => void): void {
    if (scan.missing.length === 0) {
      this.#advance(scan, engine, [], done);
      return;
    }
    if (this.#loading >= this.#init.loadingMax) {
      scan.release();
      done({ kind: "overloaded" });
      return;
    }
    this.#loading += 1;
    engine.get(scan.missing, (failure, values) => {
      this.#loading -= 1;
      if (failure === undefined) {
        this.#advance(scan, engine, values, done);
        return;
      }
      scan.release();
      done({ kind: "failed", failure });
    });
  }

  #advance<T>(
    scan: Scan<T>,
    engine: Engine,
    loaded: readonly (Uint8Array | undefined)[],
    done: (end: ScanEnd<T>) => void,
  ): void {
    const answer = scan.advance(loaded);
    if (answer === undefined) this.#init.endOfTurn(() => this.#step(scan, engine, done));
    else done({ kind: "answer", answer });
  }
}
