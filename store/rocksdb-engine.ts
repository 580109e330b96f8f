// The Engine port on RocksDB, through the `rocksdb` package. It holds applied state only: the binding fixes
// paranoid_checks to false, so that recovery skips a damaged block of RocksDB's own log without a word; the
// chained applied index above it notices (S2). Reads and scans take few of the thread pool's threads, so
// that log writes find one free (S4): 2 + 1 here, 1 for a batch, 1 for the log, and some for the rest, which
// is why the server starts with UV_THREADPOOL_SIZE of 8 or more.
import * as fs from "node:fs";
import RocksDB from "rocksdb";
import { assert } from "../base/index.ts";
import type { DiskFailure } from "./disk.ts";
import type {
  Engine,
  EngineOp,
  EngineOpening,
  EngineRange,
  EngineRow,
  EngineSnapshot,
} from "./engine.ts";
import { Turnstile } from "./turnstile.ts";

/** Sizes in bytes; counts of operations. */
export interface RocksdbOptions {
  /**
   * Of one memtable; the package's 4 MiB would stall writers on flushes. A third of the machine's
   * `engineLogBytesMax`: what is in no table file yet is only protected by the chain of applied indexes.
   */
  readonly writeBufferBytes: number;
  /** Of uncompressed blocks kept in memory. */
  readonly blockCacheBytes: number;
  readonly openFilesMax: number;
  readonly getsMax: number;
  readonly scansMax: number;
  /** Gets and scans that wait, each; beyond it they fail as `full`. */
  readonly waitingMax: number;
}

export const ROCKSDB_OPTIONS_DEFAULT: RocksdbOptions = {
  writeBufferBytes: 32 * 1024 * 1024,
  blockCacheBytes: 16 * 1024 * 1024,
  openFilesMax: 1000,
  getsMax: 2,
  scansMax: 1,
  waitingMax: 65_536,
};

/** Rows that the native side reads ahead of a scan, by bytes. */
const READ_AHEAD_BYTES = 256 * 1024;

/** In table files, and not in one yet. */
const LIVE_PROPERTIES = ["rocksdb.estimate-live-data-size", "rocksdb.cur-size-active-mem-table"];

type Database = ReturnType<typeof RocksDB>;
type Done = (failure: DiskFailure | undefined) => void;

/** Opens the directory as a database, made if there is none. Refusals: locked, corrupt, full, io. */
export function openRocksdbEngine(
  directory: string,
  done: (opening: EngineOpening) => void,
  options: RocksdbOptions = ROCKSDB_OPTIONS_DEFAULT,
): void {
  const database = RocksDB(directory);
  const settings = {
    createIfMissing: true,
    compression: true,
    writeBufferSize: options.writeBufferBytes,
    cacheSize: options.blockCacheBytes,
    maxOpenFiles: options.openFilesMax,
  };
  database.open(settings, (error) => {
    if (error) done({ ok: false, failure: failureOf(error, directory) });
    else done({ ok: true, engine: new RocksdbEngine(database, directory, options) });
  });
}

/**
 * Removes a closed engine's directory, after a gap in its chain was found. Its name goes first, so that a
 * crash on the way leaves a whole engine or none. A missing directory is removed already.
 */
export function destroyEngine(directory: string, done: Done): void {
  const discarded = `${directory}.discarded`;
  const end = (error: NodeJS.ErrnoException | null): void =>
    done(error === null ? undefined : failureOf(error, directory));
  const removal = { recursive: true, force: true };
  fs.rm(discarded, removal, (leftoverError) => {
    if (leftoverError !== null) {
      end(leftoverError);
      return;
    }
    fs.rename(directory, discarded, (error) => {
      if (error === null) fs.rm(discarded, removal, end);
      else end(error.code === "ENOENT" ? null : error);
    });
  });
}

class RocksdbEngine implements Engine {
  readonly #database: Database;
  readonly #directory: string;
  readonly #gets: Turnstile;
  readonly #scans: Turnstile;
  readonly #compactions: Turnstile;
  /** Batches go in one at a time, in order. */
  readonly #writes: Turnstile;
  #writeFailure: DiskFailure | undefined;
  #closing: Done | undefined;
  #snapshots = 0;

  constructor(database: Database, directory: string, options: RocksdbOptions) {
    this.#database = database;
    this.#directory = directory;
    const { getsMax, scansMax, waitingMax } = options;
    this.#gets = new Turnstile({ activeMax: getsMax, waitingMax });
    this.#scans = new Turnstile({ activeMax: scansMax, waitingMax });
    this.#compactions = new Turnstile({ activeMax: 1, waitingMax });
    this.#writes = new Turnstile({ activeMax: 1, waitingMax });
  }

