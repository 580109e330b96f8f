// The log that takes a damaged one's place: one new segment behind all others, whose head says that nothing
// before it is needed. It is written whole under its spare name and becomes the log by one rename, so that
// a crash at any point leaves the damaged log or the mended one (scenario 75).
import { assert } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { Entry, StorageOp } from "../consensus/index.ts";
import type { Disk, DiskDone, DiskFailure } from "./disk.ts";
import { LogCheckpoint } from "./log-checkpoint.ts";
import type { LogFoundation, LogMending } from "./log.ts";
import type { LogPosition } from "./segment-codec.ts";
import { encodeSegmentHead, segmentName, spareName } from "./segment-file.ts";
import { FrameEncoder, recordBytes } from "./segment-frame.ts";

type Done = (failure: DiskFailure | undefined) => void;

export interface MendingPlace {
  readonly salt: number;
  /** Of the new segment. */
  readonly sequence: number;
  /** Of the applied state in force. */
  readonly generation: number;
}

/** Makes the file with its head. */
export function beginMending(
  disk: Disk,
  place: MendingPlace,
  foundation: LogFoundation,
  done: DiskDone<LogMending>,
): void {
  const { salt, sequence, generation } = place;
  const checkpoint = new LogCheckpoint(foundation.meta);
  checkpoint.promised = foundation.promised;
  checkpoint.votedFor = foundation.votedFor;
  checkpoint.commitHint = foundation.commitHint;
  checkpoint.generation = generation;
  checkpoint.oldestSegment = sequence;
  const previousEnd = { sequence, offsetBytes: 0 };
  const head = encodeSegmentHead({ salt, sequence, previousEnd, checkpoint });
  const name = spareName(sequence);
  const mending = new SegmentMending(disk, place, foundation.commitHint, head.length);
  const written: DiskDone<undefined> = (failure) => done(failure, mending);
  const created: DiskDone<undefined> = (failure) => {
    if (failure === undefined) disk.write(name, 0, head, true, written);
    else done(failure, mending);
  };
  disk.list((failure, names) => {
    if (failure !== undefined) done(failure, mending);
    else if (!names.includes(name)) disk.create(name, head.length, created);
    else {
      disk.remove(name, (removal) => {
        if (removal === undefined) disk.create(name, head.length, created);
        else done(removal, mending);
      });
    }
  });
}

class SegmentMending implements LogMending {
  readonly #disk: Disk;
  readonly #place: MendingPlace;
  readonly #encoder = new FrameEncoder();
  readonly #commitHint: LogIndex;
  #endBytes: number;
  #indexLast = 0;

  constructor(disk: Disk, place: MendingPlace, commitHint: LogIndex, endBytes: number) {
    this.#disk = disk;
    this.#commitHint = commitHint;
    this.#place = place;
    this.#endBytes = endBytes;
  }

  add(entries: readonly Entry[], done: Done): void {
    for (const { index } of entries) {
      assert(index > this.#indexLast, `entry ${index} is written behind ${this.#indexLast}`);
      this.#indexLast = index;
    }
    this.#write(
      entries.map((entry): StorageOp => ({ op: "put", entry })),
      done,
    );
  }

  #write(ops: readonly StorageOp[], done: Done): void {
    const { salt, sequence } = this.#place;
    const at: LogPosition = { sequence, offsetBytes: this.#endBytes };
    const bytes = ops.reduce((sum, op) => sum + recordBytes(op), 0);
    this.#encoder.begin({ salt, at, durableEnd: at }, bytes, ops.length);
    for (const op of ops) this.#encoder.add(op);
    const frame = this.#encoder.finish();
    this.#endBytes += frame.length;
    this.#disk.write(spareName(sequence), at.offsetBytes, frame, true, done);
  }

  /** A last frame proves those before it: damage to them is never taken for a torn tail. */
  finish(done: Done): void {
    const { sequence } = this.#place;
    this.#write([{ op: "commit-hint", index: this.#commitHint }], (failure) => {
      if (failure !== undefined) done(failure);
      else this.#disk.rename(spareName(sequence), segmentName(sequence), done);
    });
  }
}
