// The Disk port over a directory of a real file system. A synced write is one pwrite through an O_DSYNC
// descriptor: one trip to the thread pool, where write and fdatasync would be two (105 against 130 us on
// preallocated bytes, 55 against 85 us of CPU; docs/decisions/0013). Zeros are written ahead for the same
// reason: a write that allocates its block waits for the file system's journal (160 to 200 us).
import { closeSync, constants, fsyncSync, openSync } from "node:fs";
import * as fs from "node:fs";
import { join } from "node:path";
import { assert } from "../base/index.ts";
import type { Disk, DiskDone, DiskFailure } from "./disk.ts";

/** Files whose descriptors stay open for writing; a log uses three at a time. */
const OPEN_FILES_MAX = 8;
const ZEROS_BYTES = 1024 * 1024;
const NAME = /^[a-z0-9.-]+$/;
const NOTHING = new Uint8Array();

interface OpenFile {
  readonly plain: number;
  readonly synced: number;
  /** Bytes may sit in the page cache that an O_DSYNC write would pass by, from this process or another. */
  dirty: boolean;
  writing: number;
}

type Outcome = NodeJS.ErrnoException | null;

/**
 * Opens the directory, which exists, and makes the names in it durable: an earlier process may have died
 * between a rename and its sync.
 *
 * @throws {Error} where the directory cannot be opened or synced.
 */
export function openNodeDisk(directory: string): Disk {
  const handle = openSync(directory, constants.O_RDONLY);
  try {
    fsyncSync(handle);
  } catch (error) {
    closeSync(handle);
    throw error;
  }
  return new NodeDisk(directory, handle);
}

class NodeDisk implements Disk {
  readonly #directory: string;
  readonly #handle: number;
  readonly #open = new Map<string, OpenFile>();

  constructor(directory: string, handle: number) {
    this.#directory = directory;
    this.#handle = handle;
  }

