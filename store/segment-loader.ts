// Brings older entries of a log back into memory, for a follower or a restart that is behind the cache.
// Reads pieces of segment files, one at a time, and checks every record again.
import { assert } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import { sameEpoch } from "../consensus/index.ts";
import type { Entry } from "../consensus/index.ts";
import type { Disk, DiskFailure } from "./disk.ts";
import { entryBytes } from "./log-cache.ts";
import type { LogView } from "./log-view.ts";
import { SegmentScan } from "./segment-scan.ts";
import type { PieceRead, SegmentTable } from "./segment-table.ts";

const LOADS_WAITING_MAX = 1024;

type Done = (failure: DiskFailure | undefined) => void;

interface Load {
  readonly from: LogIndex;
  readonly until: LogIndex;
  readonly dones: Done[];
}

/** What one load has found so far. */
interface Found {
  readonly entries: Map<LogIndex, Entry>;
  bytes: number;
  /** Where the log's files ended when it began. */
  readonly endsAt: string;
}

export class SegmentLoader {
  readonly #disk: Disk;
  readonly #view: LogView;
  readonly #table: SegmentTable;
  readonly #salt: number;
  readonly #loadBytesMax: number;
  readonly #loads: Load[] = [];

  constructor(
    disk: Disk,
    parts: { readonly view: LogView; readonly table: SegmentTable; readonly salt: number },
    loadBytesMax: number,
  ) {
    this.#disk = disk;
    this.#view = parts.view;
    this.#table = parts.table;
    this.#salt = parts.salt;
    this.#loadBytesMax = loadBytesMax;
  }

  get busy(): boolean {
    return this.#loads.length > 0;
  }

  load(from: LogIndex, until: LogIndex, done: Done): void {
    const same = this.#loads.find((load) => load.from === from && load.until === until);
    const waiting = this.#loads.reduce((count, load) => count + load.dones.length, 0);
    assert(waiting < LOADS_WAITING_MAX, `${waiting} loads wait already`);
    if (same !== undefined) {
      same.dones.push(done);
      return;
    }
    this.#loads.push({ from, until, dones: [done] });
    if (this.#loads.length === 1) this.#begin();
  }

  #begin(): void {
    const [load] = this.#loads;
    if (load === undefined) return;
    const pieces = this.#table.piecesOf(load.from, load.until);
    this.#readPieces(load, pieces, {
      entries: new Map(),
      bytes: 0,
      endsAt: this.#endsAt(),
    });
  }

  #end(load: Load, failure: DiskFailure | undefined): void {
    this.#loads.shift();
    for (const done of load.dones) done(failure);
    this.#begin();
  }

  #readPieces(load: Load, pieces: readonly PieceRead[], found: Found): void {
    const [piece, ...rest] = pieces;
    const enough = found.bytes >= this.#loadBytesMax && found.entries.has(load.from);
    if (piece === undefined || enough) {
      this.#keep(load, found);
      return;
    }
    const { segment, from, until } = piece;
    this.#disk.read(segment.name, from, until - from, (failure, bytes) => {
      // A segment that was compacted away meanwhile is not needed any more.
      const gone = segment.sequence < (this.#table.rows[0]?.sequence ?? 1);
      if (failure !== undefined && !gone) {
        this.#end(load, failure);
        return;
      }
      const damage = failure === undefined ? this.#collect(load, piece, bytes, found) : undefined;
      if (damage !== undefined) this.#end(load, damage);
      else this.#readPieces(load, rest, found);
    });
  }

  /** Takes the entries that the log still holds: index and epoch name an entry in either protocol. */
  #collect(load: Load, piece: PieceRead, bytes: Uint8Array, found: Found): DiskFailure | undefined {
    const { sequence, name } = piece.segment;
    const scan = new SegmentScan(bytes, { salt: this.#salt, sequence, baseBytes: piece.from });
    for (let at = piece.from; at < piece.until;) {
      const frame = scan.frameAt(at);
      if ("reason" in frame) {
        const message = `log: ${name} at byte ${at}, read again: ${frame.reason}`;
        return { kind: "corrupt", message };
      }
      for (const op of frame.ops) {
        if (op.op === "put" && this.#wanted(load, op.entry)) this.#take(found, op.entry);
      }
      at = frame.until;
    }
    return undefined;
  }

  #wanted(load: Load, { index, epoch }: Entry): boolean {
    if (index < load.from || index >= load.until || index < this.#view.first()) return false;
    const current = this.#view.epochAt(index);
    return current !== undefined && sameEpoch(current, epoch);
  }

  #take(found: Found, entry: Entry): void {
    if (found.entries.has(entry.index)) return;
    const own = entry.kind === "command" ? { ...entry, data: entry.data.slice() } : entry;
    found.entries.set(entry.index, own);
    found.bytes += entryBytes(own);
  }

  /** Keeps what continues from `load.from`, up to the bound. */
  #keep(load: Load, found: Found): void {
    const kept: Entry[] = [];
    let bytes = 0;
    for (let at: number = load.from; at < load.until; at += 1) {
      const index = at as LogIndex;
      const entry = found.entries.get(index) ?? this.#view.cache.get(index);
      if (entry === undefined && this.#view.epochAt(index) !== undefined) break;
      if (entry === undefined) continue;
      bytes += entryBytes(entry);
      if (bytes > this.#loadBytesMax && kept.length > 0) break;
      kept.push(entry);
    }
    // What was truncated or compacted during the read is not wanted any more.
    const current = kept.filter((entry) => this.#wanted(load, entry));
    this.#view.cache.putLoaded(current);
    const missing = this.#wantsMore(load);
    // Entries replaced during the read lie behind where it ended: the files are read once more.
    if (missing !== undefined && found.endsAt !== this.#endsAt()) this.#begin();
    else this.#end(load, missing);
  }

  #endsAt(): string {
    const { active } = this.#table;
    return active === undefined ? "" : `${active.sequence}:${active.endBytes}`;
  }

  /** The range's first entry must be in memory after a load, or the log's files lack it. */
  #wantsMore({ from }: Load): DiskFailure | undefined {
    const expected = from >= this.#view.first() && this.#view.epochAt(from) !== undefined;
    if (!expected || this.#view.cache.get(from) !== undefined) return undefined;
    return { kind: "corrupt", message: `log: entry ${from} is in no segment file` };
  }
}
