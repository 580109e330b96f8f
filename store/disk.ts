// Port: the few file operations that the consensus log needs. node-disk.ts and memory-disk.ts implement
// it; the simulator brings its own, which loses what was not synced. Every completion is a callback,
// never called inside the call that asked for it.

/**
 * A failed operation; the store it belongs to is not written again (S3). `full`: no space, or a queue's
 * bound; `missing`: no such file; `locked`: another process holds the store; `corrupt`: the bytes are not
 * those that were written.
 */
export interface DiskFailure {
  readonly kind: "io" | "full" | "missing" | "locked" | "corrupt";
  readonly message: string;
}

export type DiskDone<T> = (failure: DiskFailure | undefined, result: T) => void;

/** One flat directory. Names match /^[a-z0-9.-]+$/. */
export interface Disk {
  /** All names, sorted. */
  list(done: DiskDone<readonly string[]>): void;
  /** Size in bytes. */
  size(name: string, done: DiskDone<number>): void;
  /** Up to `lengthBytes` from `offsetBytes`; fewer at the end of the file. */
  read(name: string, offsetBytes: number, lengthBytes: number, done: DiskDone<Uint8Array>): void;
  /** A file of zeros of this size; done when it and its directory entry survive power loss. */
  create(name: string, sizeBytes: number, done: DiskDone<undefined>): void;
  /**
   * Writes inside or at the end of an existing file. With `sync`, done when the bytes, and everything
   * written to this file before, survive power loss; without it they may be lost or torn.
   */
  write(
    name: string,
    offsetBytes: number,
    bytes: Uint8Array,
    sync: boolean,
    done: DiskDone<undefined>,
  ): void;
  /** Shortens the file; done when that survives power loss. */
  truncate(name: string, sizeBytes: number, done: DiskDone<undefined>): void;
  /** Done when the absence survives power loss. */
  remove(name: string, done: DiskDone<undefined>): void;
  /** Replaces `to` atomically; done when that survives power loss. */
  rename(from: string, to: string, done: DiskDone<undefined>): void;
  close(done: DiskDone<undefined>): void;
}
