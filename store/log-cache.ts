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

/** What one load brought; an index belongs to the newest window that brought it. */
interface Window {
  readonly indexes: readonly LogIndex[];
  heldCount: number;
}

interface Loaded {
  readonly entry: Entry;
  readonly window: Window;
}

export class LogCache {
  readonly #bytesMax: number;
  readonly #recent = new Map<number, Entry>();
  #recentBytes = 0;
  /** No recent entry is below. */
  #recentFrom = 1;
  readonly #loaded = new Map<number, Loaded>();
  #windows: Window[] = [];
  #loadedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#recentBytes + this.#loadedBytes;
  }

  get(index: LogIndex): Entry | undefined {
    return this.#recent.get(index) ?? this.#loaded.get(index)?.entry;
  }

  put(entry: Entry): void {
    const before = this.#recent.get(entry.index);
    if (before !== undefined) this.#recentBytes -= entryBytes(before);
    if (this.#loaded.size > 0) this.#forget(entry.index);
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
    const older = entries.filter(({ index }) => !this.#recent.has(index));
    if (older.length === 0) return;
    const window: Window = { indexes: older.map(({ index }) => index), heldCount: older.length };
    for (const entry of older) {
      this.#forget(entry.index);
      this.#loaded.set(entry.index, { entry, window });
      this.#loadedBytes += entryBytes(entry);
    }
    this.#windows = [...this.#windows.filter(({ heldCount }) => heldCount > 0), window];
    while (this.#loadedBytes > this.#bytesMax * LOADED_SHARE && this.#windows.length > 1) {
      const oldest = this.#windows.shift();
      for (const index of oldest?.indexes ?? []) {
        if (this.#loaded.get(index)?.window === oldest) this.#forget(index);
      }
    }
  }

  #forget(index: number): void {
    const loaded = this.#loaded.get(index);
    if (loaded === undefined) return;
    this.#loaded.delete(index);
    this.#loadedBytes -= entryBytes(loaded.entry);
    loaded.window.heldCount -= 1;
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
    for (const index of this.#loaded.keys()) if (gone(index)) this.#forget(index);
  }
}
