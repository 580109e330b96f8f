// What a damaged log still says. Every segment is read once more, frame by frame, by headers alone where
// payloads are damaged: which entries the log held at its end, where their bytes lie, which of them are
// whole, and whether every frame that was acknowledged named its records (scenarios 75 to 77).
import { logIndex } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import { compareEpochs, EPOCH_ZERO } from "../consensus/index.ts";
import type { SnapshotMeta, StorageOp } from "../consensus/index.ts";
import type { Disk, DiskDone } from "./disk.ts";
import type { LogCheckpoint } from "./log-checkpoint.ts";
import type { LogFoundation, LogOptions } from "./log.ts";
import { WITNESS_BYTES, WITNESS_NAME, parseWitness } from "./log-witness.ts";
import type { Witness, WitnessReading } from "./log-witness.ts";
import { comparePositions } from "./segment-codec.ts";
import type { LogPosition } from "./segment-codec.ts";
import { parseSegmentHead, segmentName, sequenceOf } from "./segment-file.ts";
import type { SegmentHead } from "./segment-file.ts";
import { RECORD_KINDS } from "./segment-frame.ts";
import { SegmentScan, isEntryRecord } from "./segment-scan.ts";
import type { NamedFrame, NamedRecord } from "./segment-scan.ts";

/** Where the bytes of an entry lie, as its record's header names it. */
export interface EntryPlace {
  readonly sequence: number;
  readonly record: NamedRecord;
  readonly whole: boolean;
}

export interface LogSurvey {
  readonly salt: number;
  /** Of the highest segment that was ever begun. */
  readonly sequenceLast: number;
  readonly foundation: LogFoundation;
  readonly generation: number;
  /** Of the log as it ended, by index. */
  readonly places: ReadonlyMap<number, EntryPlace>;
  /** Every acknowledged frame named its records: `places` lacks nothing that was acknowledged. */
  readonly named: boolean;
}

/** `done` with undefined and no failure: the promise is not known. */
export function surveyLog(
  disk: Disk,
  options: LogOptions,
  done: DiskDone<LogSurvey | undefined>,
): void {
  disk.read(WITNESS_NAME, 0, WITNESS_BYTES, (failure, bytes) => {
    const reading = failure === undefined ? parseWitness(bytes) : undefined;
    if (reading === undefined) done(failure?.kind === "missing" ? undefined : failure, undefined);
    else new Survey(disk, options, reading, done).start();
  });
}

class Survey {
  readonly #disk: Disk;
  readonly #options: LogOptions;
  readonly #witness: Witness;
  readonly #done: DiskDone<LogSurvey | undefined>;
  readonly #places = new Map<number, EntryPlace>();
  #checkpoint: LogCheckpoint | undefined;
  /** Where the frames read so far end; undefined before the first segment. */
  #end: LogPosition | undefined;
  #oldestRead = 0;
  #sequenceLast: number;
  #named = true;
  readonly #slotLost: boolean;
  /** Behind the last frame of the newest segment. */
  #remainsBytes = 0;

  constructor(
    disk: Disk,
    options: LogOptions,
    { witness, slotLost }: WitnessReading,
    done: DiskDone<LogSurvey | undefined>,
  ) {
    this.#disk = disk;
    this.#options = options;
    this.#witness = witness;
    this.#slotLost = slotLost;
    this.#done = done;
    this.#sequenceLast = witness.durableEnd.sequence;
  }

