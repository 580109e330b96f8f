// Giving back to the disk what deleted and replaced rows still take, without stopping anything: the engine merges
// its tables range by range on a thread of its own, while reads and writes go on.
import { versionRowKey } from "../store/index.ts";
import type { DiskFailure, EngineRange } from "../store/index.ts";
import type { Journal } from "./ports.ts";
import type { Replica } from "./replica.ts";

/** Steps of one run: each holds up the engine's own merging for so long only. */
const STEPS_MAX = 64;
/** Of rows in one step, about, where there are fewer than that many steps. */
const STEP_BYTES = 64 * 1024 * 1024;

export interface DefragmentationInit {
  readonly replica: Pick<Replica, "engine" | "machine" | "endOfTurn">;
  readonly journal?: Journal;
}

/** The engine's rows cut into ranges of about as many revisions each; all that are no versions are in the first. */
function stepsOf(revision: number, liveBytes: number): readonly EngineRange[] {
  const wanted = Math.ceil(liveBytes / STEP_BYTES);
  const count = Math.min(Math.max(1, wanted), STEPS_MAX, Math.max(1, revision));
  const bounds = Array.from({ length: count - 1 }, (_, at) =>
    versionRowKey(Math.floor(((at + 1) * revision) / count), 0),
  );
  const froms = [new Uint8Array(0), ...bounds];
  return froms.map((from, at) => ({ from, until: bounds[at] ?? Uint8Array.of(0xff) }));
}

export class Defragmentation {
  readonly #init: DefragmentationInit;
  /** Of the run under way: who asks meanwhile waits for its end. */
  #waiting: ((failure: DiskFailure | undefined) => void)[] | undefined;

  constructor(init: DefragmentationInit) {
    this.#init = init;
  }

  run(done: (failure: DiskFailure | undefined) => void): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push(done);
      return;
    }
    this.#waiting = [done];
    const { engine, machine } = this.#init.replica;
    const beforeBytes = engine.liveBytes();
    this.#next(stepsOf(machine.revision, beforeBytes), (failure) => {
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      const { journal } = this.#init;
      if (failure === undefined) journal?.info("defragmented", { liveBytes: beforeBytes });
      else journal?.warn("not defragmented", { ...failure });
      for (const end of waiting) end(failure);
    });
  }

  /** Each of the engine in force: a snapshot may have put another in its place. */
  #next(
    [step, ...rest]: readonly EngineRange[],
    done: (failure: DiskFailure | undefined) => void,
  ): void {
    const { replica } = this.#init;
    if (step === undefined) {
      done(undefined);
      return;
    }
    replica.engine.compact(step, (failure) => {
      if (failure !== undefined) done(failure);
      else replica.endOfTurn(() => this.#next(rest, done));
    });
  }
}
