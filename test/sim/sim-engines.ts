// The engines of one member's machine, one for each generation of its state (R15).
import type { EngineStore } from "../../store/engine.ts";
import type { Process } from "./process.ts";
import type { SimEngine } from "./sim-engine.ts";

export class SimEngines {
  readonly #make: () => SimEngine;
  readonly #engines = new Map<number, SimEngine>();

  constructor(make: () => SimEngine) {
    this.#make = make;
    this.#engines.set(0, make());
  }

  /** All that the machine holds, of whatever generation. */
  get all(): Iterable<SimEngine> {
    return this.#engines.values();
  }

  /** Empty if there is none: a log that was written anew may name a state that is not there. */
  of(generation: number): SimEngine {
    const engine = this.#engines.get(generation) ?? this.#make();
    this.#engines.set(generation, engine);
    return engine;
  }

  /** Leftovers of other generations go, as at every boot. */
  keepOnly(generation: number): void {
    for (const other of [...this.#engines.keys()]) {
      if (other !== generation) this.#engines.delete(other);
    }
  }

  /** The port, as one life of `process` sees it. */
  open(process: Process): EngineStore {
    return {
      create: (generation, done) => {
        this.#engines.set(generation, this.#make());
        const engine = this.of(generation).open(process);
        process.schedule(0, "engine create", () => done({ ok: true, engine }));
      },
      open: (generation, done) => {
        const engine = this.of(generation).open(process);
        process.schedule(0, "engine open", () => done({ ok: true, engine }));
      },
      remove: (generation, done) => {
        this.#engines.delete(generation);
        process.schedule(0, "engine remove", () => done(undefined));
      },
    };
  }
}
