// A turn that one has: of a lock or an election, under a key that is one's own. Lost when its lease is, or when
// somebody deletes the key; then `signal` says so to the work that rests on it.
import { KvError } from "../base/index.ts";
import type { KeyCalls } from "./key-calls.ts";
import type { KeptLease, LeaseLoss } from "./kept-lease.ts";
import { pause } from "./deadline.ts";
import { repetitionOf } from "./retry.ts";
import { when } from "./txn.ts";
import type { Condition } from "./txn.ts";

/**
 * Why a turn is over: as its lease is lost (`gone`, `unheard`, `refused`, `stopped`), or
 * - `deleted`: its key was deleted by somebody else.
 * - `released`: it was given up here.
 */
export interface TurnLoss {
  /** Which of them. */
  readonly reason: LeaseLoss["reason"] | "deleted" | "released";
  /** With `refused`, why. */
  readonly error?: KvError;
}

/** Of a question that goes unanswered: the lease says when it is too late. */
const RETRY_MS = 200;

/** What locks held and elections won have in common. */
export class Turn {
  /** The key that stands for it, as this client's namespace names it. */
  readonly key: Uint8Array;
  /**
   * Grows from each holder to the next: what is guarded refuses a smaller one than it has seen. It is the
   * revision at which the key was made.
   */
  readonly fencingToken: number;
  /** What it rests on. */
  readonly lease: KeptLease;
  /** Resolves once, with why it is over; never rejects. */
  readonly lost: Promise<TurnLoss>;
  readonly #calls: KeyCalls;
  readonly #abort = new AbortController();
  #lose: (loss: TurnLoss) => void = () => undefined;

  /** @param revision at which it was seen to be one's own */
  constructor(
    calls: KeyCalls,
    place: { readonly key: Uint8Array; readonly fencingToken: number },
    lease: KeptLease,
    revision: number,
  ) {
    this.#calls = calls;
    this.key = place.key;
    this.fencingToken = place.fencingToken;
    this.lease = lease;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
    const onLost = (): void => this.end(lease.signal.reason as LeaseLoss);
    if (lease.signal.aborted) onLost();
    else lease.signal.addEventListener("abort", onLost, { once: true, signal: this.signal });
    this.#follow(revision).catch((error: unknown) => {
      if (!(error instanceof KvError)) throw error;
      this.end({ reason: "refused", error });
    });
  }

  /** Aborted when it is over, for the work that rests on it; its reason is the `TurnLoss`. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether it stands, by this client's own clock: of the store only `held` can tell. */
  get isHeld(): boolean {
    return !this.signal.aborted && this.lease.standsMs > 0;
  }

  /**
   * That it stands, as a condition of a transaction: the way to guard keys of the same store, with no window
   * between the question and the write.
   *
   * ```ts
   * await client.txn({ if: [lock.held()], then: [op.put("ledger", "...")] });
   * ```
   */
  held(): Condition {
    return when.createRevision(this.key, "=", this.fencingToken);
  }

  /** It is over, for this reason; called by who makes it so. */
  end(loss: TurnLoss): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(loss);
    this.#lose(loss);
  }

  /** Watches the key until it is deleted. */
  async #follow(heldAt: number): Promise<void> {
    let from = heldAt + 1;
    while (!this.signal.aborted) {
      try {
        const options = { startRevision: from, only: "deletes", signal: this.signal } as const;
        for await (const { events } of this.#calls.watch(this.key, options)) {
          if (events.length > 0) this.end({ reason: "deleted" });
        }
      } catch (error) {
        if (this.signal.aborted) return;
        if (!(error instanceof KvError)) throw error;
        if (error.code !== "compacted") throw error;
        from = 1 + (await this.#look());
      }
    }
  }

  /** What is compacted cannot tell of the key any more: it is asked after itself. */
  async #look(): Promise<number> {
    for (;;) {
      try {
        const { kv, revision } = await this.#calls.get(this.key, { signal: this.signal });
        if (kv?.createRevision !== this.fencingToken) this.end({ reason: "deleted" });
        return revision;
      } catch (error) {
        if (!isPassing(error)) throw error;
        await pause(RETRY_MS, this.signal);
      }
    }
  }
}

/** Whether the same question may be answered later. */
export function isPassing(error: unknown): boolean {
  return error instanceof KvError && repetitionOf(error, "read", "wait") !== "never";
}
