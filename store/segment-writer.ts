// Where frames go: into the active segment, or into the next one when they do not fit. Keeps a preallocated
// spare ahead, the witness behind, and deletes segments that a compaction made useless, oldest first.
//
// A segment's life: created as `.spare`, zeros, durable; its head and first frame written by one synced
// write; renamed to `.log`; only then is its first frame acknowledged. A crash in between leaves a spare,
// which recovery removes.
import { assert } from "../base/index.ts";
import type { PlantedBug } from "../base/index.ts";
import type { StorageOp } from "../consensus/index.ts";
import type { Disk, DiskFailure } from "./disk.ts";
import type { LogCheckpoint } from "./log-checkpoint.ts";
import { WITNESS_NAME, encodeWitness, markOffsetBytes, slotOffsetBytes } from "./log-witness.ts";
import type { LogPosition } from "./segment-codec.ts";
import { encodeSegmentHead, segmentName, spareName } from "./segment-file.ts";
import {
  FRAME_HEADER_BYTES,
  FrameEncoder,
  RECORD_HEADER_BYTES,
  alignedBytes,
  recordCount,
} from "./segment-frame.ts";
import type { RecoveredLog } from "./segment-recovery.ts";
import type { SegmentRow, SegmentTable } from "./segment-table.ts";

export interface SegmentWriterOptions {
  readonly segmentBytes: number;
  readonly planted: PlantedBug | undefined;
  /** Once, at the first failure of any operation. */
  readonly onFailure: (failure: DiskFailure) => void;
  /** Work behind the frames (spare, deletions) has ended. */
  readonly onIdle: () => void;
}

interface Frame {
  readonly ops: readonly StorageOp[];
  readonly recordsBytes: number;
  readonly records: number;
  readonly oldestSegment: number | undefined;
  readonly landed: () => void;
}

interface PlacedFrame extends Frame {
  readonly row: SegmentRow;
  readonly from: number;
  readonly until: number;
  written: boolean;
}

interface Spare {
  readonly sizeBytes: number;
  ready: boolean;
  waiting: (() => void) | undefined;
}

export class SegmentWriter {
  readonly #disk: Disk;
  readonly #options: SegmentWriterOptions;
  readonly #table: SegmentTable;
  readonly #salt: number;
  /** As of `#durableEnd`, where the reader's may be ahead. */
  readonly #checkpoint: LogCheckpoint;
  readonly #encoder = new FrameEncoder();
  /** Written and not landed, in order. */
  readonly #placed: PlacedFrame[] = [];
  #nextFrom: number;
  #durableEnd: LogPosition;
  #turn: number;
  #spare: Spare | undefined;
  #rotating = false;
  #deleting = false;
  #halted = false;

  constructor(disk: Disk, recovered: RecoveredLog, options: SegmentWriterOptions) {
    this.#disk = disk;
    this.#options = options;
    this.#table = recovered.table;
    this.#salt = recovered.salt;
    this.#checkpoint = recovered.view.checkpoint.copy();
    this.#durableEnd = recovered.durableEnd;
    this.#nextFrom = recovered.durableEnd.offsetBytes;
    this.#turn = recovered.witnessTurn;
  }

  /** Whether work is under way that no frame waits for. */
  get busy(): boolean {
    return this.#deleting || (this.#spare !== undefined && !this.#spare.ready);
  }

  /** Whether every frame written is durable. */
  get landed(): boolean {
    return this.#placed.length === 0;
  }

  /** Nothing is written any more; what is in flight ends unheard (S3). */
  halt(): void {
    this.#halted = true;
  }

