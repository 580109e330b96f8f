// Who watches what: whenever the auth state has changed, every watch is judged again, before it is told another
// event, and ends if its caller may read the range no more.
import { KvError } from "../base/index.ts";
import type { ClientListener } from "../rpc/index.ts";
import type { AuthView, Caller, Watch } from "../store/index.ts";

interface Guarded {
  readonly caller: Caller;
  readonly listener: ClientListener;
}

/** Watches that have ended by themselves are dropped once there may be as many as others. */
const ENDED_MIN = 1_024;

export class WatchGuard {
  readonly #guarded = new Map<Watch, Guarded>();
  #revision = -1;
  #enabled = false;

  /** `open`: how many watches there are. */
  add(watch: Watch, guarded: Guarded, open: number): void {
    if (this.#guarded.size > 2 * open + ENDED_MIN) this.#dropEnded();
    this.#guarded.set(watch, guarded);
  }

  remove(watch: Watch): void {
    this.#guarded.delete(watch);
  }

  /** At the next `judge`, whether anything has changed or not. */
  judgeAnew(): void {
    this.#revision = -1;
  }

  /** `end` takes a watch away. */
  judge(auth: AuthView, end: (watch: Watch) => void): void {
    if (auth.revision === this.#revision && auth.enabled === this.#enabled) return;
    this.#revision = auth.revision;
    this.#enabled = auth.enabled;
    for (const [watch, { caller, listener }] of [...this.#guarded]) {
      if (watch.ended) {
        this.#guarded.delete(watch);
        continue;
      }
      const why = auth.refusesRead(caller, watch.request);
      if (why === undefined) continue;
      this.#guarded.delete(watch);
      end(watch);
      listener.onRefused(new KvError(why.code, "not-applied", why.message));
    }
  }

  #dropEnded(): void {
    for (const watch of this.#guarded.keys()) if (watch.ended) this.#guarded.delete(watch);
  }
}
