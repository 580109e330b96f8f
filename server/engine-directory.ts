// The engines of one group on disk: a directory for each generation, of which the log says which is in force.
// All others are leftovers of a snapshot that was not installed, or of the state before one: boot removes them.
//
//   STATE/group-1         generation 0, made with the member       STATE/group-1.generation-N   after snapshots
import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { destroyEngine, openRocksdbEngine } from "../store/index.ts";
import type { DiskFailure, EngineOpening, EngineStore } from "../store/index.ts";
import type { DiskTimings } from "./disk-timings.ts";
import { makeDirectory, syncDirectory } from "./durable-file.ts";

export class EngineDirectory implements EngineStore {
  /** Of generation 0. */
  readonly #base: string;
  readonly #timings: DiskTimings | undefined;

  /** `timings`: of the batches of every engine that is opened. */
  constructor(stateGroupDir: string, timings?: DiskTimings) {
    this.#base = stateGroupDir;
    this.#timings = timings;
  }

  pathOf(generation: number): string {
    return generation === 0 ? this.#base : `${this.#base}.generation-${generation}`;
  }

  create(generation: number, done: (opening: EngineOpening) => void): void {
    this.remove(generation, (failure) => {
      if (failure !== undefined) done({ ok: false, failure });
      else this.open(generation, done);
    });
  }

  open(generation: number, done: (opening: EngineOpening) => void): void {
    // RocksDB makes the last folder of its path only.
    const parent = dirname(this.#base);
    makeDirectory(parent);
    openRocksdbEngine(this.pathOf(generation), (opening) => {
      // Its name must survive as well as its rows: the log will say that it is there.
      if (opening.ok) syncDirectory(parent);
      const timings = this.#timings;
      if (!opening.ok || timings === undefined) done(opening);
      else done({ ok: true, engine: timings.engine(opening.engine) });
    });
  }

  remove(generation: number, done: (failure: DiskFailure | undefined) => void): void {
    destroyEngine(this.pathOf(generation), done);
  }

  /** Names of generations, and of half-removed ones, that are not `generation`. */
  orphans(generation: number): readonly string[] {
    const parent = dirname(this.#base);
    if (!existsSync(parent)) return [];
    const kept = basename(this.pathOf(generation));
    const group = basename(this.#base);
    return readdirSync(parent)
      .filter((name) => name !== kept && (name === group || name.startsWith(`${group}.`)))
      .map((name) => join(parent, name));
  }
}
