// What locks, elections and software transactions need of the store: the calls on keys, in whichever namespace.
import type { GetAnswer } from "./answer.ts";
import type { Bytes, KeySelector } from "./bytes.ts";
import type { LeaseCalls } from "./leases.ts";
import type { CallOptions, RangeOptions, ReadOptions } from "./options.ts";
import type { Operations, Transaction, TxnAnswer } from "./txn.ts";
import type { Watcher, WatchOptions } from "./watch.ts";

/** The calls of a `Namespace` that recipes are made of. */
export interface KeyCalls {
  readonly leases: LeaseCalls;
  get(
    key: Bytes,
    options?: ReadOptions & CallOptions & Pick<RangeOptions, "revision" | "keysOnly">,
  ): Promise<GetAnswer>;
  txn<const Then extends Operations = [], const Else extends Operations = []>(
    transaction: Transaction<Then, Else>,
    options?: CallOptions,
  ): Promise<TxnAnswer<Then, Else>>;
  watch(keys: KeySelector, options?: WatchOptions): Watcher;
}
