// Opening a log: reads the segments from the oldest to the newest, and decides at the first byte that is no
// frame whether a torn tail is cut or damage refused (S1). It cuts only what nothing proves acknowledged:
// no later frame, no later segment, no slot of the witness. Until that is decided nothing is written.
import { compareEpochs } from "../consensus/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { StorageOp } from "../consensus/index.ts";
import type { Disk } from "./disk.ts";
import type { LogFailure, LogOptions } from "./log.ts";
import { LogView } from "./log-view.ts";
import {
  WITNESS_BYTES,
  WITNESS_NAME,
  WITNESS_NEW_NAME,
  encodeWitness,
  parseWitness,
  slotOffsetBytes,
} from "./log-witness.ts";
import type { Witness } from "./log-witness.ts";
import { comparePositions } from "./segment-codec.ts";
import type { LogPosition } from "./segment-codec.ts";
import { createLogFiles } from "./segment-creation.ts";
import {
  HEAD_BYTES_MAX,
  isSpareName,
  parseSegmentHead,
  segmentName,
  sequenceOf,
} from "./segment-file.ts";
import type { SegmentHead } from "./segment-file.ts";
import { SegmentScan } from "./segment-scan.ts";
import { SegmentTable } from "./segment-table.ts";

/** A log read back whole, its tail clean and durable. */
export interface RecoveredLog {
  readonly view: LogView;
  readonly table: SegmentTable;
  readonly salt: number;
  readonly durableEnd: LogPosition;
  /** Of the witness's newest synced slot. */
  readonly witnessTurn: number;
  readonly tornTailBytes: number;
}

export type RecoveryResult =
  | { readonly ok: true; readonly recovered: RecoveredLog }
  | { readonly ok: false; readonly failure: LogFailure };

export function recoverLog(
  disk: Disk,
  options: LogOptions,
  done: (result: RecoveryResult) => void,
): void {
  new Recovery(disk, options, done).start();
}

/** Where the frames of the segment read last stop, and what stands behind them. */
interface Stop {
  readonly sequence: number;
  readonly name: string;
  readonly at: number;
  readonly reason: string;
  readonly scan: SegmentScan;
}

class Recovery {
  readonly #disk: Disk;
  readonly #options: LogOptions;
  readonly #done: (result: RecoveryResult) => void;
  readonly #table = new SegmentTable();
  #orphans: string[] = [];
  #view: LogView | undefined;
  #stop: Stop | undefined;
  #slotLost = false;

  constructor(disk: Disk, options: LogOptions, done: (result: RecoveryResult) => void) {
    this.#disk = disk;
    this.#options = options;
    this.#done = done;
  }

