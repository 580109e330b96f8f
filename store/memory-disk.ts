// The Disk port in memory, for tests: what is written sits in a cache until it is synced. `crash` takes the
// power away: operations in flight land, tear or vanish, and of the cache any subset of sectors survives.
// Chance and the order of completions are the caller's.
import { present } from "../base/index.ts";
import type { Random } from "../base/index.ts";
import type { Disk, DiskDone, DiskFailure } from "./disk.ts";

const SECTOR_BYTES = 512;

/** What an operation is, for whoever decides when it completes. */
export interface DiskWork {
  readonly kind: "list" | "size" | "read" | "create" | "write" | "truncate" | "remove" | "rename";
  readonly name: string;
  readonly bytes: number;
  readonly sync: boolean;
}

export interface MemoryDiskOptions {
  /** Calls `run` later, never inside. The operation takes effect when `run` runs. */
  readonly schedule: (run: () => void, work: DiskWork) => void;
  /** Asked before each operation takes effect; a failure keeps it from doing so. */
  readonly fault?: (work: DiskWork) => DiskFailure | undefined;
}

interface CachedWrite {
  readonly offsetBytes: number;
  readonly bytes: Uint8Array;
}

interface MemoryFile {
  /** What survives power loss. */
  durable: Uint8Array;
  /** What a read sees; as long as `durable` or longer. */
  visible: Uint8Array;
  cached: CachedWrite[];
}

interface InFlight {
  readonly effect: () => void;
  readonly torn?: CachedWrite & { readonly name: string };
}

export class MemoryDisk implements Disk {
  readonly #options: MemoryDiskOptions;
  readonly #files = new Map<string, MemoryFile>();
  #inFlight = new Set<InFlight>();

  constructor(options: MemoryDiskOptions) {
    this.#options = options;
  }

  list(done: DiskDone<readonly string[]>): void {
    this.#run(work("list", ""), done, [], () => ({ result: this.names() }));
  }

