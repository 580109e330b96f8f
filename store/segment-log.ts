// The consensus log over segment files (S1): what is accepted while a write is in flight becomes one frame,
// written and synced by one write; batches end in the order of their ids (S3). After the first failure
// nothing is written and every batch fails. segment-recovery.ts opens it, segment-writer.ts places frames.
import { assert } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { LogReader, LogWrite, StorageOp } from "../consensus/index.ts";
import type { Disk, DiskFailure } from "./disk.ts";
import type { Log, LogFailure, LogOpening, LogOptions } from "./log.ts";
import type { LogView } from "./log-view.ts";
import { WITNESS_NAME } from "./log-witness.ts";
import { SurveyedLog } from "./segment-damaged-log.ts";
import { recordBytes } from "./segment-frame.ts";
import { SegmentLoader } from "./segment-loader.ts";
import { recoverLog } from "./segment-recovery.ts";
import type { RecoveredLog } from "./segment-recovery.ts";
import { surveyLog } from "./segment-survey.ts";
import type { SegmentTable } from "./segment-table.ts";
import { SegmentWriter } from "./segment-writer.ts";

/**
 * Opens the log on this disk, which is the log's from here on. `done` comes once; a refusal has changed
 * nothing and leaves the disk open.
 */
export function openLog(
  disk: Disk,
  options: LogOptions,
  done: (opening: LogOpening) => void,
): void {
  recoverLog(disk, options, (result) => {
    if (!result.ok) {
      if (result.failure.kind === "corrupt") survey(disk, options, result.failure, done);
      else done(result);
      return;
    }
    const { recovered } = result;
    const { promised, votedFor, commitHint, configs, generation } = recovered.view.checkpoint;
    const { tornTailBytes } = recovered;
    done({
      ok: true,
      log: new SegmentLog(disk, options, recovered),
      recovery: { promised, votedFor, commitHint, configs, generation, tornTailBytes },
    });
  });
}

function survey(
  disk: Disk,
  options: LogOptions,
  failure: LogFailure,
  done: (opening: LogOpening) => void,
): void {
  surveyLog(disk, options, (readFailure, found) => {
    // A disk that does not answer says nothing of the damage: the next opening reads it again.
    if (readFailure !== undefined) done({ ok: false, failure: readFailure });
    else if (found === undefined) done({ ok: false, failure });
    else done({ ok: false, failure, damaged: new SurveyedLog(disk, options, found) });
  });
}

type Done = (failure: DiskFailure | undefined) => void;

interface Waiting {
  readonly batch: LogWrite;
  readonly done: Done;
  readonly bytes: number;
  /** The lowest index among its entries; Infinity without one. */
  readonly indexMin: number;
}

/** Batches that share a frame. */
interface Flight {
  readonly group: readonly Waiting[];
  ended: boolean;
}

class SegmentLog implements Log {
  readonly reader: LogReader;
  readonly #disk: Disk;
  readonly #options: LogOptions;
  readonly #view: LogView;
  readonly #table: SegmentTable;
  readonly #writer: SegmentWriter;
  readonly #loader: SegmentLoader;
  #queue: Waiting[] = [];
  #flights: Flight[] = [];
  #pendingBytes = 0;
  #lastId = 0;
  #failure: DiskFailure | undefined;
  #failing = false;
  #delivering = false;
  #closing: Done | undefined;
  #closed = false;