  start(): void {
    this.#disk.list((failure, names) => {
      if (this.#failed(failure)) return;
      if (names.includes(WITNESS_NAME)) this.#readWitness(names);
      else this.#createOrRefuse(names);
    });
  }

  /** @returns whether recovery has ended. */
  #failed(failure: LogFailure | undefined): failure is LogFailure {
    if (failure !== undefined) this.#done({ ok: false, failure });
    return failure !== undefined;
  }

  #corrupt(file: string, offsetBytes: number, what: string): void {
    const after = (this.#view?.last() ?? 0) as LogIndex;
    const message = `log: ${file} at byte ${offsetBytes}, behind index ${after}: ${what}`;
    this.#failed({ kind: "corrupt", message, file, offsetBytes, afterIndex: after });
  }

  #createOrRefuse(names: readonly string[]): void {
    const { create } = this.#options;
    if (create === undefined) {
      const message =
        names.length === 0
          ? "log: the directory is empty, and this member is not new"
          : `log: ${WITNESS_NAME} is missing beside ${names[0] ?? ""}`;
      this.#failed({ kind: names.length === 0 ? "missing" : "corrupt", message });
      return;
    }
    createLogFiles(this.#disk, this.#options, create, names, (failure) => {
      if (!this.#failed(failure)) this.start();
    });
  }

  #readWitness(names: readonly string[]): void {
    this.#disk.read(WITNESS_NAME, 0, WITNESS_BYTES, (failure, bytes) => {
      if (this.#failed(failure)) return;
      const reading = parseWitness(bytes);
      if (reading === undefined) {
        this.#corrupt(WITNESS_NAME, 0, "both hard-state slots are damaged");
        return;
      }
      this.#slotLost = reading.slotLost;
      const sequences = names.map(sequenceOf).filter((sequence) => sequence !== undefined);
      this.#readNewestHead(sequences, reading.witness, (first) => {
        this.#orphans = names.filter(
          (name) =>
            isSpareName(name) || name === WITNESS_NEW_NAME || (sequenceOf(name) ?? first) < first,
        );
        this.#readSegments(
          sequences.filter((sequence) => sequence >= first),
          reading.witness,
        );
      });
    });
  }

  /** The newest segment says which are needed: those before a mended one are not read at all. */
  #readNewestHead(
    sequences: readonly number[],
    { salt }: Witness,
    then: (first: number) => void,
  ): void {
    const first = contiguousFrom(sequences);
    const newest = sequences.at(-1);
    if (newest === undefined) {
      then(first);
      return;
    }
    this.#disk.read(segmentName(newest), 0, HEAD_BYTES_MAX, (failure, bytes) => {
      if (this.#failed(failure)) return;
      const head = parseSegmentHead(bytes)?.head;
      const own = head?.sequence === newest && head.salt === salt;
      then(own ? Math.max(first, head.checkpoint.oldestSegment) : first);
    });
  }

  #readSegments(sequences: readonly number[], witness: Witness): void {
    const [sequence, ...rest] = sequences;
    if (sequence === undefined) {
      this.#judgeEnd(witness);
      return;
    }
    const name = segmentName(sequence);
    this.#disk.size(name, (sizeFailure, sizeBytes) => {
      if (this.#failed(sizeFailure)) return;
      this.#disk.read(name, 0, sizeBytes, (failure, bytes) => {
        if (this.#failed(failure)) return;
        if (this.#replaySegment(sequence, name, bytes, witness.salt)) {
          this.#readSegments(rest, witness);
        }
      });
    });
  }

  /** @returns false if recovery has ended. */
  #replaySegment(sequence: number, name: string, bytes: Uint8Array, salt: number): boolean {
    const parsed = parseSegmentHead(bytes);
    if (parsed === undefined) {
      this.#corrupt(name, 0, "the segment's head is damaged");
      return false;
    }
    if (parsed.head.sequence !== sequence || parsed.head.salt !== salt) {
      this.#corrupt(name, 0, `the file holds segment ${parsed.head.sequence} of another place`);
      return false;
    }
    if (!this.#continues(parsed.head, name)) return false;
    this.#view ??= new LogView(parsed.head.checkpoint, this.#options.cacheBytesMax);
    this.#table.begin(sequence, name, bytes.length, parsed.untilBytes);
    const { planted } = this.#options;
    const place = { salt, sequence, baseBytes: 0 };
    const scan = new SegmentScan(bytes, planted === undefined ? place : { ...place, planted });
    const { at, reason } = this.#replayFrames(this.#view, scan, parsed.untilBytes);
    this.#stop = { sequence, name, at, reason, scan };
    return true;
  }

  /** Whether the segment begins where the one before it stopped. */
  #continues(head: SegmentHead, name: string): boolean {
    const before = this.#stop;
    if (before === undefined) return true;
    const stoppedAt = { sequence: before.sequence, offsetBytes: before.at };
    const gap = comparePositions(head.previousEnd, stoppedAt);
    if (gap > 0) {
      this.#corrupt(before.name, before.at, `${before.reason}; acknowledged: ${name} follows`);
    }
    if (gap < 0) this.#corrupt(name, 0, "the segment does not continue the one before it");
    return gap === 0;
  }

  #replayFrames(
    view: LogView,
    scan: SegmentScan,
    from: number,
  ): { readonly at: number; readonly reason: string } {
    for (let at = from; ;) {
      const frame = scan.frameAt(at);
      if ("reason" in frame) return { at, reason: frame.reason };
      for (const op of frame.ops) view.replay(ownBytes(op));
      if (frame.oldestSegment !== undefined) view.checkpoint.oldestSegment = frame.oldestSegment;
      view.cache.evict(Infinity, view.last());
      this.#table.addFrame(frame.from, frame.until, frame.ops);
      at = frame.until;
    }
  }

  /** The newest segment is read: is what follows its last frame torn, or damaged? */
  #judgeEnd(witness: Witness): void {
    const stop = this.#stop;
    const view = this.#view;
    if (stop === undefined || view === undefined) {
      this.#corrupt(segmentName(witness.durableEnd.sequence), 0, "every segment is missing");
      return;
    }
    const end = { sequence: stop.sequence, offsetBytes: stop.at };
    const oldest = this.#table.rows[0]?.sequence ?? 1;
    const { oldestSegment, promised } = view.checkpoint;
    if (oldestSegment < oldest) {
      this.#corrupt(segmentName(oldest - 1), 0, "the segment is missing");
      return;
    }
    if (witness.durableEnd.sequence > end.sequence) {
      this.#corrupt(segmentName(end.sequence + 1), 0, "the segment is missing, and was written");
      return;
    }
    const remainsBytes = stop.scan.remainsBytes(stop.at);
    if (this.#options.planted === "damage-truncated-silently") {
      this.#settle(stop, view, witness, remainsBytes);
      return;
    }
    const proof = remainsBytes === 0 ? undefined : stop.scan.proofBehind(stop.at);
    if (proof !== undefined) {
      this.#corrupt(
        stop.name,
        stop.at,
        `${stop.reason}; acknowledged: a frame at ${proof} says so`,
      );
      return;
    }
    if (comparePositions(witness.durableEnd, end) > 0) {
      this.#corrupt(stop.name, stop.at, `${stop.reason}; acknowledged: ${WITNESS_NAME} says so`);
      return;
    }
    if (compareEpochs(witness.promised, promised) > 0) {
      this.#corrupt(stop.name, stop.at, `the log lacks a promise that ${WITNESS_NAME} holds`);
      return;
    }
    if (this.#slotLost && remainsBytes > 0) {
      // No crash does both: what is torn may be a promise that the lost slot acknowledged.
      this.#corrupt(stop.name, stop.at, `${stop.reason}, and a slot of ${WITNESS_NAME} is damaged`);
      return;
    }
    view.checkpoint.apply({ op: "commit-hint", index: witness.commitHint });
    this.#settle(stop, view, witness, remainsBytes);
  }

  /**
   * Zeros over the torn tail, so that no part of it is ever taken for a frame; and a sync even without one,
   * because what an earlier process wrote may have been read from the page cache alone.
   */
  #settle(stop: Stop, view: LogView, witness: Witness, remainsBytes: number): void {
    const zeros = new Uint8Array(remainsBytes);
    this.#disk.write(stop.name, stop.at, zeros, true, (failure) => {
      if (this.#failed(failure)) return;
      this.#removeOrphans(view, () => this.#renewWitness(stop, view, witness, remainsBytes));
    });
  }

  #removeOrphans(view: LogView, then: () => void): void {
    const next =
      this.#orphans.shift() ?? this.#table.shiftOlderThan(view.checkpoint.oldestSegment)?.name;
    if (next === undefined) {
      then();
      return;
    }
    this.#disk.remove(next, (failure) => {
      if (!this.#failed(failure)) this.#removeOrphans(view, then);
    });
  }

  #renewWitness(stop: Stop, view: LogView, witness: Witness, tornTailBytes: number): void {
    const { promised, votedFor, commitHint } = view.checkpoint;
    const { salt } = witness;
    const turn = witness.turn + 1;
    const durableEnd = { sequence: stop.sequence, offsetBytes: stop.at };
    const renewed = encodeWitness({ salt, turn, durableEnd, promised, votedFor, commitHint });
    this.#disk.write(WITNESS_NAME, slotOffsetBytes(turn), renewed, true, (failure) => {
      if (this.#failed(failure)) return;
      const table = this.#table;
      const recovered = { view, table, salt, durableEnd, witnessTurn: turn, tornTailBytes };
      this.#done({ ok: true, recovered });
    });
  }
}

/** Where the unbroken run of numbers that ends at the highest begins. Sequences are sorted. */
function contiguousFrom(sequences: readonly number[]): number {
  let first = sequences.at(-1) ?? 1;
  for (const sequence of sequences.toReversed()) if (sequence === first - 1) first = sequence;
  return first;
}

/** The operation with a copy of its command's bytes, so that the segment's buffer can go. */
function ownBytes(op: StorageOp): StorageOp {
  if (op.op !== "put" || op.entry.kind !== "command") return op;
  return { op: "put", entry: { ...op.entry, data: op.entry.data.slice() } };
}
