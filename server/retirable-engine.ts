// An engine that can be taken out of service under its readers: what is under way ends, what comes later
// fails, and it closes once nothing is under way. A snapshot's install changes engines in this way (R15).
import { assert } from "../base/index.ts";
import type { DiskFailure, Engine, EngineOp, EngineRange, EngineSnapshot } from "../store/index.ts";

const RETIRED: DiskFailure = { kind: "io", message: "the state was replaced by a snapshot" };

type Done = (failure: DiskFailure | undefined) => void;

export class RetirableEngine implements Engine {
  readonly #engine: Engine;
  readonly #later: (run: () => void) => void;
  #underWay = 0;
  #snapshots = 0;
  #closing: Done | undefined;

  /** `later` runs what would otherwise be called back inside the call that asked. */
  constructor(engine: Engine, later: (run: () => void) => void) {
    this.#engine = engine;
    this.#later = later;
  }

  write(ops: readonly EngineOp[], sync: boolean, done: Done): void {
    if (this.#closing !== undefined) {
      this.#later(() => done(RETIRED));
      return;
    }
    this.#underWay += 1;
    this.#engine.write(ops, sync, (failure) => {
      done(failure);
      this.#leave();
    });
  }

  get(keys: readonly Uint8Array[], done: Parameters<Engine["get"]>[1]): void {
    if (this.#closing !== undefined) {
      this.#later(() => done(RETIRED, []));
      return;
    }
    this.#underWay += 1;
    this.#engine.get(keys, (failure, values) => {
      done(failure, values);
      this.#leave();
    });
  }

  scan(range: EngineRange, bytesMax: number, done: Parameters<Engine["scan"]>[2]): void {
    if (this.#closing !== undefined) {
      this.#later(() => done(RETIRED, { rows: [] }));
      return;
    }
    this.#underWay += 1;
    this.#engine.scan(range, bytesMax, (failure, page) => {
      done(failure, page);
      this.#leave();
    });
  }

  snapshot(): EngineSnapshot {
    assert(this.#closing === undefined, "a retired engine gives no snapshot");
    const snapshot = this.#engine.snapshot();
    let open = true;
    this.#snapshots += 1;
    return {
      next: (bytesMax, done) => snapshot.next(bytesMax, done),
      close: () => {
        if (!open) return;
        open = false;
        snapshot.close();
        this.#snapshots -= 1;
        this.#closeIfIdle();
      },
    };
  }

  compact(range: EngineRange, done: Done): void {
    if (this.#closing !== undefined) {
      this.#later(() => done(RETIRED));
      return;
    }
    this.#underWay += 1;
    this.#engine.compact(range, (failure) => {
      done(failure);
      this.#leave();
    });
  }

  liveBytes(): number {
    return this.#closing === undefined ? this.#engine.liveBytes() : 0;
  }

  close(done: Done): void {
    assert(this.#closing === undefined, "the engine is closed already");
    this.#closing = done;
    this.#closeIfIdle();
  }

  #leave(): void {
    this.#underWay -= 1;
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    const done = this.#closing;
    if (done !== undefined && this.#underWay + this.#snapshots === 0) this.#engine.close(done);
  }
}
