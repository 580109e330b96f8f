// Calls that wait for keys to be deleted, on this member's watches: a bounded number, each ended by its client's
// going, by the member's stop, and by a member that has had no leader for a while.
import { KvError } from "../base/index.ts";
import type { Key, Revision } from "../base/index.ts";
import { WatchChannel } from "../store/index.ts";
import type { Watch } from "../store/index.ts";
import type { Backend, CallContext } from "./backend.ts";
import type { LeaderLoss } from "./leader-loss.ts";

export interface KeyWaitsOptions {
  readonly backend: Pick<Backend, "watches">;
  readonly leaderLoss: LeaderLoss;
  /** Calls that wait, or are about to, at this member; more are refused. */
  readonly keyWaitsMax: number;
  /** Aborted when the server stops: who waits here goes elsewhere. */
  readonly stopping: AbortSignal;
}

export class KeyWaits {
  readonly #options: KeyWaitsOptions;
  #count = 0;

  constructor(options: KeyWaitsOptions) {
    this.#options = options;
  }

  /**
   * Runs a call that may wait, in one of the places that there are for such calls.
   *
   * @throws {KvError} `too-many-requests` when there is none, `server-stopped`; and as `run`
   */
  async admit<T>(run: () => Promise<T>): Promise<T> {
    const { keyWaitsMax, stopping } = this.#options;
    if (stopping.aborted) throw stopped();
    if (this.#count >= keyWaitsMax) {
      throw new KvError("too-many-requests", "not-applied", `${keyWaitsMax} calls wait already`);
    }
    this.#count += 1;
    try {
      return await run();
    } finally {
      this.#count -= 1;
    }
  }

  /**
   * The first of `keys` that is deleted at `from` or later; undefined when that cannot be told, for the history
   * from there on is compacted.
   *
   * @throws {KvError} `cancelled`, `server-stopped`, `no-leader`, and as the caller's rights have it
   */
  untilDeleted(keys: readonly Key[], from: Revision, call: CallContext): Promise<Key | undefined> {
    const { backend, leaderLoss, stopping } = this.#options;
    const { watches } = backend;
    if (from < watches.floor) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const opened: Watch[] = [];
      const end = (): void => {
        for (const watch of opened) watches.cancel(watch);
        call.signal.removeEventListener("abort", onGone);
        stopping.removeEventListener("abort", onStop);
        forgetLeader();
      };
      const found = (key: Key | undefined): void => {
        end();
        resolve(key);
      };
      const fail = (error: KvError): void => {
        end();
        reject(error);
      };
      const onGone = (): void => fail(gone());
      const onStop = (): void => fail(stopped());
      const forgetLeader = leaderLoss.watch(() => fail(leaderless()));
      call.signal.addEventListener("abort", onGone, { once: true });
      stopping.addEventListener("abort", onStop, { once: true });
      if (call.signal.aborted || stopping.aborted) {
        fail(stopping.aborted ? stopped() : gone());
        return;
      }
      const channel = new WatchChannel(() => true);
      for (const key of keys) {
        const request = { key, startRevision: from, prevKv: false, puts: false, deletes: true };
        const listener = {
          onEvents: () => found(key),
          onCompacted: () => found(undefined),
          onRefused: fail,
        };
        opened.push(watches.open(request, channel, listener, call.caller));
      }
    });
  }
}

function gone(): KvError {
  return new KvError("cancelled", "unknown", "etcdserver: request canceled");
}

/** What it waits with stays where it is, and may come to its turn. */
function leaderless(): KvError {
  return new KvError("no-leader", "unknown", "etcdserver: no leader");
}

function stopped(): KvError {
  return new KvError("server-stopped", "unknown", "etcdserver: server stopped");
}