  write(ops: readonly EngineOp[], sync: boolean, done: Done): void {
    this.#enter(this.#writes, done, (end) => {
      if (this.#writeFailure !== undefined) {
        // A batch behind a failed one would leave a hole (S3).
        this.#later(() => end(this.#writeFailure));
        return;
      }
      const batch = this.#database.batch();
      for (const op of ops) {
        if (op.op === "put") batch.put(bufferOf(op.key), bufferOf(op.value));
        else batch.del(bufferOf(op.key));
      }
      batch.write({ sync }, (error) => {
        if (error) this.#writeFailure = failureOf(error, this.#directory);
        end(this.#writeFailure);
      });
    });
  }

  get(
    keys: readonly Uint8Array[],
    done: (failure: DiskFailure | undefined, values: readonly (Uint8Array | undefined)[]) => void,
  ): void {
    let values: readonly (Uint8Array | undefined)[] = [];
    const answered = (failure: DiskFailure | undefined): void => done(failure, values);
    this.#enter(this.#gets, answered, (end) => {
      this.#database.getMany(keys.map(bufferOf), { asBuffer: true }, (error, found) => {
        if (!error) values = found.map((value) => (Buffer.isBuffer(value) ? value : undefined));
        end(error ? failureOf(error, this.#directory) : undefined);
      });
    });
  }

  scan(
    range: EngineRange,
    bytesMax: number,
    done: (
      failure: DiskFailure | undefined,
      page: { readonly rows: readonly EngineRow[]; readonly next?: Uint8Array },
    ) => void,
  ): void {
    const rows: EngineRow[] = [];
    let next: Uint8Array | undefined;
    const answered = (failure: DiskFailure | undefined): void => {
      if (failure !== undefined) done(failure, { rows: [] });
      else done(undefined, next === undefined ? { rows } : { rows, next });
    };
    this.#enter(this.#scans, answered, (end) => {
      const iterator = this.#database.iterator({
        gte: bufferOf(range.from),
        lt: bufferOf(range.until),
        fillCache: false,
        highWaterMark: Math.min(bytesMax, READ_AHEAD_BYTES),
      });
      let bytes = 0;
      const finish = (error: Error | undefined): void => {
        iterator.end((endError) => {
          const failed = error ?? endError;
          end(failed ? failureOf(failed, this.#directory) : undefined);
        });
      };
      const step = (): void => {
        iterator.next((error, key, value) => {
          // The package says null, undefined or nothing for "no error", and no key at the end.
          if (error || !Buffer.isBuffer(key) || !Buffer.isBuffer(value)) {
            finish(error);
          } else if (rows.length > 0 && bytes >= bytesMax) {
            next = key;
            finish(undefined);
          } else {
            rows.push({ key, value });
            bytes += key.length + value.length;
            step();
          }
        });
      };
      step();
    });
  }

  /** The package takes RocksDB's snapshot when an iterator is made, in this very call. */
  snapshot(): EngineSnapshot {
    assert(this.#closing === undefined, "a closed engine does nothing");
    const iterator = this.#database.iterator({
      fillCache: false,
      highWaterMark: READ_AHEAD_BYTES,
    });
    let closed = false;
    this.#snapshots += 1;
    return {
      next: (bytesMax, done) => {
        assert(!closed, "a closed snapshot is not read");
        const rows: EngineRow[] = [];
        const answered = (failure: DiskFailure | undefined): void =>
          done(failure, failure === undefined ? rows : []);
        this.#enter(this.#scans, answered, (end) => {
          let bytes = 0;
          const step = (): void => {
            iterator.next((error, key, value) => {
              if (error) end(failureOf(error, this.#directory));
              else if (!Buffer.isBuffer(key) || !Buffer.isBuffer(value)) end(undefined);
              else {
                rows.push({ key, value });
                bytes += key.length + value.length;
                if (bytes >= bytesMax) end(undefined);
                else step();
              }
            });
          };
          step();
        });
      },
      close: () => {
        if (closed) return;
        closed = true;
        iterator.end(() => {
          this.#snapshots -= 1;
          this.#closeIfIdle();
        });
      },
    };
  }

  /** On a thread of the pool; RocksDB writes the merged tables aside and changes over to them. */
  compact({ from, until }: EngineRange, done: Done): void {
    this.#enter(this.#compactions, done, (end) => {
      this.#database.compactRange(bufferOf(from), bufferOf(until), (error) => {
        end(error ? failureOf(error, this.#directory) : undefined);
      });
    });
  }

  liveBytes(): number {
    assert(this.#closing === undefined, "a closed engine does nothing");
    return LIVE_PROPERTIES.reduce((sum, name) => {
      const bytes = Number(this.#database.getProperty(name));
      return sum + (Number.isSafeInteger(bytes) ? bytes : 0);
    }, 0);
  }

  close(done: Done): void {
    assert(this.#closing === undefined, "the engine is closed already");
    this.#closing = done;
    this.#closeIfIdle();
  }

  /** Runs `task` when its turn comes; `end` frees the turn and then answers. */
  #enter(turnstile: Turnstile, done: Done, task: (end: Done) => void): void {
    assert(this.#closing === undefined, "a closed engine does nothing");
    const entered = turnstile.enter((leave) => {
      task((failure) => {
        leave();
        done(failure);
        this.#closeIfIdle();
      });
    });
    if (entered) return;
    const message = `engine ${this.#directory}: too many operations wait`;
    this.#later(() => done({ kind: "full", message }));
  }

  #later(run: () => void): void {
    setImmediate(run);
  }

  #closeIfIdle(): void {
    const done = this.#closing;
    if (done === undefined) return;
    const busy = [this.#gets, this.#scans, this.#writes, this.#compactions];
    if (busy.some(({ count }) => count > 0) || this.#snapshots > 0) return;
    this.#database.close((error) => done(error ? failureOf(error, this.#directory) : undefined));
  }
}

/** The same bytes: the package takes anything but a Buffer for a string. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function failureOf(error: Error, directory: string): DiskFailure {
  const said = `engine ${directory}: ${error.message}`;
  if (/lock hold by|LOCK: |Resource temporarily unavailable/.test(error.message)) {
    return { kind: "locked", message: `${said} (another process has it open)` };
  }
  if (/^Corruption|CURRENT file/.test(error.message)) return { kind: "corrupt", message: said };
  if (/No space left|ENOSPC|quota/i.test(error.message)) return { kind: "full", message: said };
  return { kind: "io", message: said };
}
