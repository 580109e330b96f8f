// The entries of a log that are in memory, bounded by bytes: the recent ones, and windows of older ones
// that a load brought back for a slow follower. Oldest leave first; what is not durable never leaves.
import type { LogIndex } from "../base/index.ts";
import type { Entry } from "../consensus/index.ts";

/** What an entry costs beside its data, about. */
const ENTRY_BYTES = 128;
/** Loaded windows may take this part of the recent entries' bound. */
const LOADED_SHARE = 0.25;

export function entryBytes(entry: Entry): number {
  return ENTRY_BYTES + (entry.kind === "command" ? entry.data.length : 0);
}

interface Window {
  readonly entries: readonly Entry[];
  readonly bytes: number;
}

export class LogCache {
  readonly #bytesMax: number;
  readonly #recent = new Map<number, Entry>();
  #recentBytes = 0;
  /** No recent entry is below. */
  #recentFrom = 1;
  readonly #loaded = new Map<number, Entry>();
  #windows: Window[] = [];
  #loadedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#recentBytes + this.#loadedBytes;
  }

  get(index: LogIndex): Entry | undefined {
    return this.#recent.get(index) ?? this.#loaded.get(index);
  }

  put(entry: Entry): void {
    const before = this.#recent.get(entry.index);
    if (before !== undefined) this.#recentBytes -= entryBytes(before);
    if (this.#loaded.size > 0) this.#loaded.delete(entry.index);
    this.#recent.set(entry.index, entry);
    this.#recentBytes += entryBytes(entry);
    if (entry.index < this.#recentFrom || this.#recent.size === 1) this.#recentFrom = entry.index;
  }

  /** Lets the oldest go, but none from `pinnedFrom` on. `last` is the log's. */
  evict(pinnedFrom: number, last: LogIndex): void {
    const until = Math.min(pinnedFrom, last + 1);
    while (this.#recentBytes > this.#bytesMax && this.#recentFrom < until) {
      this.#drop(this.#recentFrom);
      this.#recentFrom += 1;
    }
  }

  #drop(index: number): void {
    const entry = this.#recent.get(index);
    if (entry === undefined) return;
    this.#recentBytes -= entryBytes(entry);
    this.#recent.delete(index);
  }

  /** Older entries, to stay until later windows need the room; the newest window always stays. */
  putLoaded(entries: readonly Entry[]): void {
    const absent = entries.filter(({ index }) => this.get(index) === undefined);
    if (absent.length === 0) return;
    const bytes = absent.reduce((sum, entry) => sum + entryBytes(entry), 0);
    for (const entry of absent) this.#loaded.set(entry.index, entry);
    this.#windows.push({ entries: absent, bytes });
    this.#loadedBytes += bytes;
    while (this.#loadedBytes > this.#bytesMax * LOADED_SHARE && this.#windows.length > 1) {
      const oldest = this.#windows.shift();
      if (oldest === undefined) return;
      for (const entry of oldest.entries) {
        // An entry that was replaced since may be loaded again, by a newer window.
        if (this.#loaded.get(entry.index) === entry) this.#loaded.delete(entry.index);
      }
      this.#loadedBytes -= oldest.bytes;
    }
  }

  truncateFrom(index: LogIndex, last: LogIndex): void {
    for (let at: number = index; at <= last; at += 1) this.#drop(at);
    this.#dropLoaded((loaded) => loaded >= index);
  }

  dropThrough(index: LogIndex): void {
    for (; this.#recentFrom <= index && this.#recent.size > 0; this.#recentFrom += 1) {
      this.#drop(this.#recentFrom);
    }
    this.#recentFrom = Math.max(this.#recentFrom, index + 1);
    this.#dropLoaded((loaded) => loaded <= index);
  }

  #dropLoaded(gone: (index: number) => boolean): void {
    for (const index of this.#loaded.keys()) if (gone(index)) this.#loaded.delete(index);
    if (this.#loaded.size > 0) return;
    this.#windows = [];
    this.#loadedBytes = 0;
  }
}