  /** Whether records of this many bytes can go into the active segment beside what is in flight. */
  fits(recordsBytes: number): boolean {
    const room = (this.#table.active?.sizeBytes ?? 0) - this.#nextFrom;
    const ownRecord = RECORD_HEADER_BYTES;
    return !this.#rotating && alignedBytes(FRAME_HEADER_BYTES + recordsBytes + ownRecord) <= room;
  }

  /** One frame with all of `ops`; `landed` when it is durable. `bytes`: of their records. */
  write(ops: readonly StorageOp[], bytes: number, landed: () => void): void {
    const oldestSegment = this.#compacted(ops);
    const own = oldestSegment === undefined ? 0 : 1;
    const frame: Frame = {
      ops,
      recordsBytes: bytes + own * RECORD_HEADER_BYTES,
      records: own + ops.reduce((sum, op) => sum + recordCount(op), 0),
      oldestSegment,
      landed,
    };
    const { active } = this.#table;
    assert(active !== undefined, "an open log has an active segment");
    const until = this.#nextFrom + alignedBytes(FRAME_HEADER_BYTES + frame.recordsBytes);
    if (until > active.sizeBytes) {
      this.#rotate(active, frame);
      return;
    }
    const placed = { ...frame, row: active, from: this.#nextFrom, until, written: false };
    this.#nextFrom = until;
    this.#put(active.name, placed, 0, new Uint8Array(), () => this.#written(placed));
  }

  /** Commit hints alone: into the witness, unsynced. */
  note(ops: readonly StorageOp[], landed: () => void): void {
    for (const op of ops) this.#checkpoint.apply(op);
    const mark = this.#witness();
    this.#disk.write(WITNESS_NAME, markOffsetBytes(), mark, false, this.#then(landed));
  }

  /** The last word of a log that closes in good order: a synced witness of its end. */
  seal(done: (failure: DiskFailure | undefined) => void): void {
    this.#turn += 1;
    this.#disk.write(WITNESS_NAME, slotOffsetBytes(this.#turn), this.#witness(), true, done);
  }

  /** The oldest segment needed once `ops` are durable, if that differs from before. */
  #compacted(ops: readonly StorageOp[]): number | undefined {
    let oldest = this.#checkpoint.oldestSegment;
    for (const op of ops) {
      if (op.op !== "compact-to" && op.op !== "install-snapshot") continue;
      oldest = Math.max(oldest, this.#table.oldestNeeded(op.meta.index));
    }
    return oldest === this.#checkpoint.oldestSegment ? undefined : oldest;
  }

  /** Encodes the frame behind `head` and writes both at `at` of the file, by one synced write. */
  #put(name: string, frame: PlacedFrame, at: number, head: Uint8Array, then: () => void): void {
    // The buffer is the disk's until the write ends; only the planted bug has a second one in flight.
    const encoder = this.#placed.length === 0 ? this.#encoder : new FrameEncoder();
    const { sequence } = frame.row;
    const place = {
      salt: this.#salt,
      at: { sequence, offsetBytes: frame.from },
      durableEnd: this.#durableEnd,
    };
    encoder.begin(place, frame.recordsBytes, frame.records, head);
    for (const op of frame.ops) encoder.add(op);
    if (frame.oldestSegment !== undefined) encoder.addOldestSegment(frame.oldestSegment);
    this.#placed.push(frame);
    const offset = head.length > 0 ? at : frame.from;
    this.#disk.write(name, offset, encoder.finish(), true, this.#then(then));
  }

  /** The callback of an operation: on to `next`, or the end of all writing. */
  #then(next: () => void): (failure: DiskFailure | undefined) => void {
    return (failure) => {
      if (this.#halted) return;
      if (failure === undefined || this.#ignores(failure)) {
        next();
        return;
      }
      this.#halted = true;
      this.#options.onFailure(failure);
    };
  }

  /** The planted bugs: a write that failed counts as one that is done (scenario 74). */
  #ignores({ kind }: DiskFailure): boolean {
    const { planted } = this.#options;
    return (
      (kind === "io" && planted === "write-after-error") ||
      (kind === "full" && planted === "full-disk-ignored")
    );
  }

