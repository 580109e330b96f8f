// The suffix of every origin's stream that is retained here, as rows of the engine; the newest are in memory too, until
// the engine has them and longer, for they are what other regions ask for (federation 2, 10).
import type { LogIndex } from "../base/index.ts";
import type { FederatedStore, RowSet } from "../store/index.ts";
import { originId, sequence } from "./dot.ts";
import type { OriginId } from "./dot.ts";
import {
  decodeRetained,
  encodeRetained,
  numberOfRowKey,
  transactionRowKey,
} from "./region-rows.ts";
import { Retention } from "./retention.ts";
import type { Transaction } from "./transaction.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** Kept in memory beyond what the engine does not hold yet. */
const RECENT_BYTES_MAX = 16 * 1024 * 1024;
/** Rows deleted by one entry. */
const DROPPED_MAX = 4096;

export interface Retained {
  /** The chain's hash behind it. */
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
}

interface Recent {
  readonly origin: OriginId;
  readonly sequence: number;
  readonly row: Uint8Array;
  /** Of the entry that wrote it. */
  readonly index: LogIndex;
}

export class RetainedTransactions {
  /** Counts and bytes, for who plans what may be dropped. */
  readonly retention = new Retention();
  readonly #writes: FederatedStore["writes"];
  readonly #recent = new Map<OriginId, Map<number, Recent>>();
  /** The same, oldest first; those before `#recentFrom` are let go. */
  #queue: Recent[] = [];
  #recentFrom = 0;
  #recentBytes = 0;
  #flushed = 0 as LogIndex;

  constructor(writes: FederatedStore["writes"]) {
    this.#writes = writes;
  }

  add(transaction: Transaction, retained: Retained, index: LogIndex): void {
    const { origin, sequence: at } = transaction;
    const row = encodeRetained(retained.hash, retained.bytes);
    this.#writes.put(transactionRowKey(origin, at), row);
    this.retention.add(origin, at, retained.bytes.length);
    const recent: Recent = { origin, sequence: at, row, index };
    const ofOrigin = this.#recent.get(origin) ?? new Map<number, Recent>();
    this.#recent.set(origin, ofOrigin.set(at, recent));
    this.#queue.push(recent);
    this.#recentBytes += row.length;
    this.#forget();
  }

  restore(rowKey: Uint8Array, row: Uint8Array): void {
    const at = sequence(numberOfRowKey(rowKey, 1));
    const { bytes } = decodeRetained(row);
    this.retention.add(originId(numberOfRowKey(rowKey, 0)), at, bytes.length);
  }

  /** Undefined: ask the engine for `transactionRowKey`, which has all that is retained and not in here. */
  recent(origin: OriginId, at: number): Retained | undefined {
    const recent = this.#recent.get(origin)?.get(at);
    return recent && decodeRetained(recent.row);
  }

  /** Names the row that `read` is going to look at, unless it is in memory. */
  want(origin: OriginId, at: number, rows: RowSet): void {
    const isInMemory = this.#recent.get(origin)?.has(at) === true;
    if (!isInMemory && this.#holds(origin, at)) rows.wantOther(transactionRowKey(origin, at));
  }

  /** One that was wanted; undefined: it is not retained. */
  read(origin: OriginId, at: number, rows: RowSet): Retained | undefined {
    if (!this.#holds(origin, at)) return undefined;
    const row = rows.other(transactionRowKey(origin, at));
    return this.recent(origin, at) ?? (row && decodeRetained(row));
  }

  /** What was dropped may be in one member's memory still, and in no other's. */
  #holds(origin: OriginId, at: number): boolean {
    const range = this.retention.rangeOf(origin);
    return range !== undefined && range.first <= at && at <= range.last;
  }

  /** Only where a guard is taken away: what was minted there is minted again. */
  dropBeyond(positions: ReadonlyMap<OriginId, { readonly sequence: number }>): void {
    for (const origin of [...this.#recent.keys()]) {
      const last = this.retention.lastOf(origin);
      if (last !== undefined && last > (positions.get(origin)?.sequence ?? 0)) {
        this.dropUnless(origin, Infinity);
      }
    }
  }

  /** Drops all of the origin that does not reach `applied`: what is applied next would not go on from it. */
  dropUnless(origin: OriginId, applied: number): void {
    const first = this.retention.firstOf(origin);
    const last = this.retention.lastOf(origin);
    if (first === undefined || last === undefined || last >= applied) return;
    for (let at: number = first; at <= last; at += 1) {
      this.#writes.delete(transactionRowKey(origin, at));
    }
    this.retention.drop(new Map([[origin, last]]));
  }

  /** What is retained of the origin is of another history than the one that counts: it goes by `truncate` alone. */
  setAside(origin: OriginId): void {
    if (this.retention.rangeOf(origin) !== undefined) this.retention.setAside(origin);
  }

  /** Drops what of the origin is behind `last`, a bounded number of rows, the latest first; whether some are left. */
  truncate(origin: OriginId, last: number): boolean {
    const { first, last: until } = this.retention.rangeOf(origin) ?? { first: 0, last: 0 };
    const from = Math.max(last + 1, until - DROPPED_MAX + 1, first);
    for (let at = from; at <= until; at += 1) this.#writes.delete(transactionRowKey(origin, at));
    this.retention.truncate(origin, from - 1);
    return from > last + 1 && from > first;
  }

  /** Drops up to `through`, a bounded number of rows; whether something is left to drop. */
  drop(through: Vector): boolean {
    let left = DROPPED_MAX;
    const dropped = new Map<OriginId, ReturnType<typeof sequence>>();
    for (const [origin, until] of through) {
      const first = this.retention.firstOf(origin);
      if (first === undefined || first > until || left === 0) continue;
      const last = Math.min(until, first + left - 1);
      for (let at: number = first; at <= last; at += 1) {
        this.#writes.delete(transactionRowKey(origin, at));
      }
      left -= last - first + 1;
      dropped.set(origin, sequence(last));
    }
    this.retention.drop(dropped);
    return [...through].some(([origin, until]) => {
      const first = this.retention.firstOf(origin);
      return first !== undefined && first <= until && countOf(dropped, origin) < until;
    });
  }

  flushed(upTo: LogIndex): void {
    this.#flushed = upTo;
    this.#forget();
  }

  #forget(): void {
    for (;;) {
      const oldest = this.#queue[this.#recentFrom];
      if (oldest === undefined || oldest.index > this.#flushed) break;
      if (this.#recentBytes <= RECENT_BYTES_MAX) break;
      // It may have been dropped and be applied anew, and then the engine does not have that one yet.
      const ofOrigin = this.#recent.get(oldest.origin);
      if (ofOrigin?.get(oldest.sequence) === oldest) ofOrigin.delete(oldest.sequence);
      this.#recentBytes -= oldest.row.length;
      this.#recentFrom += 1;
    }
    if (this.#recentFrom * 2 <= this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#recentFrom);
    this.#recentFrom = 0;
  }
}
