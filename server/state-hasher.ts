// The hash of this member's state, taken from the rows of its engine in steps that leave the event loop free in
// between.
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { isRefusal } from "../store/index.ts";
import type { EngineSnapshot, StateHash, StateHashRequest, StateHashing } from "../store/index.ts";
import type { Replica } from "./replica.ts";

/** Of rows in one step, about: a millisecond's work. */
const STEP_BYTES = 128 * 1024;
/** Hashes under way at once; each reads the whole state. */
const HASHES_MAX = 4;

export interface HashContext {
  readonly deadlineAtMs: MonotonicMs;
  readonly signal: AbortSignal;
}

export type HashDone = (result: StateHash | KvError) => void;

/** A hash under way. */
interface Work {
  readonly context: HashContext;
  readonly hashing: StateHashing;
  readonly rows: EngineSnapshot;
  readonly done: HashDone;
}

export class StateHasher {
  readonly #replica: Pick<Replica, "machine" | "snapshots" | "endOfTurn" | "now">;
  #active = 0;

  constructor(replica: Pick<Replica, "machine" | "snapshots" | "endOfTurn" | "now">) {
    this.#replica = replica;
  }

  /** `done` comes once: `compacted` and `future-revision` as a read, `unavailable` without a whole state. */
  hash(request: StateHashRequest, context: HashContext, done: HashDone): void {
    const { machine, snapshots } = this.#replica;
    if (this.#active >= HASHES_MAX) {
      done(errorOf("too-many-requests", "etcdserver: too many requests"));
      return;
    }
    const hashing = machine.hashing(request);
    if (isRefusal(hashing)) {
      done(errorOf(hashing.code, hashing.message));
      return;
    }
    this.#active += 1;
    snapshots.rows((rows) => {
      const end: HashDone = (result) => {
        this.#active -= 1;
        rows?.close();
        done(result);
      };
      if (rows !== undefined) this.#step({ context, hashing, rows, done: end });
      else {
        hashing.release();
        end(errorOf("unavailable", "hansa: the state is not whole"));
      }
    });
  }

  #step(work: Work): void {
    const { context, hashing, rows, done } = work;
    rows.next(STEP_BYTES, (failure, page) => {
      const late = context.signal.aborted || this.#replica.now() >= context.deadlineAtMs;
      if (failure !== undefined || (late && page.length > 0)) {
        hashing.release();
        done(
          failure === undefined
            ? errorOf("timed-out", "etcdserver: request timed out")
            : errorOf("unavailable", `hansa: ${failure.message}`),
        );
        return;
      }
      hashing.take(page);
      if (page.length > 0) {
        this.#replica.endOfTurn(() => this.#step(work));
        return;
      }
      const result = hashing.end();
      done(isRefusal(result) ? errorOf(result.code, result.message) : result);
    });
  }
}

function errorOf(code: KvError["code"], message: string): KvError {
  return new KvError(code, "not-applied", message);
}
