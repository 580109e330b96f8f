// A machine's disk under the consensus log: writes sit in a cache until synced. A process that dies
// leaves the cache intact; a machine that dies loses any subset of its sectors, in any order, and may
// tear the last write. Each completion is an event with a drawn delay.
import { assert, present } from "../../base/index.ts";
import type { Disk, DiskDone, DiskFailure } from "../../store/disk.ts";
import { WITNESS_NAME } from "../../store/log-witness.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import type { Process } from "./process.ts";

const SECTOR_BYTES = 512;

/** Delays in ms of true time; rates are probabilities an operation. */
export interface DiskFaults {
  readonly delayMeanMs: number;
  /** An operation that takes up to `stallMs`. */
  readonly stallRate: number;
  readonly stallMs: number;
  /** A write that fails: nothing may be written after it (S3). */
  readonly errorRate: number;
  /** A read that fails. */
  readonly readErrorRate: number;
  /** A file made or a write, from which on the disk is full for up to `fullMs`. */
  readonly fullRate: number;
  readonly fullMs: number;
  /** A synced write of the log that lands elsewhere in its file, over what was there. */
  readonly misdirectRate: number;
  /** At a start: what lies on the disk has rotted, in up to `rotMax` places. */
  readonly rotRate: number;
  readonly rotMax: number;
  /** Of those starts: it struck names, not only bytes of entries. */
  readonly namesRate: number;
}

export const DISK_HEALTHY: DiskFaults = {
  delayMeanMs: 0.2,
  stallRate: 0,
  stallMs: 0,
  errorRate: 0,
  readErrorRate: 0,
  fullRate: 0,
  fullMs: 0,
  misdirectRate: 0,
  rotRate: 0,
  rotMax: 0,
  namesRate: 0,
};

/** What a power cut does to sectors that were written and not synced. */
export type CrashLoss = "all" | "none" | "any";

interface CachedWrite {
  readonly offsetBytes: number;
  readonly bytes: Uint8Array;
}

interface SimFile {
  /** What survives power loss; zeros beyond its length up to `sizeBytes`. */
  durable: Uint8Array;
  /** What a read sees. */
  visible: Uint8Array;
  sizeBytes: number;
  /** Written and not synced, oldest first. */
  cached: CachedWrite[];
  /** Where writes began, oldest first: what a misdirected one lands on. */
  readonly begun: number[];
}

interface InFlight {
  readonly land: () => void;
  readonly tear?: () => void;
  ended: boolean;
}

export class SimDisk {
  readonly #events: EventQueue;
  readonly #chance: Chance;
  readonly #name: string;
  readonly #files = new Map<string, SimFile>();
  readonly #inFlight = new Set<InFlight>();
  #faults: DiskFaults;
  #stalledUntilMs = 0;
  #fullUntilMs = 0;
  #busyUntilMs = 0;
  /** A write that landed elsewhere; nothing written since proves that it should be there. */
  #misplaced: { readonly name: string; readonly write: CachedWrite } | undefined;
  /** Whether a crash may tear the hard state: beside a log that lost its names, that is beyond repair. */
  mayTearHardState: () => boolean = () => true;
  /** Asked before a write is misdirected: whether the cluster can mend one more member. */
  mayMisdirect: () => boolean = () => false;

  constructor(name: string, events: EventQueue, chance: Chance, faults: DiskFaults) {
    this.#name = name;
    this.#events = events;
    this.#chance = chance;
    this.#faults = faults;
  }

  setFaults(faults: DiskFaults): void {
    this.#faults = faults;
    this.#stalledUntilMs = Math.min(this.#stalledUntilMs, this.#events.nowMs);
    this.#fullUntilMs = Math.min(this.#fullUntilMs, this.#events.nowMs);
  }

  get faults(): DiskFaults {
    return this.#faults;
  }

  /** What survives power loss, by file; views, to be looked at and damaged at rest. */
  atRest(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.#files].map(([name, file]) => [name, file.durable]));
  }