  constructor(disk: Disk, options: LogOptions, recovered: RecoveredLog) {
    this.#disk = disk;
    this.#options = options;
    this.#view = recovered.view;
    this.#table = recovered.table;
    this.reader = recovered.view;
    this.#loader = new SegmentLoader(disk, recovered, options.loadBytesMax);
    this.#writer = new SegmentWriter(disk, recovered, {
      segmentBytes: options.segmentBytes,
      planted: options.planted,
      onFailure: (failure) => this.#fail(failure),
      onIdle: () => this.#advance(),
    });
  }

  get sizeBytes(): number {
    return this.#table.sizeBytes;
  }

  newestWithin(bytes: number): LogIndex {
    return this.#table.newestWithin(bytes);
  }

  write(batch: LogWrite, done: Done): void {
    assert(this.#closing === undefined, "a closed log takes no batch");
    assert(batch.id === this.#lastId + 1, `batch ${batch.id} follows ${this.#lastId}`);
    this.#lastId = batch.id;
    for (const op of batch.ops) this.#view.accept(op);
    const bytes = batch.ops.reduce((sum, op) => sum + recordBytes(op), 0);
    this.#queue.push({ batch, done, bytes, indexMin: indexMin(batch.ops) });
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > this.#options.pendingBytesMax) {
      const message = `log: ${this.#pendingBytes} bytes wait for a disk that is too slow`;
      this.#failure ??= { kind: "full", message };
    }
    this.#advance();
  }

  load(from: LogIndex, until: LogIndex, done: Done): void {
    assert(this.#closing === undefined, "a closed log loads nothing");
    this.#loader.load(from, until, (failure) => {
      done(failure);
      this.#advance();
    });
  }

  close(done: Done): void {
    assert(this.#closing === undefined, "the log is closed already");
    this.#closing = done;
    this.#advance();
  }

  /** Begins what can begin: the next frame, the failing of all batches, the end. */
  #advance(): void {
    if (this.#delivering) return;
    if (this.#failure !== undefined && this.#queue.length + this.#flights.length > 0) {
      this.#failLater();
    } else if (this.#queue.length === 0 || this.#failure !== undefined) {
      this.#closeIfIdle();
    } else if ((this.#flights.length === 0 && this.#writer.landed) || this.#overtakes()) {
      this.#begin(this.#takeGroup());
    }
  }

  #begin(group: readonly Waiting[]): void {
    const ops = group.flatMap(({ batch }) => batch.ops);
    const bytes = group.reduce((sum, waiting) => sum + waiting.bytes, 0);
    const flight: Flight = { group, ended: false };
    this.#flights.push(flight);
    const landed = (): void => this.#landed(flight);
    // What is only hinted needs no sync; what is empty waits for the writes before it, and they are done.
    if (ops.every(({ op }) => op === "commit-hint")) this.#writer.note(ops, landed);
    else this.#writer.write(ops, bytes, landed);
  }

  /** The planted bug: more writes while one is in flight; one that lands acknowledges those before (S3). */
  #overtakes(): boolean {
    if (this.#options.planted !== "writes-reordered" || this.#flights.length > 3) return false;
    return this.#writer.fits(this.#queue.reduce((sum, { bytes }) => sum + bytes, 0));
  }

  /** From the queue's head, as many batches as a frame may hold. */
  #takeGroup(): Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const waiting of this.#queue) {
      bytes += waiting.bytes;
      if (count > 0 && bytes > this.#options.frameBytesMax) break;
      count += 1;
    }
    const group = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    return group;
  }

  #landed(flight: Flight): void {
    if (flight.ended) {
      // Under the planted bug alone: it was acknowledged before it landed.
      this.#advance();
      return;
    }
    const position = this.#flights.indexOf(flight);
    // Without the planted bug there is one flight, and it is this one.
    const ended = this.#flights.slice(0, position + 1);
    this.#flights = this.#flights.slice(position + 1);
    this.#deliver(
      ended.flatMap((each) => this.#groupOf(each)),
      undefined,
    );
    this.#view.cache.evict(this.#pinnedFrom(), this.#view.last());
    this.#advance();
  }

  #groupOf(flight: Flight): readonly Waiting[] {
    flight.ended = true;
    return flight.group;
  }

  /** Ends batches in order. What a `done` asks for waits until all of them have ended. */
  #deliver(group: readonly Waiting[], failure: DiskFailure | undefined): void {
    this.#delivering = true;
    for (const { done, bytes } of group) {
      this.#pendingBytes -= bytes;
      done(failure);
    }
    this.#delivering = false;
  }

  #pinnedFrom(): number {
    const inFlight = this.#flights.flatMap(({ group }) => group);
    return [...inFlight, ...this.#queue].reduce(
      (lowest, waiting) => Math.min(lowest, waiting.indexMin),
      Infinity,
    );
  }

  #fail(failure: DiskFailure): void {
    this.#failure ??= failure;
    this.#failAll();
  }

  #failAll(): void {
    this.#writer.halt();
    const flights = this.#flights.flatMap((flight) => this.#groupOf(flight));
    const group = [...flights, ...this.#queue];
    this.#flights = [];
    this.#queue = [];
    this.#deliver(group, this.#failure);
    this.#advance();
  }

  /** A `done` never comes inside the call that asked: the disk, asked for a size, brings it. */
  #failLater(): void {
    this.#writer.halt();
    if (this.#failing) return;
    this.#failing = true;
    this.#disk.size(WITNESS_NAME, () => {
      this.#failing = false;
      this.#failAll();
    });
  }

  #closeIfIdle(): void {
    const done = this.#closing;
    if (done === undefined || this.#closed || this.#delivering || this.#failing) return;
    if (this.#flights.length > 0 || this.#queue.length > 0) return;
    if (this.#loader.busy || (this.#failure === undefined && this.#writer.busy)) return;
    this.#closed = true;
    if (this.#failure !== undefined) {
      this.#disk.close(done);
      return;
    }
    this.#writer.seal((failure) =>
      this.#disk.close((closeFailure) => done(failure ?? closeFailure)),
    );
  }
}

function indexMin(ops: readonly StorageOp[]): number {
  let lowest = Infinity;
  for (const op of ops) {
    const [first] = op.op === "append" ? op.entries : op.op === "put" ? [op.entry] : [];
    if (first !== undefined && first.index < lowest) lowest = first.index;
  }
  return lowest;
}
