// How long the disk takes: syncs of the log, batches of the engine. Wrapped around both where they are opened, so
// that neither knows of it.
import { Buckets, exponentialBounds } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import type { Disk, Engine } from "../store/index.ts";

/** etcd's for both: 1 ms to 8 s. */
const SECONDS = exponentialBounds(0.001, 2, 14);

export class DiskTimings {
  readonly logSyncSeconds = new Buckets(SECONDS);
  readonly engineWriteSeconds = new Buckets(SECONDS);
  logBytesWritten = 0;
  /** Of the log's segments, once it is open. */
  logBytes: () => number = () => 0;
  readonly #now: () => MonotonicMs;

  constructor(now: () => MonotonicMs) {
    this.#now = now;
  }

  /** `disk`, its synced writes timed from the call until they are durable. */
  disk(disk: Disk): Disk {
    return {
      list: (done) => disk.list(done),
      size: (name, done) => disk.size(name, done),
      read: (name, offsetBytes, lengthBytes, done) =>
        disk.read(name, offsetBytes, lengthBytes, done),
      create: (name, sizeBytes, done) => disk.create(name, sizeBytes, done),
      write: (name, offsetBytes, bytes, sync, done) => {
        this.logBytesWritten += bytes.length;
        if (!sync) {
          disk.write(name, offsetBytes, bytes, sync, done);
          return;
        }
        const beganAtMs = this.#now();
        disk.write(name, offsetBytes, bytes, sync, (failure, result) => {
          this.logSyncSeconds.add((this.#now() - beganAtMs) / 1000);
          done(failure, result);
        });
      },
      truncate: (name, sizeBytes, done) => disk.truncate(name, sizeBytes, done),
      remove: (name, done) => disk.remove(name, done),
      rename: (from, to, done) => disk.rename(from, to, done),
      close: (done) => disk.close(done),
    };
  }

  /** `engine`, its batches timed from the call until they are written, synced or not. */
  engine(engine: Engine): Engine {
    return {
      write: (ops, sync, done) => {
        const beganAtMs = this.#now();
        engine.write(ops, sync, (failure) => {
          this.engineWriteSeconds.add((this.#now() - beganAtMs) / 1000);
          done(failure);
        });
      },
      get: (keys, done) => engine.get(keys, done),
      scan: (range, bytesMax, done) => engine.scan(range, bytesMax, done),
      snapshot: () => engine.snapshot(),
      compact: (range, done) => engine.compact(range, done),
      liveBytes: () => engine.liveBytes(),
      close: (done) => engine.close(done),
    };
  }
}
