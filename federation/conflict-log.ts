// Conflicts that are over, as rows numbered by this region, the oldest forgotten beyond a bound. What a record says is
// the same everywhere; its number is not.
import { present } from "../base/index.ts";
import type { Key, LogIndex } from "../base/index.ts";
import type { FederatedStore } from "../store/index.ts";
import type { ConflictRecord } from "./conflict-record.ts";
import { conflictRowKey, encodeConflict, numberOfRowKey } from "./region-rows.ts";

/** Of records together; a rule of the state machine, so equal on all members. */
const BYTES_MAX = 64 * 1024 * 1024;

/** A record as it stands at `conflictRowKey`. */
export interface NumberedRow {
  readonly number: number;
  readonly row: Uint8Array;
}

interface Recent extends NumberedRow {
  /** Of the entry that wrote it. */
  readonly index: LogIndex;
}

export class ConflictLog {
  readonly #writes: FederatedStore["writes"];
  readonly #lost = new Map<Key, number>();
  /** What the engine may not have yet, by ascending number. */
  #recent: Recent[] = [];
  /** Bytes of the records, from `first` on. */
  #sizes: number[] = [];
  #forgotten = 0;
  #first = 1;
  #next = 1;
  #bytes = 0;

  constructor(writes: FederatedStore["writes"]) {
    this.#writes = writes;
  }

  /** The number of the oldest that is there, or of the next to come. */
  get first(): number {
    return this.#first;
  }

  /** The number of the next to come; what is below it ever was. */
  get next(): number {
    return this.#next;
  }

  /** Writes that lost, by the prefix whose policy they were under; since this process has the state, for metrics. */
  get lost(): ReadonlyMap<Key, number> {
    return this.#lost;
  }

  /** `prefix`: of the policy under which something was lost here. */
  add(record: ConflictRecord, index: LogIndex, prefix?: Key): void {
    if (prefix !== undefined) {
      this.#lost.set(prefix, (this.#lost.get(prefix) ?? 0) + record.lost.length);
    }
    const row = encodeConflict(record);
    this.#writes.put(conflictRowKey(this.#next), row);
    this.#recent.push({ number: this.#next, row, index });
    this.#next += 1;
    this.#push(row.length);
    while (this.#bytes > BYTES_MAX) {
      this.#writes.delete(conflictRowKey(this.#first));
      this.#bytes -= present(this.#sizes[this.#forgotten], "the size of the oldest record");
      this.#forgotten += 1;
      this.#first += 1;
    }
    if (this.#forgotten * 2 <= this.#sizes.length) return;
    this.#sizes = this.#sizes.slice(this.#forgotten);
    this.#forgotten = 0;
  }

  /** Rows from that number on are in memory; the engine may lack them. */
  get recentFrom(): number {
    return this.#recent[0]?.number ?? this.#next;
  }

  /** Rows from that number on, of those in memory; the engine has what is kept below `recentFrom`. */
  recent(from: number): readonly NumberedRow[] {
    return this.#recent.slice(Math.max(from - this.recentFrom, 0));
  }

  flushed(upTo: LogIndex): void {
    const kept = this.#recent.findIndex(({ index }) => index > upTo);
    if (kept !== 0) this.#recent = kept < 0 ? [] : this.#recent.slice(kept);
  }

  /** The head comes before the records: `next` is known. */
  restoreNext(next: number): void {
    this.#first = next;
    this.#next = next;
  }

  restore(rowKey: Uint8Array, row: Uint8Array): void {
    if (this.#sizes.length === 0) this.#first = numberOfRowKey(rowKey, 0);
    this.#push(row.length);
  }

  #push(bytes: number): void {
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }
}