  list(done: DiskDone<readonly string[]>): void {
    fs.readdir(this.#directory, (error, names) => {
      if (error !== null) done(failureOf(error), []);
      else done(undefined, names.sort());
    });
  }

  size(name: string, done: DiskDone<number>): void {
    fs.stat(this.#path(name), (error, stat) => {
      if (error !== null) done(failureOf(error), 0);
      else done(undefined, stat.size);
    });
  }

  read(name: string, offsetBytes: number, lengthBytes: number, done: DiskDone<Uint8Array>): void {
    fs.open(this.#path(name), constants.O_RDONLY, (openError, file) => {
      if (openError !== null) {
        done(failureOf(openError), NOTHING);
        return;
      }
      const bytes = new Uint8Array(lengthBytes);
      this.#readAll(file, bytes, 0, offsetBytes, (error, length) => {
        fs.close(file, (closeError) => {
          const failed = error ?? closeError;
          if (failed) done(failureOf(failed), NOTHING);
          else done(undefined, bytes.subarray(0, length));
        });
      });
    });
  }

  #readAll(
    file: number,
    bytes: Uint8Array,
    from: number,
    position: number,
    done: (error: Outcome, length: number) => void,
  ): void {
    fs.read(file, bytes, from, bytes.length - from, position, (error, length) => {
      const until = from + length;
      if (error !== null || length === 0 || until === bytes.length) done(error, until);
      else this.#readAll(file, bytes, until, position + length, done);
    });
  }

  create(name: string, sizeBytes: number, done: DiskDone<undefined>): void {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC;
    fs.open(this.#path(name), flags, 0o600, (openError, file) => {
      if (openError !== null) {
        done(failureOf(openError), undefined);
        return;
      }
      const zeros = new Uint8Array(Math.min(ZEROS_BYTES, sizeBytes));
      this.#fill(file, zeros, 0, sizeBytes, (error) => {
        fs.close(file, (closeError) => {
          const failed = error ?? closeError;
          if (failed) done(failureOf(failed), undefined);
          else this.#syncNames(done);
        });
      });
    });
  }

  /** Zeros in pieces, each synced by itself: one large sync at the end would hold up the log's own. */
  #fill(
    file: number,
    zeros: Uint8Array,
    from: number,
    sizeBytes: number,
    done: (error: Outcome) => void,
  ): void {
    const length = Math.min(zeros.length, sizeBytes - from);
    if (length === 0) {
      fs.fsync(file, done);
      return;
    }
    writeAll(file, zeros.subarray(0, length), 0, from, (error) => {
      if (error !== null) {
        done(error);
        return;
      }
      fs.fdatasync(file, (syncError) => {
        if (syncError !== null) done(syncError);
        else this.#fill(file, zeros, from + length, sizeBytes, done);
      });
    });
  }

  write(
    name: string,
    offsetBytes: number,
    bytes: Uint8Array,
    sync: boolean,
    done: DiskDone<undefined>,
  ): void {
    this.#openFile(name, (openError, file) => {
      if (openError !== null || file === undefined) {
        done(failureOf(openError ?? new Error(`${name} did not open`)), undefined);
        return;
      }
      file.writing += 1;
      const end = (error: Outcome): void => {
        file.writing -= 1;
        if (error !== null) done(failureOf(error), undefined);
        else done(undefined, undefined);
      };
      if (sync && !file.dirty) {
        writeAll(file.synced, bytes, 0, offsetBytes, end);
      } else if (sync) {
        writeAndSync(file, bytes, offsetBytes, end);
      } else {
        file.dirty = true;
        writeAll(file.plain, bytes, 0, offsetBytes, end);
      }
    });
  }

  truncate(name: string, sizeBytes: number, done: DiskDone<undefined>): void {
    this.#openFile(name, (openError, file) => {
      if (openError !== null || file === undefined) {
        done(failureOf(openError ?? new Error(`${name} did not open`)), undefined);
        return;
      }
      file.writing += 1;
      const end = (error: Outcome): void => {
        file.writing -= 1;
        if (error !== null) done(failureOf(error), undefined);
        else done(undefined, undefined);
      };
      fs.ftruncate(file.plain, sizeBytes, (error) => {
        if (error !== null) end(error);
        else fs.fsync(file.plain, end);
      });
    });
  }

  remove(name: string, done: DiskDone<undefined>): void {
    this.#forget(name, (closeError) => {
      if (closeError !== null) {
        done(failureOf(closeError), undefined);
        return;
      }
      fs.unlink(this.#path(name), (error) => {
        if (error !== null) done(failureOf(error), undefined);
        else this.#syncNames(done);
      });
    });
  }

  rename(from: string, to: string, done: DiskDone<undefined>): void {
    fs.rename(this.#path(from), this.#path(to), (error) => {
      if (error !== null) {
        done(failureOf(error), undefined);
        return;
      }
      this.#forget(to, (closeError) => {
        if (closeError !== null) {
          done(failureOf(closeError), undefined);
          return;
        }
        const moved = this.#open.get(from);
        if (moved !== undefined) {
          this.#open.delete(from);
          this.#open.set(to, moved);
        }
        this.#syncNames(done);
      });
    });
  }

  close(done: DiskDone<undefined>): void {
    const [name] = this.#open.keys();
    if (name !== undefined) {
      this.#forget(name, (error) => {
        if (error !== null) done(failureOf(error), undefined);
        else this.close(done);
      });
      return;
    }
    fs.close(this.#handle, (error) => {
      if (error) done(failureOf(error), undefined);
      else done(undefined, undefined);
    });
  }

  #path(name: string): string {
    assert(NAME.test(name), `"${name}" is no file name of the log's`);
    return join(this.#directory, name);
  }

  /** The directory's own bytes, which hold the names. */
  #syncNames(done: DiskDone<undefined>): void {
    fs.fsync(this.#handle, (error) => {
      if (error !== null) done(failureOf(error), undefined);
      else done(undefined, undefined);
    });
  }

  /** Answers at once for a file that is open: the log's every write but its first. */
  #openFile(name: string, use: (error: Outcome, file: OpenFile | undefined) => void): void {
    const open = this.#open.get(name);
    if (open !== undefined) {
      use(null, open);
      return;
    }
    const path = this.#path(name);
    fs.open(path, constants.O_RDWR, (error, plain) => {
      if (error !== null) {
        use(error, undefined);
        return;
      }
      fs.open(path, constants.O_RDWR | constants.O_DSYNC, (syncedError, synced) => {
        if (syncedError !== null) {
          fs.close(plain, () => use(syncedError, undefined));
          return;
        }
        this.#keepOpen(name, { plain, synced, dirty: true, writing: 0 }, use);
      });
    });
  }

  #keepOpen(
    name: string,
    file: OpenFile,
    use: (error: Outcome, file: OpenFile | undefined) => void,
  ): void {
    const sooner = this.#open.get(name);
    if (sooner !== undefined) {
      closeBoth(file, (error) => use(error, error === null ? sooner : undefined));
      return;
    }
    this.#open.set(name, file);
    const idle = [...this.#open].find(([other, { writing }]) => other !== name && writing === 0);
    if (this.#open.size <= OPEN_FILES_MAX || idle === undefined) use(null, file);
    else this.#forget(idle[0], (error) => use(error, error === null ? file : undefined));
  }

  /** Closes the file's descriptors, if it is open. What was written stays as durable as it was. */
  #forget(name: string, then: (error: Outcome) => void): void {
    const file = this.#open.get(name);
    if (file === undefined) {
      then(null);
      return;
    }
    this.#open.delete(name);
    closeBoth(file, then);
  }
}

function closeBoth(file: OpenFile, done: (error: Outcome) => void): void {
  fs.close(file.plain, (plainError) => {
    fs.close(file.synced, (error) => done(plainError ?? error ?? null));
  });
}

/** Everything written to the file before becomes durable too, which O_DSYNC would not do. */
function writeAndSync(
  file: OpenFile,
  bytes: Uint8Array,
  offsetBytes: number,
  done: (error: Outcome) => void,
): void {
  writeAll(file.plain, bytes, 0, offsetBytes, (error) => {
    if (error !== null) {
      done(error);
      return;
    }
    // Before the sync: a write that comes while it runs makes the file dirty again. One that is in flight
    // beside this one may land behind the sync.
    if (file.writing === 1) file.dirty = false;
    fs.fdatasync(file.plain, done);
  });
}

function writeAll(
  file: number,
  bytes: Uint8Array,
  from: number,
  position: number,
  done: (error: Outcome) => void,
): void {
  if (from === bytes.length) {
    // Only an empty write comes here; it is deferred like any other.
    fs.fstat(file, (error) => done(error));
    return;
  }
  fs.write(file, bytes, from, bytes.length - from, position, (error, length) => {
    const until = from + length;
    if (error !== null || until === bytes.length) done(error);
    else writeAll(file, bytes, until, position + length, done);
  });
}

function failureOf(error: NodeJS.ErrnoException): DiskFailure {
  const { code, message } = error;
  if (code === "ENOSPC" || code === "EDQUOT") return { kind: "full", message };
  return { kind: code === "ENOENT" ? "missing" : "io", message };
}
