// Elections: of all that campaign under a name one leads, until it resigns or its lease ends; then the next by the
// order of asking. Everybody may ask who it is, and follow what it says of itself.
import { KvError } from "../base/index.ts";
import type { KeyValue } from "./answer.ts";
import { bytesFrom } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import { pause } from "./deadline.ts";
import type { KeyCalls } from "./key-calls.ts";
import { KeyQueue } from "./key-queue.ts";
import type { TurnOptions } from "./key-queue.ts";
import { revokeQuietly } from "./lock.ts";
import type { CallOptions } from "./options.ts";
import { Turn, isPassing } from "./turn.ts";
import { op, when } from "./txn.ts";

/** Between two questions when nobody answers. */
const RETRY_MS = 200;

/** An election that was won, until `resign` or until `signal` says that it is lost. */
export class Leadership extends Turn {
  readonly #calls: KeyCalls;
  readonly #queue: KeyQueue;
  readonly #ownsLease: boolean;

  /** Made by `Election.campaign`. */
  constructor(
    calls: KeyCalls,
    queue: KeyQueue,
    taken: Awaited<ReturnType<KeyQueue["take"]>>,
    ownsLease: boolean,
  ) {
    super(calls, taken.place, taken.lease, taken.revision);
    this.#calls = calls;
    this.#queue = queue;
    this.#ownsLease = ownsLease;
  }

  /** Says something else of oneself, without another election. @throws {KvError} `not-elected` once it is lost */
  async proclaim(value: Bytes, options: CallOptions = {}): Promise<void> {
    await proclaim(this.#calls, this, this.lease.id, value, options);
  }

  /**
   * Makes way, and ends the lease that was made for it.
   *
   * @returns whether it still led; false: it was lost before
   * @throws {KvError} those of every call; then it ends with its lease, which is kept no more
   */
  async resign(options: CallOptions = {}): Promise<boolean> {
    this.end({ reason: "released" });
    if (!this.#ownsLease) return this.#queue.leave(this, options);
    this.lease.stop();
    const led = await this.#queue.leave(this, options);
    await revokeQuietly(this.#calls, this.lease.id, options);
    return led;
  }
}

/**
 * An election by its name. The keys are etcd's (`name/lease`, with what the candidate says of itself as the
 * value), so that `etcdctl elect`, the Go client and the Election service take part in it.
 */
export class Election {
  readonly #calls: KeyCalls;
  readonly #queue: KeyQueue;
  readonly #options: TurnOptions;

  /** Made by `Client.election`. */
  constructor(calls: KeyCalls, name: Bytes, options: TurnOptions) {
    this.#calls = calls;
    this.#queue = new KeyQueue(calls, name);
    this.#options = options;
  }

  /**
   * Stands as a candidate that says `value` of itself, and waits to be elected: without a bound unless
   * `deadlineMs` or `signal` sets one, for as long as its lease stands.
   *
   * @throws {KvError} `deadline-exceeded`, `cancelled`; `campaign-expired` when its lease was lost while it
   *   waited; `lease-not-found` for a lease that is gone. Then it stands no more.
   */
  async campaign(value: Bytes, options: TurnOptions = {}): Promise<Leadership> {
    const settled = { ...this.#options, ...options };
    const asked = {
      value,
      expired: "campaign-expired",
      // A lease that stood already, with another value, now says this one.
      onEntered: async (
        place: {
          readonly key: Uint8Array;
          readonly fencingToken: number;
          stood: KeyValue | undefined;
        },
        lease: bigint,
      ): Promise<void> => {
        const { stood } = place;
        if (stood === undefined || sameBytes(stood.value, bytesFrom(value))) return;
        await proclaim(this.#calls, place, lease, value, {});
      },
    } as const;
    const taken = await this.#queue.take(asked, settled);
    return new Leadership(this.#calls, this.#queue, taken, settled.lease === undefined);
  }

  /** Who leads, linearizable: its value is what it says of itself. Undefined: nobody. @throws {KvError} */
  async leader(options: CallOptions = {}): Promise<KeyValue | undefined> {
    return (await this.#queue.oldest(options)).kv;
  }

  /**
   * Who leads, and each thing that it says of itself, until the next does; ends with the loop or by `signal`.
   *
   * ```ts
   * for await (const kv of client.election("boss").observe()) console.log(kv.text());
   * ```
   *
   * A leader that came and went between two looks may be passed over, the newest one never.
   *
   * @throws {KvError} `cancelled` by the signal, and what refuses a read for good
   */
  async *observe(
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<KeyValue, undefined> {
    const { signal } = options;
    for (;;) {
      try {
        const { kv, revision } = await this.#queue.oldest(options);
        if (kv === undefined) await this.#queue.somebody(revision, signal);
        else yield* this.#words(kv, revision, options);
      } catch (error) {
        const isCompacted = error instanceof KvError && error.code === "compacted";
        if (!isCompacted && !isPassing(error)) throw error;
        await pause(RETRY_MS, signal);
      }
    }
  }

  /** Of one leader, until its key is deleted. */
  async *#words(
    kv: KeyValue,
    revision: number,
    options: { readonly signal?: AbortSignal },
  ): AsyncGenerator<KeyValue, undefined> {
    yield kv;
    const watching = { ...options, startRevision: revision + 1 };
    for await (const { events } of this.#calls.watch(kv.key, watching)) {
      for (const event of events) {
        if (event.kind === "delete") return;
        yield event.kv;
      }
    }
  }
}

async function proclaim(
  calls: KeyCalls,
  place: { readonly key: Uint8Array; readonly fencingToken: number },
  lease: bigint,
  value: Bytes,
  options: CallOptions,
): Promise<void> {
  const { succeeded } = await calls.txn(
    {
      if: [when.createRevision(place.key, "=", place.fencingToken)],
      then: [op.put(place.key, value, { lease })],
    },
    options,
  );
  if (!succeeded) throw new KvError("not-elected", "not-applied", "it does not stand any more");
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
