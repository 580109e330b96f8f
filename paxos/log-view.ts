// The slots as the core sees them within a turn: the owner's reader, and on top of it what this turn put and
// `ready()` has not handed out yet. Slots come in any order, and gaps stay until something fills them.
import { assert } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import { entryBytes } from "../consensus/index.ts";
import type { Copier, Entry, Epoch, LogReader, SnapshotMeta } from "../consensus/index.ts";

/** A snapshot to be installed as state `generation`. */
export interface SnapshotMark {
  readonly meta: SnapshotMeta;
  readonly generation: number;
}

/**
 * What a turn did to the slots, in this order: everything from `truncateFrom` on went, entries in slot order
 * came, then a snapshot that covers those up to its own.
 */
export interface LogChange {
  readonly truncateFrom?: LogIndex;
  readonly entries: readonly Entry[];
  readonly installed?: SnapshotMark;
}

const UNCHANGED: LogChange = { entries: [] };

export class LogView {
  readonly #reader: LogReader;
  #pending = new Map<number, Entry>();
  #pendingFrom = Infinity;
  #installed: SnapshotMark | undefined;
  /** Infinity while nothing goes. */
  #truncateFrom = Infinity;
  #last: LogIndex;

  constructor(reader: LogReader) {
    this.#reader = reader;
    this.#last = reader.last();
  }

  /** The highest slot in which anything was accepted, or that a snapshot covers. */
  get last(): LogIndex {
    return this.#last;
  }

  /** Slots up to and including this one are in the snapshot only. */
  get compacted(): LogIndex {
    return this.#installed?.meta.index ?? ((this.#reader.first() - 1) as LogIndex);
  }

  get reader(): LogReader {
    return this.#reader;
  }

  /** The ballot accepted in `slot`; undefined for a gap, and outside [compacted, last]. */
  ballotAt(slot: LogIndex): Epoch | undefined {
    if (slot === this.#installed?.meta.index) return this.#installed.meta.epoch;
    const pending = this.#pending.get(slot);
    if (pending !== undefined) return pending.epoch;
    return slot >= this.#truncateFrom ? undefined : this.#reader.epochAt(slot);
  }

  put(entry: Entry): void {
    assert(entry.index > this.compacted, `slot ${entry.index} is compacted`);
    this.#pending.set(entry.index, entry);
    this.#pendingFrom = Math.min(this.#pendingFrom, entry.index);
    if (entry.index > this.#last) this.#last = entry.index;
  }

  /** Every slot from `slot` on is empty; the one before it is not. */
  truncateFrom(slot: LogIndex): void {
    assert(slot > this.compacted, `slot ${slot} is compacted`);
    if (slot > this.#last) return;
    const kept = [...this.#pending.values()].filter(({ index }) => index < slot);
    this.#pending = new Map(kept.map((entry) => [entry.index, entry]));
    this.#pendingFrom = Math.min(Infinity, ...this.#pending.keys());
    if (slot <= this.#reader.last()) this.#truncateFrom = Math.min(this.#truncateFrom, slot);
    this.#last = (slot - 1) as LogIndex;
  }

  /** The snapshot takes the place of the slots up to its own; those behind it stay (R15). */
  install(mark: SnapshotMark): void {
    const { index } = mark.meta;
    assert(index >= this.compacted, `a snapshot at ${index} goes back`);
    this.#installed = mark;
    if (index > this.#last) this.#last = index;
  }

  /**
   * As LogReader.slice, over both parts. Gaps are passed over, and it may end early; empty means that
   * [from, until) holds nothing.
   */
  slice(
    from: LogIndex,
    until: number,
    bytesMax: number,
  ): readonly Entry[] | "compacted" | "loading" {
    const end = Math.min(until, this.#last + 1);
    if (end <= this.#pendingFrom) return this.#held(from, end, bytesMax);
    const entries: Entry[] = [];
    let bytes = 0;
    let at: number = from;
    while (at < end) {
      const entry = this.#pending.get(at);
      if (entry === undefined) {
        const stop = this.#nextPending(at, end);
        const part = this.#held(at as LogIndex, stop, bytesMax - bytes);
        if (typeof part === "string") return entries.length > 0 ? entries : part;
        const last = part.at(-1);
        if (last === undefined) {
          at = stop;
          continue;
        }
        for (const held of part) {
          bytes += entryBytes(held);
          if (bytes > bytesMax && entries.length > 0) return entries;
          entries.push(held);
        }
        at = last.index + 1;
      } else {
        bytes += entryBytes(entry);
        if (bytes > bytesMax && entries.length > 0) return entries;
        entries.push(entry);
        at += 1;
      }
    }
    return entries;
  }

  /** Hands the turn's entries to the owner, whose reader shows them from then on. */
  drain(): LogChange {
    const installed = this.#installed;
    const truncateFrom = this.#truncateFrom;
    const truncated = truncateFrom !== Infinity;
    if (this.#pending.size === 0 && installed === undefined && !truncated) return UNCHANGED;
    const entries = [...this.#pending.values()].sort((left, right) => left.index - right.index);
    this.#pending = new Map();
    this.#pendingFrom = Infinity;
    this.#installed = undefined;
    this.#truncateFrom = Infinity;
    return {
      ...(truncated ? { truncateFrom: truncateFrom as LogIndex } : {}),
      entries,
      ...(installed === undefined ? {} : { installed }),
    };
  }

  /** On the owner's fork of the reader. */
  copied(by: Copier): LogView {
    const twin = new LogView(by.of(this.#reader));
    twin.#pending = by.of(this.#pending);
    twin.#pendingFrom = by.of(this.#pendingFrom);
    twin.#installed = by.of(this.#installed);
    twin.#truncateFrom = by.of(this.#truncateFrom);
    twin.#last = by.of(this.#last);
    return twin;
  }

  #held(from: LogIndex, until: number, bytesMax: number): ReturnType<LogReader["slice"]> {
    const end = Math.min(until, this.#reader.last() + 1, this.#truncateFrom);
    return from >= end ? [] : this.#reader.slice(from, end as LogIndex, Math.max(bytesMax, 0));
  }

  #nextPending(from: number, end: number): number {
    if (from < this.#pendingFrom) return Math.min(end, this.#pendingFrom);
    let at = from;
    while (at < end && !this.#pending.has(at)) at += 1;
    return at;
  }
}