  #written(frame: PlacedFrame): void {
    frame.written = true;
    this.#table.addFrame(frame.from, frame.until, frame.ops);
    let proven = false;
    for (let first = this.#placed[0]; first?.written === true; first = this.#placed[0]) {
      this.#placed.shift();
      this.#settle(first);
      proven ||= first.ops.some(({ op }) => op === "promise");
    }
    if (proven) this.#prove(frame.landed);
    else this.#land(frame.landed);
  }

  /** The frame and all before it are durable. */
  #settle(frame: PlacedFrame): void {
    for (const op of frame.ops) this.#checkpoint.apply(op);
    if (frame.oldestSegment !== undefined) this.#checkpoint.oldestSegment = frame.oldestSegment;
    this.#durableEnd = { sequence: frame.row.sequence, offsetBytes: frame.until };
  }

  /** A promise and a new segment are acknowledged only once the witness holds them too. */
  #prove(landed: () => void): void {
    this.#turn += 1;
    const slot = this.#witness();
    const offset = slotOffsetBytes(this.#turn);
    this.#disk.write(
      WITNESS_NAME,
      offset,
      slot,
      true,
      this.#then(() => this.#land(landed)),
    );
  }

  #witness(): Uint8Array {
    const { promised, votedFor, commitHint } = this.#checkpoint;
    return encodeWitness({
      salt: this.#salt,
      turn: this.#turn,
      durableEnd: this.#durableEnd,
      promised,
      votedFor,
      commitHint,
    });
  }

  #land(landed: () => void): void {
    this.#deleteOld();
    this.#prepareSpare();
    landed();
  }

  #rotate(active: SegmentRow, frame: Frame): void {
    this.#rotating = true;
    const sequence = active.sequence + 1;
    const head = encodeSegmentHead({
      salt: this.#salt,
      sequence,
      previousEnd: this.#durableEnd,
      checkpoint: this.#checkpoint,
    });
    const until = head.length + alignedBytes(FRAME_HEADER_BYTES + frame.recordsBytes);
    this.#withSpare(sequence, Math.max(until, this.#options.segmentBytes), (sizeBytes) => {
      const name = segmentName(sequence);
      const row = { sequence, name, sizeBytes, endBytes: until, indexMax: 0, pieces: [] };
      const placed = { ...frame, row, from: head.length, until, written: false };
      this.#put(spareName(sequence), placed, 0, head, () => {
        const begin = this.#then(() => {
          this.#table.begin(sequence, name, sizeBytes, head.length);
          this.#nextFrom = until;
          this.#began(placed);
        });
        this.#disk.rename(spareName(sequence), name, begin);
      });
    });
  }

  #began(placed: PlacedFrame): void {
    this.#rotating = false;
    this.#placed.shift();
    this.#table.addFrame(placed.from, placed.until, placed.ops);
    this.#settle(placed);
    this.#prove(placed.landed);
  }

  /** Hands on the size of a ready spare of at least `sizeBytes`, which is then the caller's. */
  #withSpare(sequence: number, sizeBytes: number, use: (sizeBytes: number) => void): void {
    const again = (): void => this.#withSpare(sequence, sizeBytes, use);
    const spare = this.#spare;
    if (spare === undefined) {
      this.#createSpare(sequence, sizeBytes).waiting = again;
    } else if (!spare.ready) {
      spare.waiting = again;
    } else if (spare.sizeBytes >= sizeBytes) {
      this.#spare = undefined;
      use(spare.sizeBytes);
    } else {
      this.#spare = undefined;
      this.#disk.remove(spareName(sequence), this.#then(again));
    }
  }

  #createSpare(sequence: number, sizeBytes: number): Spare {
    const spare: Spare = { sizeBytes, ready: false, waiting: undefined };
    this.#spare = spare;
    const created = this.#then(() => {
      spare.ready = true;
      spare.waiting?.();
      this.#options.onIdle();
    });
    this.#disk.create(spareName(sequence), sizeBytes, created);
    return spare;
  }

  /** From the middle of a segment on the next one is laid out, beside the frames that go on. */
  #prepareSpare(): void {
    const { active } = this.#table;
    if (this.#spare !== undefined || this.#rotating || active === undefined) return;
    if (this.#nextFrom < active.sizeBytes / 2) return;
    this.#createSpare(active.sequence + 1, this.#options.segmentBytes);
  }

  /** In order, so that what is left is an unbroken run whenever the machine stops. */
  #deleteOld(): void {
    if (this.#deleting) return;
    const row = this.#table.shiftOlderThan(this.#checkpoint.oldestSegment);
    if (row === undefined) return;
    this.#deleting = true;
    const removed = this.#then(() => {
      this.#deleting = false;
      this.#deleteOld();
      if (!this.#deleting) this.#options.onIdle();
    });
    this.#disk.remove(row.name, removed);
  }
}