  size(name: string, done: DiskDone<number>): void {
    this.#run(work("size", name), done, 0, () => {
      const file = this.#files.get(name);
      return file === undefined ? missing(name) : { result: file.visible.length };
    });
  }

  read(name: string, offsetBytes: number, lengthBytes: number, done: DiskDone<Uint8Array>): void {
    this.#run(work("read", name, lengthBytes), done, new Uint8Array(), () => {
      const file = this.#files.get(name);
      if (file === undefined) return missing(name);
      return { result: file.visible.slice(offsetBytes, offsetBytes + lengthBytes) };
    });
  }

  create(name: string, sizeBytes: number, done: DiskDone<undefined>): void {
    this.#run(work("create", name, sizeBytes), done, undefined, () => {
      const file = { durable: new Uint8Array(sizeBytes), visible: new Uint8Array(sizeBytes) };
      this.#files.set(name, { ...file, cached: [] });
      return { result: undefined };
    });
  }

  write(
    name: string,
    offsetBytes: number,
    bytes: Uint8Array,
    sync: boolean,
    done: DiskDone<undefined>,
  ): void {
    const write = { name, offsetBytes, bytes: bytes.slice() };
    const effect = (): Outcome<undefined> => {
      const file = this.#files.get(name);
      if (file === undefined) return missing(name);
      cache(file, write);
      if (sync) makeDurable(file);
      return { result: undefined };
    };
    this.#run(work("write", name, bytes.length, sync), done, undefined, effect, write);
  }

  truncate(name: string, sizeBytes: number, done: DiskDone<undefined>): void {
    this.#run(work("truncate", name, sizeBytes), done, undefined, () => {
      const file = this.#files.get(name);
      if (file === undefined) return missing(name);
      makeDurable(file);
      file.durable = file.durable.slice(0, sizeBytes);
      file.visible = file.visible.slice(0, sizeBytes);
      return { result: undefined };
    });
  }

  remove(name: string, done: DiskDone<undefined>): void {
    this.#run(work("remove", name), done, undefined, () =>
      this.#files.delete(name) ? { result: undefined } : missing(name),
    );
  }

  rename(from: string, to: string, done: DiskDone<undefined>): void {
    this.#run(work("rename", from), done, undefined, () => {
      if (!this.#files.has(from)) return missing(from);
      this.#files.set(to, present(this.#files.get(from), from));
      this.#files.delete(from);
      return { result: undefined };
    });
  }

  close(done: DiskDone<undefined>): void {
    this.#run(work("list", ""), done, undefined, () => ({ result: undefined }));
  }

  /**
   * Power is lost. Of what is in flight and of what was written and not synced, chance keeps nothing, all,
   * some sectors, or a part up to some byte. No completion of an earlier operation comes any more.
   */
  crash(random: Random): void {
    for (const operation of this.#inFlight) {
      const fate = random.u32() % 3;
      if (fate === 0) operation.effect();
      else if (fate === 1 && operation.torn !== undefined) {
        const file = this.#files.get(operation.torn.name);
        if (file !== undefined) cache(file, operation.torn);
      }
    }
    this.#inFlight = new Set();
    for (const file of this.#files.values()) {
      for (const write of file.cached) keepSome(file, write, random);
      file.cached = [];
      file.visible = file.durable.slice();
    }
  }

  /** The process is gone and the machine is not: what is in flight lands or does not, the cache stays. */
  kill(random: Random): void {
    for (const operation of this.#inFlight) if (random.u32() % 2 === 0) operation.effect();
    this.#inFlight = new Set();
  }

  names(): string[] {
    return [...this.#files.keys()].sort();
  }

  /** The bytes themselves, as a read sees them and as they survive: for a test that damages them. */
  damage(name: string, harm: (bytes: Uint8Array) => void): void {
    const file = present(this.#files.get(name), name);
    makeDurable(file);
    harm(file.durable);
    file.visible = file.durable.slice();
  }

  /** Puts a file there, durable, or takes it away. */
  place(name: string, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) this.#files.delete(name);
    else {
      this.#files.set(name, { durable: bytes.slice(), visible: bytes.slice(), cached: [] });
    }
  }

  #run<T>(
    what: DiskWork,
    done: DiskDone<T>,
    none: T,
    effect: () => Outcome<T>,
    torn?: InFlight["torn"],
  ): void {
    const operation: InFlight = torn === undefined ? { effect } : { effect, torn };
    this.#inFlight.add(operation);
    this.#options.schedule(() => {
      if (!this.#inFlight.delete(operation)) return;
      const failure = this.#options.fault?.(what);
      const outcome: Outcome<T> = failure === undefined ? effect() : { failure };
      if ("failure" in outcome) done(outcome.failure, none);
      else done(undefined, outcome.result);
    }, what);
  }
}

type Outcome<T> = { readonly result: T } | { readonly failure: DiskFailure };

function work(kind: DiskWork["kind"], name: string, bytes = 0, sync = false): DiskWork {
  return { kind, name, bytes, sync };
}

function missing(name: string): { readonly failure: DiskFailure } {
  return { failure: { kind: "missing", message: `${name}: no such file` } };
}

function cache(file: MemoryFile, write: CachedWrite): void {
  file.visible = overlaid(file.visible, write.offsetBytes, write.bytes);
  file.cached.push(write);
}

function makeDurable(file: MemoryFile): void {
  for (const { offsetBytes, bytes } of file.cached) {
    file.durable = overlaid(file.durable, offsetBytes, bytes);
  }
  file.cached = [];
}

function keepSome(file: MemoryFile, write: CachedWrite, random: Random): void {
  const fate = random.u32() % 4;
  const end = write.offsetBytes + write.bytes.length;
  const torn = write.offsetBytes + (random.u32() % (write.bytes.length + 1));
  for (let from = write.offsetBytes; from < end;) {
    const sectorEnd = (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES;
    const until = Math.min(end, sectorEnd, fate === 2 && from < torn ? torn : end);
    const kept =
      fate === 1 || (fate === 2 && until <= torn) || (fate === 3 && random.u32() % 2 > 0);
    if (kept) {
      const part = write.bytes.subarray(from - write.offsetBytes, until - write.offsetBytes);
      file.durable = overlaid(file.durable, from, part);
    }
    from = until;
  }
}

/** In place where it fits, else in a longer copy. */
function overlaid(bytes: Uint8Array, offsetBytes: number, part: Uint8Array): Uint8Array {
  const end = offsetBytes + part.length;
  const target = end <= bytes.length ? bytes : new Uint8Array(end);
  if (target !== bytes) target.set(bytes);
  target.set(part, offsetBytes);
  return target;
}
