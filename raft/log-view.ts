// The log as the core sees it within a turn: the owner's reader, and on top of it what this turn appended
// or truncated and `ready()` has not handed out yet.
import { assert, present } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import { entryBytes } from "../consensus/index.ts";
import type { Copier, Entry, LogReader, SnapshotMeta } from "../consensus/index.ts";

/**
 * What a turn did to the log, in this order: cut from `truncateFrom` on, begin again behind the snapshot
 * `restartAt`, append, let go of what the snapshot `keepBehind` covers.
 */
export interface LogChange {
  readonly truncateFrom?: LogIndex;
  readonly restartAt?: SnapshotMark;
  readonly entries: readonly Entry[];
  readonly keepBehind?: SnapshotMark;
}

/** A snapshot to be installed as state `generation`. */
export interface SnapshotMark {
  readonly meta: SnapshotMeta;
  readonly generation: number;
}

export class LogView {
  readonly #reader: LogReader;
  #pending: Entry[] = [];
  /** Index of the first pending entry; what is before it, the reader shows. */
  #pendingFrom: number;
  #truncateFrom: LogIndex | undefined;
  #restartAt: SnapshotMark | undefined;
  #keepBehind: SnapshotMark | undefined;
  #last: LogIndex;
  #lastTerm: number;

  constructor(reader: LogReader) {
    this.#reader = reader;
    this.#last = reader.last();
    this.#pendingFrom = this.#last + 1;
    this.#lastTerm = present(this.#termHeld(this.#last), `the term of entry ${this.#last}`);
  }

  get last(): LogIndex {
    return this.#last;
  }

  get lastTerm(): number {
    return this.#lastTerm;
  }

  /** Entries up to and including this one are in the snapshot only. */
  get compacted(): LogIndex {
    const installed = this.#keepBehind ?? this.#restartAt;
    return installed?.meta.index ?? ((this.#reader.first() - 1) as LogIndex);
  }

  get reader(): LogReader {
    return this.#reader;
  }

  get changed(): boolean {
    return (
      this.#pending.length > 0 ||
      this.#truncateFrom !== undefined ||
      this.#restartAt !== undefined ||
      this.#keepBehind !== undefined
    );
  }

  /** Undefined outside [compacted, last]; 0 for the position before the first entry. */
  termAt(index: number): number | undefined {
    if (index === this.#last) return this.#lastTerm;
    if (index > this.#last || index < this.compacted) return undefined;
    return this.#termHeld(index);
  }

  /**
   * The largest index in [compacted, from] whose term is at most `term`, or `from` itself if it is below:
   * terms never fall along a log, so a divergent tail of any length costs one step (scenario 19).
   */
  lastAtMostTerm(from: number, term: number): LogIndex {
    if (from < this.compacted) return from as LogIndex;
    let low: number = this.compacted;
    let high = Math.min(from, this.#last);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (present(this.termAt(middle), `the term at ${middle}`) <= term) low = middle;
      else high = middle - 1;
    }
    return low as LogIndex;
  }

  append(entry: Entry): void {
    assert(entry.index === this.#last + 1, "entries follow each other without a gap");
    assert(entry.epoch.round >= this.#lastTerm, "terms never fall along a log");
    this.#pending.push(entry);
    this.#last = entry.index;
    this.#lastTerm = entry.epoch.round;
  }

  /** Drops `index` and everything after it. */
  truncateFrom(index: LogIndex): void {
    assert(index > this.compacted && index <= this.#last, `cannot truncate from ${index}`);
    if (index >= this.#pendingFrom) {
      this.#pending = this.#pending.slice(0, index - this.#pendingFrom);
    } else {
      this.#pending = [];
      this.#pendingFrom = index;
      this.#truncateFrom = index;
    }
    const last = (index - 1) as LogIndex;
    this.#last = last;
    this.#lastTerm = present(this.#termHeld(last), `the term at ${last}`);
  }

  /** The snapshot takes the place of the entries up to it; those behind it stay (R15). */
  keepBehind(mark: SnapshotMark): void {
    const { index } = mark.meta;
    assert(index > this.compacted || this.#isBare(index), `a snapshot at ${index} goes back`);
    assert(index <= this.#last, `nothing is kept behind ${index}, the log ends at ${this.#last}`);
    this.#keepBehind = mark;
  }

  /** The snapshot takes the place of the whole log (R15). */
  restartAt(mark: SnapshotMark): void {
    const { index, epoch } = mark.meta;
    const first = this.#reader.first();
    assert(index >= first - 1, `a snapshot at ${index} goes back`);
    if (this.#reader.last() >= first) this.#truncateFrom = first;
    this.#restartAt = mark;
    this.#keepBehind = undefined;
    this.#pending = [];
    this.#pendingFrom = index + 1;
    this.#last = index;
    this.#lastTerm = epoch.round;
  }

  /** The state up to the log's beginning was lost: its snapshot may be installed once more. */
  #isBare(index: LogIndex): boolean {
    return index === this.compacted;
  }

  /** As LogReader.slice, over both parts; it may end early where the reader's part does. */
  slice(
    from: LogIndex,
    until: number,
    bytesMax: number,
  ): readonly Entry[] | "compacted" | "loading" {
    if (from < this.#pendingFrom) {
      const readable = Math.min(until, this.#pendingFrom) as LogIndex;
      return this.#reader.slice(from, readable, bytesMax);
    }
    const start = from - this.#pendingFrom;
    const stop = until - this.#pendingFrom;
    let bytes = 0;
    let end = start;
    while (end < stop) {
      const entry = present(this.#pending[end], "a pending entry");
      bytes += entryBytes(entry);
      if (bytes > bytesMax && end > start) break;
      end += 1;
    }
    if (start === 0 && end === this.#pending.length) return this.#pending;
    return this.#pending.slice(start, end);
  }

  /** Hands the turn's changes to the owner, whose reader shows them from then on. */
  drain(): LogChange {
    const entries = this.#pending;
    const truncateFrom = this.#truncateFrom;
    const restartAt = this.#restartAt;
    const keepBehind = this.#keepBehind;
    this.#pending = [];
    this.#truncateFrom = undefined;
    this.#restartAt = undefined;
    this.#keepBehind = undefined;
    this.#pendingFrom = this.#last + 1;
    return {
      ...(truncateFrom === undefined ? {} : { truncateFrom }),
      ...(restartAt === undefined ? {} : { restartAt }),
      entries,
      ...(keepBehind === undefined ? {} : { keepBehind }),
    };
  }

  /** On the owner's fork of the reader. */
  copied(by: Copier): LogView {
    const twin = new LogView(by.of(this.#reader));
    twin.#pending = by.of(this.#pending);
    twin.#pendingFrom = by.of(this.#pendingFrom);
    twin.#truncateFrom = by.of(this.#truncateFrom);
    twin.#restartAt = by.of(this.#restartAt);
    twin.#keepBehind = by.of(this.#keepBehind);
    twin.#last = by.of(this.#last);
    twin.#lastTerm = by.of(this.#lastTerm);
    return twin;
  }

  #termHeld(index: number): number | undefined {
    if (index >= this.#pendingFrom) return this.#pending[index - this.#pendingFrom]?.epoch.round;
    const restarted = this.#restartAt?.meta;
    if (restarted?.index === index) return restarted.epoch.round;
    return index === 0 ? 0 : this.#reader.epochAt(index as LogIndex)?.round;
  }
}