  /** Bytes at rest are others from here on, and nobody is told. */
  rot(name: string, offsetBytes: number, bytes: Uint8Array): void {
    const file = present(this.#files.get(name), `the file ${name}`);
    file.durable = overlaid(file.durable, offsetBytes, bytes);
    file.visible = overlaid(file.visible, offsetBytes, bytes);
  }

  /** When the last operation issued so far completes, in true time. */
  get busyUntilMs(): number {
    return this.#busyUntilMs;
  }

  /** Nothing completes for this long. */
  stall(forMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#events.nowMs + forMs);
  }

  /** The process is gone: what it had issued lands, in whole or in part, or not at all. */
  processDied(): void {
    for (const operation of this.#inFlight) {
      operation.ended = true;
      if (this.#chance.hits(0.5)) operation.land();
      else if (this.#chance.hits(0.3)) operation.tear?.();
    }
    this.#inFlight.clear();
    this.#settleMisplaced();
  }

  /**
   * With nothing written behind it, a write that never came to its place cannot be told from one that was
   * never made: no check can be asked to see that, so it did come.
   */
  #settleMisplaced(): void {
    const misplaced = this.#misplaced;
    this.#misplaced = undefined;
    if (misplaced === undefined || !this.#files.has(misplaced.name)) return;
    this.rot(misplaced.name, misplaced.write.offsetBytes, misplaced.write.bytes);
  }

  /** Power is gone: what was not synced is lost by `loss`, sector by sector where it says `any`. */
  powerLost(loss: CrashLoss): void {
    this.processDied();
    for (const file of this.#files.values()) {
      for (const write of file.cached) this.#settleCached(file, write, loss);
      file.cached = [];
      file.visible = file.durable.slice();
    }
  }

  #settleCached(file: SimFile, write: CachedWrite, loss: CrashLoss): void {
    const end = write.offsetBytes + write.bytes.length;
    let from = write.offsetBytes;
    while (from < end) {
      const until = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES);
      const kept = loss === "none" || (loss === "any" && this.#chance.hits(0.5));
      if (kept && from < file.sizeBytes) {
        const part = write.bytes.subarray(from - write.offsetBytes, until - write.offsetBytes);
        file.durable = overlaid(file.durable, from, part);
      }
      from = until;
    }
  }

  /** The port, as one life of `process` sees it. */
  open(process: Process): Disk {
    const run = <T>(
      label: string,
      done: DiskDone<T>,
      empty: T,
      effect: () => DiskFailure | T,
      onCrash: { readonly land?: () => void; readonly tear?: () => void } = {},
    ): void => this.#operate(process, label, done, empty, effect, onCrash);
    return {
      list: (done) => run("list", done, [], () => [...this.#files.keys()].sort()),
      size: (name, done) =>
        run("size", done, 0, () => this.#files.get(name)?.sizeBytes ?? missing(name)),
      read: (name, offsetBytes, lengthBytes, done) =>
        run("read", done, new Uint8Array(), () => this.#read(name, offsetBytes, lengthBytes)),
      create: (name, sizeBytes, done) => {
        const land = (): undefined => {
          this.#files.set(name, emptyFile(sizeBytes));
        };
        const full = this.#isFull();
        const effect = (): DiskFailure | undefined => (full ? this.#full(name) : land());
        run("create", done, undefined, effect, full ? {} : { land });
      },
      write: (name, offsetBytes, bytes, sync, done) =>
        this.#write(process, name, { offsetBytes, bytes: bytes.slice() }, sync, done),
      truncate: (name, sizeBytes, done) => {
        const effect = (): DiskFailure | undefined => this.#truncate(name, sizeBytes);
        run("truncate", done, undefined, effect, { land: effect });
      },
      remove: (name, done) => {
        const effect = (): DiskFailure | undefined =>
          this.#files.delete(name) ? undefined : missing(name);
        run("remove", done, undefined, effect, { land: effect });
      },
      rename: (from, to, done) => {
        const effect = (): DiskFailure | undefined => this.#rename(from, to);
        run("rename", done, undefined, effect, { land: effect });
      },
      close: (done) => run("close", done, undefined, () => undefined),
    };
  }

  #delayMs(): number {
    const faults = this.#faults;
    let delayMs = 0.02 + this.#chance.waitMs(faults.delayMeanMs);
    if (this.#chance.hits(faults.stallRate)) delayMs += this.#chance.between(0, faults.stallMs);
    delayMs = Math.max(delayMs, this.#stalledUntilMs - this.#events.nowMs);
    this.#busyUntilMs = Math.max(this.#busyUntilMs, this.#events.nowMs + delayMs);
    return delayMs;
  }

  /** The device works on while the process is stopped; the process hears of it when it runs again. */
  #operate<T>(
    process: Process,
    label: string,
    done: DiskDone<T>,
    empty: T,
    effect: () => DiskFailure | T,
    onCrash: { readonly land?: () => void; readonly tear?: () => void },
  ): void {
    const life = process.life;
    const operation: InFlight = {
      land: onCrash.land ?? (() => undefined),
      ...(onCrash.tear === undefined ? {} : { tear: onCrash.tear }),
      ended: false,
    };
    this.#inFlight.add(operation);
    this.#events.schedule(this.#delayMs(), `${this.#name} disk ${label}`, () => {
      if (operation.ended) return;
      assert(process.life === life, "an operation of an earlier life is still in flight");
      operation.ended = true;
      this.#inFlight.delete(operation);
      const result = effect();
      const end = isFailure(result) ? () => done(result, empty) : () => done(undefined, result);
      process.arrive(`disk ${label} done`, end);
    });
  }

  #write(
    process: Process,
    name: string,
    write: CachedWrite,
    sync: boolean,
    done: DiskDone<undefined>,
  ): void {
    const elsewhere = sync ? this.#misdirected(name, write) : undefined;
    const land = (): DiskFailure | undefined => {
      const file = this.#files.get(name);
      if (file === undefined) return missing(name);
      this.#putInCache(file, elsewhere ?? write);
      file.begun.push(write.offsetBytes);
      if (elsewhere !== undefined) this.#misplaced = { name, write };
      else if (sync && this.#misplaced?.name === name) this.#misplaced = undefined;
      if (!sync) return undefined;
      for (const cached of file.cached) this.#settleCached(file, cached, "none");
      file.cached = [];
      return undefined;
    };
    const tear = (): void => {
      const file = this.#files.get(name);
      const spared = name === WITNESS_NAME && !this.mayTearHardState();
      if (file !== undefined && !spared) this.#putInCache(file, this.#torn(write));
    };
    const fails = this.#chance.hits(this.#faults.errorRate);
    const full = this.#isFull();
    const effect = (): DiskFailure | undefined => {
      if (!fails && !full) return land();
      tear();
      if (full) return this.#full(name);
      return { kind: "io", message: `${this.#name}: injected write error on ${name}` };
    };
    this.#operate(process, sync ? "sync write" : "write", done, undefined, effect, { land, tear });
  }

  /** A full disk stays full for a while, also across restarts. */
  #isFull(): boolean {
    const { fullRate, fullMs } = this.#faults;
    const nowMs = this.#events.nowMs;
    if (nowMs < this.#fullUntilMs) return true;
    if (!this.#chance.hits(fullRate)) return false;
    this.#fullUntilMs = nowMs + this.#chance.between(0, fullMs);
    return true;
  }

  #full(name: string): DiskFailure {
    return { kind: "full", message: `${this.#name}: no space for ${name}` };
  }

  /** The place of an earlier write of the same file, if this write is to land there. */
  #misdirected(name: string, write: CachedWrite): CachedWrite | undefined {
    if (!name.endsWith(".log") || this.#misplaced !== undefined) return undefined;
    if (write.bytes.length === 0) return undefined;
    if (!this.#chance.hits(this.#faults.misdirectRate) || !this.mayMisdirect()) return undefined;
    const before = this.#files.get(name)?.begun.filter((at) => at < write.offsetBytes) ?? [];
    if (before.length === 0) return undefined;
    return { offsetBytes: this.#chance.pick(before), bytes: write.bytes };
  }

  #torn(write: CachedWrite): CachedWrite {
    const lengthBytes = this.#chance.whole(0, write.bytes.length + 1);
    return { offsetBytes: write.offsetBytes, bytes: write.bytes.subarray(0, lengthBytes) };
  }

  #putInCache(file: SimFile, write: CachedWrite): void {
    file.visible = overlaid(file.visible, write.offsetBytes, write.bytes);
    file.sizeBytes = Math.max(file.sizeBytes, write.offsetBytes + write.bytes.length);
    file.cached.push(write);
  }

  #read(name: string, offsetBytes: number, lengthBytes: number): DiskFailure | Uint8Array {
    const file = this.#files.get(name);
    if (file === undefined) return missing(name);
    if (this.#chance.hits(this.#faults.readErrorRate)) {
      return { kind: "io", message: `${this.#name}: injected read error on ${name}` };
    }
    const until = Math.max(offsetBytes, Math.min(offsetBytes + lengthBytes, file.sizeBytes));
    const bytes = new Uint8Array(until - offsetBytes);
    bytes.set(file.visible.subarray(offsetBytes, Math.min(until, file.visible.length)));
    return bytes;
  }

  #truncate(name: string, sizeBytes: number): DiskFailure | undefined {
    const file = this.#files.get(name);
    if (file === undefined) return missing(name);
    file.durable = file.durable.slice(0, sizeBytes);
    file.visible = file.visible.slice(0, sizeBytes);
    file.sizeBytes = sizeBytes;
    file.cached = file.cached
      .filter((write) => write.offsetBytes < sizeBytes)
      .map(({ offsetBytes, bytes }) => ({
        offsetBytes,
        bytes: bytes.subarray(0, sizeBytes - offsetBytes),
      }));
    return undefined;
  }

  #rename(from: string, to: string): DiskFailure | undefined {
    if (!this.#files.has(from)) return missing(from);
    this.#files.set(to, present(this.#files.get(from), "the renamed file"));
    this.#files.delete(from);
    return undefined;
  }
}

function emptyFile(sizeBytes: number): SimFile {
  return { durable: new Uint8Array(), visible: new Uint8Array(), sizeBytes, cached: [], begun: [] };
}

function missing(name: string): DiskFailure {
  return { kind: "missing", message: `${name} is missing` };
}

function isFailure(result: unknown): result is DiskFailure {
  return typeof result === "object" && result !== null && "kind" in result && "message" in result;
}

/** `bytes` with `part` at `offsetBytes`, grown with zeros as needed. May write in place. */
function overlaid(bytes: Uint8Array, offsetBytes: number, part: Uint8Array): Uint8Array {
  const endBytes = offsetBytes + part.length;
  if (endBytes <= bytes.length) {
    bytes.set(part, offsetBytes);
    return bytes;
  }
  // Capacity doubles, so that a log that grows a record at a time is not copied a record at a time.
  const grown = new Uint8Array(Math.max(endBytes, bytes.length * 2, 4096));
  grown.set(bytes);
  grown.set(part, offsetBytes);
  return grown;
}
