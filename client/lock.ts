// Locks: one holder at a time, in the order of asking, for as long as a lease is kept; each with a fencing token,
// because no lock that expires can promise more (etcd#11457).
import { KvError } from "../base/index.ts";
import type { Bytes } from "./bytes.ts";
import type { KeyCalls } from "./key-calls.ts";
import { KeyQueue } from "./key-queue.ts";
import type { TurnOptions } from "./key-queue.ts";
import type { CallOptions } from "./options.ts";
import { Turn } from "./turn.ts";

/** A lock that is held, until `unlock` or until `signal` says that it is lost. */
export class HeldLock extends Turn {
  readonly #queue: KeyQueue;
  readonly #calls: KeyCalls;
  readonly #ownsLease: boolean;

  /** Made by `Lock.acquire`. */
  constructor(
    calls: KeyCalls,
    queue: KeyQueue,
    taken: Awaited<ReturnType<KeyQueue["take"]>>,
    ownsLease: boolean,
  ) {
    super(calls, taken.place, taken.lease, taken.revision);
    this.#queue = queue;
    this.#calls = calls;
    this.#ownsLease = ownsLease;
  }

  /**
   * Gives it up, and the lease that was made for it.
   *
   * @returns whether it was still held; false: it was lost before
   * @throws {KvError} those of every call; then it ends with its lease, which is kept no more
   */
  async unlock(options: CallOptions = {}): Promise<boolean> {
    this.end({ reason: "released" });
    if (!this.#ownsLease) return this.#queue.leave(this, options);
    this.lease.stop();
    const wasHeld = await this.#queue.leave(this, options);
    await revokeQuietly(this.#calls, this.lease.id, options);
    return wasHeld;
  }
}

/**
 * A lock by its name: `acquire` it, or run something `withLock`. The keys are etcd's (`name/lease`), so that
 * `etcdctl lock`, the Go client and the Lock service take turns with it.
 *
 * At most one holds it at a time by the store's own order. A holder that is slow, paused or cut off may not know
 * yet that it is lost: what must not be done twice is guarded by `Turn.held` or by `Turn.fencingToken`.
 */
export class Lock {
  readonly #calls: KeyCalls;
  readonly #queue: KeyQueue;
  readonly #options: TurnOptions;

  /** Made by `Client.lock`. */
  constructor(calls: KeyCalls, name: Bytes, options: TurnOptions) {
    this.#calls = calls;
    this.#queue = new KeyQueue(calls, name);
    this.#options = options;
  }

  /**
   * Waits for its turn: without a bound unless `deadlineMs` or `signal` sets one, through failures of members too,
   * for as long as its own lease stands.
   *
   * @throws {KvError} `deadline-exceeded`, `cancelled`; `lock-expired` when its lease was lost while it waited;
   *   `lease-not-found` for a lease that is gone. Then nothing is held.
   */
  async acquire(options: TurnOptions = {}): Promise<HeldLock> {
    const settled = { ...this.#options, ...options };
    const taken = await this.#queue.take({ value: "", expired: "lock-expired" }, settled);
    return new HeldLock(this.#calls, this.#queue, taken, settled.lease === undefined);
  }

  /**
   * Runs `body` while the lock is held and gives it up afterwards. `signal` is aborted when the lock is lost: the
   * work should stop then.
   *
   * @returns what `body` gives
   * @throws {KvError} as `acquire`; `lock-expired`, `unknown`, when it was lost before `body` had ended
   * @throws what `body` throws
   */
  async withLock<T>(
    body: (lock: HeldLock, signal: AbortSignal) => Promise<T>,
    options: TurnOptions = {},
  ): Promise<T> {
    const lock = await this.acquire(options);
    try {
      const result = await body(lock, lock.signal);
      if (!lock.signal.aborted) return result;
    } finally {
      await quietly(lock.unlock());
    }
    throw new KvError("lock-expired", "unknown", "the lock was lost before the work had ended");
  }
}

/** The lease may have ended before; the keys on it went with it. @throws {KvError} */
export async function revokeQuietly(
  calls: KeyCalls,
  lease: bigint,
  options: CallOptions,
): Promise<void> {
  try {
    await calls.leases.revoke(lease, options);
  } catch (error) {
    if (!(error instanceof KvError) || error.code !== "lease-not-found") throw error;
  }
}

/** What cannot be given up ends with its lease: the caller's work has its own result. */
async function quietly(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
  }
}