  start(): void {
    this.#disk.list((failure, names) => {
      if (failure !== undefined) {
        this.#done(failure, undefined);
        return;
      }
      const sequences = names.map(sequenceOf).filter((sequence) => sequence !== undefined);
      this.#sequenceLast = Math.max(this.#sequenceLast, sequences.at(-1) ?? 0);
      this.#readFrom(sequences);
    });
  }

  #readFrom(sequences: readonly number[]): void {
    const [sequence, ...rest] = sequences;
    if (sequence === undefined) {
      this.#conclude();
      return;
    }
    const name = segmentName(sequence);
    this.#disk.size(name, (sizeFailure, sizeBytes) => {
      if (sizeFailure !== undefined) {
        this.#done(sizeFailure, undefined);
        return;
      }
      this.#disk.read(name, 0, sizeBytes, (failure, bytes) => {
        if (failure !== undefined) {
          this.#done(failure, undefined);
          return;
        }
        this.#surveySegment(sequence, bytes, rest.length > 0);
        this.#readFrom(rest);
      });
    });
  }

  #surveySegment(sequence: number, bytes: Uint8Array, hasLater: boolean): void {
    const { salt } = this.#witness;
    const { planted } = this.#options;
    const place = { salt, sequence, baseBytes: 0 };
    const scan = new SegmentScan(bytes, planted === undefined ? place : { ...place, planted });
    const parsed = parseSegmentHead(bytes);
    const own = parsed?.head.sequence === sequence && parsed.head.salt === salt;
    if (own) this.#onHead(parsed.head);
    else this.#named = false;
    let at = own ? parsed.untilBytes : (scan.nextFrame(0) ?? 0);
    this.#oldestRead = this.#oldestRead === 0 ? sequence : this.#oldestRead;
    for (;;) {
      const frame = scan.namedAt(at);
      if ("reason" in frame) {
        const next = scan.nextFrame(at);
        if (next === undefined) break;
        this.#named = false;
        at = next;
        continue;
      }
      const damaged = this.#isDamaged(scan, frame);
      if (damaged && !hasLater && !this.#isAcknowledged(scan, sequence, frame.from)) break;
      this.#takeFrame(scan, sequence, frame);
      at = frame.until;
    }
    this.#end = { sequence, offsetBytes: at };
    this.#remainsBytes = scan.remainsBytes(at);
  }

  /** A head repeats what the log before it comes to; a gap before it is a gap in the names. */
  #onHead(head: SegmentHead): void {
    const { oldestSegment } = head.checkpoint;
    const end = this.#end;
    if (oldestSegment >= head.sequence) {
      // Everything before is useless: a compaction, or a log written anew.
      this.#places.clear();
      this.#named = true;
      this.#oldestRead = head.sequence;
    } else if (end !== undefined && comparePositions(head.previousEnd, end) !== 0) {
      this.#named = false;
    }
    this.#checkpoint = head.checkpoint.copy();
  }

  #isDamaged(scan: SegmentScan, { records }: NamedFrame): boolean {
    return records.some(
      (record) => record.kind !== RECORD_KINDS["oldest-segment"] && scan.opOf(record) === undefined,
    );
  }

  #isAcknowledged(scan: SegmentScan, sequence: number, from: number): boolean {
    const { durableEnd } = this.#witness;
    const witnessed = comparePositions(durableEnd, { sequence, offsetBytes: from }) > 0;
    return witnessed || scan.proofBehind(from) !== undefined;
  }

  #takeFrame(scan: SegmentScan, sequence: number, { records }: NamedFrame): void {
    for (const record of records) {
      const op = scan.opOf(record);
      if (isEntryRecord(record)) {
        this.#places.set(record.count, { sequence, record, whole: op !== undefined });
      } else if (record.kind === RECORD_KINDS["oldest-segment"]) {
        if (this.#checkpoint !== undefined) this.#checkpoint.oldestSegment = record.count;
      } else if (op === undefined || this.#checkpoint === undefined) {
        this.#named = false;
      } else {
        this.#takeOp(op, this.#checkpoint);
      }
    }
  }

  #takeOp(op: StorageOp, checkpoint: LogCheckpoint): void {
    if (op.op === "truncate-from") {
      for (const index of this.#places.keys()) if (index >= op.index) this.#places.delete(index);
      return;
    }
    const goesBack =
      (op.op === "compact-to" || op.op === "install-snapshot") &&
      op.meta.index < checkpoint.meta.index;
    // Behind a gap only: frames are in order.
    if (!goesBack) checkpoint.apply(op);
  }

  #conclude(): void {
    const { salt, durableEnd } = this.#witness;
    const checkpoint = this.#checkpoint;
    const end = this.#end ?? { sequence: 0, offsetBytes: 0 };
    const ends = comparePositions(durableEnd, end) <= 0 && end.sequence === this.#sequenceLast;
    const begins = checkpoint !== undefined && this.#oldestRead <= checkpoint.oldestSegment;
    const named = this.#named && ends && begins;
    if (this.#slotLost && !(named && this.#remainsBytes === 0)) {
      // The lost slot may have held a newer promise, and the log does not show that there was none.
      this.#done(undefined, undefined);
      return;
    }
    const meta = checkpoint?.meta ?? UNKNOWN_META;
    for (const index of this.#places.keys()) if (index <= meta.index) this.#places.delete(index);
    this.#done(undefined, {
      salt,
      sequenceLast: this.#sequenceLast,
      foundation: this.#foundation(meta, checkpoint),
      generation: checkpoint?.generation ?? 0,
      places: this.#places,
      named,
    });
  }

  /** The promise: the witness holds every one that was acknowledged, the frames perhaps a newer one. */
  #foundation(meta: SnapshotMeta, checkpoint: LogCheckpoint | undefined): LogFoundation {
    const read = checkpoint ?? { promised: EPOCH_ZERO, votedFor: 0 as const, commitHint: 0 };
    const { promised, votedFor, commitHint } = this.#witness;
    const hint = Math.max(commitHint, read.commitHint) as LogIndex;
    const order = compareEpochs(promised, read.promised);
    if (order < 0 || this.#options.planted === "vote-with-corrupt-hard-state") {
      return { meta, promised: read.promised, votedFor: read.votedFor, commitHint: hint };
    }
    // A vote once cast in an epoch is not taken back.
    const vote = order === 0 && votedFor === 0 ? read.votedFor : votedFor;
    return { meta, promised, votedFor: vote, commitHint: hint };
  }
}

/** Of a log of which not even a head is left. */
const UNKNOWN_META: SnapshotMeta = {
  index: logIndex(0),
  epoch: EPOCH_ZERO,
  config: { index: logIndex(0), incoming: [], learners: [], leaseMs: 0 },
};
