// etcd's recipe of locks and elections, on the calls that every etcd has: under a prefix everybody has a key of his
// own, named by his lease; whoever made the oldest has the turn, and each other waits for the one just before his.
import { KvError } from "../base/index.ts";
import type { KvErrorCode } from "../base/index.ts";
import type { KeyValue } from "./answer.ts";
import { bytesFrom } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { cancelled, pause } from "./deadline.ts";
import type { KeyCalls } from "./key-calls.ts";
import type { KeptLease } from "./kept-lease.ts";
import type { CallOptions } from "./options.ts";
import { isPassing } from "./turn.ts";
import { op, when } from "./txn.ts";

/** A lock's or an election's choice of lease, and how long it waits. */
export interface TurnOptions extends Omit<CallOptions, "deadlineMs"> {
  /**
   * Time to live of the lease that is made for it, in seconds: for so long at most it is kept from others when
   * this client dies (15 unless said otherwise; the server may grant more).
   */
  readonly ttlS?: number;
  /** A lease that is kept already, for several locks to rest on one; then none is made, nor ended. */
  readonly lease?: KeptLease;
  /** Bound on waiting for one's turn, in ms; absent: none. */
  readonly deadlineMs?: number;
}

/** Somebody's key in the queue. */
export interface Place {
  readonly key: Uint8Array;
  readonly fencingToken: number;
}

interface Entered extends Place {
  /** What stood there before, if the lease had the place already. */
  readonly stood: KeyValue | undefined;
}

const TTL_S_DEFAULT = 15;
/** Between two questions when nobody answers. */
const RETRY_MS = 200;
/** For giving up what came to nothing: what is not given up ends with its lease. */
const CLEAN_UP_MS = 2_000;

export class KeyQueue {
  readonly #calls: KeyCalls;
  readonly #prefix: Uint8Array;

  constructor(calls: KeyCalls, name: Bytes) {
    this.#calls = calls;
    this.#prefix = joined(bytesFrom(name), "/");
  }

  /**
   * Takes a place, waits for its turn, and gives both up when that fails. `onEntered` runs in between.
   *
   * @returns the place, its lease, and the revision at which it was seen to be first
   */
  async take(
    ask: {
      readonly value: Bytes;
      readonly expired: KvErrorCode;
      readonly onEntered?: (place: Entered, lease: bigint) => Promise<void>;
    },
    options: TurnOptions,
  ): Promise<{ readonly place: Place; readonly lease: KeptLease; readonly revision: number }> {
    const lease = options.lease ?? (await this.#lease(options));
    const limit = limitOf(options, lease);
    let place: Entered | undefined;
    try {
      place = await this.#enter(lease.id, ask.value, limit.signal);
      await ask.onEntered?.(place, lease.id);
      return { place, lease, revision: await this.#turn(place, ask.expired, limit.signal) };
    } catch (error) {
      await this.#giveUp(place, lease, options.lease === undefined);
      throw limit.explain(error, ask.expired);
    } finally {
      limit.end();
    }
  }

  /** Who has the turn, and the revision at which that was seen. @throws {KvError} as `Client.txn` */
  async oldest(
    options: CallOptions,
  ): Promise<{ readonly kv: KeyValue | undefined; readonly revision: number }> {
    const oldest = op.range({ prefix: this.#prefix }, { sortBy: "create", limit: 1 });
    const { results, revision } = await this.#calls.txn({ then: [oldest] }, options);
    return { kv: results[0]?.kvs[0], revision };
  }

  /** Until somebody takes a place after `revision`. @throws {KvError} `cancelled`, `compacted` */
  async somebody(revision: number, signal: AbortSignal | undefined): Promise<void> {
    const options = { startRevision: revision + 1, only: "puts", ...withSignal(signal) } as const;
    for await (const { events } of this.#calls.watch({ prefix: this.#prefix }, options)) {
      if (events.length > 0) return;
    }
  }

  /** Gives the place up, if it is still the one. @returns whether it was. @throws {KvError} as `Client.txn` */
  async leave({ key, fencingToken }: Place, options: CallOptions): Promise<boolean> {
    const { succeeded } = await this.#calls.txn(
      { if: [when.createRevision(key, "=", fencingToken)], then: [op.delete(key)] },
      options,
    );
    return succeeded;
  }

  async #lease(options: TurnOptions): Promise<KeptLease> {
    const { ttlS = TTL_S_DEFAULT, signal } = options;
    return this.#calls.leases.keepAlive(await this.#calls.leases.grant(ttlS, withSignal(signal)));
  }

  async #enter(lease: bigint, value: Bytes, signal: AbortSignal): Promise<Entered> {
    const key = joined(this.#prefix, BigInt.asIntN(64, lease).toString(16));
    const answer = await this.#calls.txn(
      { if: [when.missing(key)], then: [op.put(key, value, { lease })], else: [op.get(key)] },
      { signal },
    );
    if (answer.succeeded) return { key, fencingToken: answer.revision, stood: undefined };
    const [stood] = answer.results;
    if (stood === undefined)
      throw new KvError("internal", "unknown", "a key that stands is missing");
    return { key, fencingToken: stood.createRevision, stood };
  }

  /**
   * Waits until nothing stands before the place. That nothing does and that the place itself stands is seen at one
   * revision, which is what comes back (etcd#11456).
   */
  async #turn(place: Place, expired: KvErrorCode, signal: AbortSignal): Promise<number> {
    for (;;) {
      try {
        const { before, own, revision } = await this.#look(place, signal);
        if (own?.createRevision !== place.fencingToken) throw gone(expired);
        if (before === undefined) return revision;
        await this.#deletion(before.key, revision, signal);
      } catch (error) {
        if (signal.aborted) throw cancelled();
        const isCompacted = error instanceof KvError && error.code === "compacted";
        if (!isCompacted && !isPassing(error)) throw error;
        await pause(RETRY_MS, signal);
      }
    }
  }

  async #look(
    { key, fencingToken }: Place,
    signal: AbortSignal,
  ): Promise<{ before: KeyValue | undefined; own: KeyValue | undefined; revision: number }> {
    const last = {
      sortBy: "create",
      order: "descend",
      limit: 1,
      keysOnly: true,
      maxCreateRevision: fencingToken - 1,
    } as const;
    const { results, revision } = await this.#calls.txn(
      { then: [op.range({ prefix: this.#prefix }, last), op.get(key, { keysOnly: true })] },
      { signal },
    );
    return { before: results[0]?.kvs[0], own: results[1], revision };
  }

  async #deletion(key: Uint8Array, revision: number, signal: AbortSignal): Promise<void> {
    const options = { startRevision: revision + 1, only: "deletes", signal } as const;
    for await (const { events } of this.#calls.watch(key, options)) {
      if (events.length > 0) return;
    }
  }

  /** Best effort: what is left ends with its lease, which is kept no more. */
  async #giveUp(place: Entered | undefined, lease: KeptLease, isOwn: boolean): Promise<void> {
    const options = { deadlineMs: CLEAN_UP_MS };
    try {
      if (isOwn) {
        lease.stop();
        await this.#calls.leases.revoke(lease.id, options);
      } else if (place?.stood === undefined && place !== undefined) {
        await this.leave(place, options);
      }
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
    }
  }
}

/** What ends a wait, as one signal, and what it was. */
function limitOf(
  { signal, deadlineMs }: TurnOptions,
  lease: KeptLease,
): {
  readonly signal: AbortSignal;
  readonly explain: (error: unknown, expired: KvErrorCode) => unknown;
  readonly end: () => void;
} {
  const late = new AbortController();
  const timer = deadlineMs === undefined ? undefined : setTimeout(() => late.abort(), deadlineMs);
  const ends = [late.signal, lease.signal, ...(signal === undefined ? [] : [signal])];
  return {
    signal: AbortSignal.any(ends),
    explain: (error, expired) => {
      if (!(error instanceof KvError) || error.code !== "cancelled") return error;
      const options = { cause: error };
      if (late.signal.aborted) {
        const text = `${deadlineMs} ms passed before its turn`;
        return new KvError("deadline-exceeded", "not-applied", text, options);
      }
      return lease.signal.aborted && signal?.aborted !== true ? gone(expired, error) : error;
    },
    end: () => clearTimeout(timer),
  };
}

function gone(code: KvErrorCode, cause?: KvError): KvError {
  const text = "its lease ended, or its key was deleted, while it waited";
  return new KvError(code, "not-applied", text, cause === undefined ? {} : { cause });
}

function joined(head: Uint8Array, tail: string): Uint8Array {
  const end = bytesFrom(tail);
  const bytes = new Uint8Array(head.length + end.length);
  bytes.set(head);
  bytes.set(end, head.length);
  return bytes;
}

function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
