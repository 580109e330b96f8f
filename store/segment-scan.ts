// Reading frames back out of a segment's bytes: each is whole and its own, or it is not a frame. Where
// frames stop, the scan says whether a later frame proves that the bytes there were acknowledged (S1).
import { crc32c, logIndex } from "../base/index.ts";
import type { LogIndex, NodeId } from "../base/index.ts";
import type { Entry, Epoch, StorageOp } from "../consensus/index.ts";
import { comparePositions, countAt, parseStructure, viewOf } from "./segment-codec.ts";
import type { LogPosition } from "./segment-codec.ts";
import {
  FRAME_ALIGN_BYTES,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  RECORD_HEADER_BYTES,
  RECORD_KINDS,
  alignedBytes,
} from "./segment-frame.ts";

/** Which segment the bytes are of, and where in it they begin. */
export interface ScanPlace {
  readonly salt: number;
  readonly sequence: number;
  readonly baseBytes: number;
}

export interface Frame {
  /** In the segment, padding included. */
  readonly from: number;
  readonly until: number;
  readonly durableEnd: LogPosition;
  /** Each entry is a "put"; command data are views of the scanned bytes. */
  readonly ops: readonly StorageOp[];
  readonly oldestSegment?: number;
}

/** Why there is no frame at a place. */
export interface NoFrame {
  readonly reason: "no-frame-header" | "frame-cut" | "record-damaged";
}

interface FrameHeader {
  readonly crc: number;
  readonly recordsBytes: number;
  readonly records: number;
  readonly durableEnd: LogPosition;
}

interface Bytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** One segment's bytes, or a window of them, as frames. */
export class SegmentScan {
  readonly #bytes: Bytes;
  readonly #place: ScanPlace;

  constructor(bytes: Uint8Array, place: ScanPlace) {
    this.#bytes = { bytes, view: viewOf(bytes) };
    this.#place = place;
  }

  /** The frame at this offset of the segment. */
  frameAt(from: number): Frame | NoFrame {
    const header = this.#headerAt(from);
    if (header === undefined) return { reason: "no-frame-header" };
    const recordsFrom = from - this.#place.baseBytes + FRAME_HEADER_BYTES;
    const recordsUntil = recordsFrom + header.recordsBytes;
    if (recordsUntil > this.#bytes.bytes.length) return { reason: "frame-cut" };
    const ops: StorageOp[] = [];
    let oldestSegment: number | undefined;
    let at = recordsFrom;
    for (let count = 0; count < header.records; count += 1) {
      const record = recordAt(this.#bytes, at, recordsUntil, header.crc);
      if (record === undefined) return { reason: "record-damaged" };
      if (record.op !== undefined) ops.push(record.op);
      oldestSegment = record.oldestSegment ?? oldestSegment;
      at = record.until;
    }
    if (at !== recordsUntil) return { reason: "record-damaged" };
    return {
      from,
      until: from + alignedBytes(FRAME_HEADER_BYTES + header.recordsBytes),
      durableEnd: header.durableEnd,
      ops,
      ...(oldestSegment === undefined ? {} : { oldestSegment }),
    };
  }

  #headerAt(from: number): FrameHeader | undefined {
    const at = from - this.#place.baseBytes;
    const { bytes, view } = this.#bytes;
    if (at + FRAME_HEADER_BYTES > bytes.length) return undefined;
    if (view.getUint32(at, true) !== FRAME_MAGIC) return undefined;
    const crc = view.getUint32(at + 4, true);
    if (crc !== crc32c(bytes, this.#place.salt, at + 8, at + FRAME_HEADER_BYTES)) return undefined;
    if (countAt(view, at + 16) !== this.#place.sequence) return undefined;
    if (countAt(view, at + 24) !== from) return undefined;
    return {
      crc,
      recordsBytes: view.getUint32(at + 8, true),
      records: view.getUint32(at + 12, true),
      durableEnd: { sequence: countAt(view, at + 32), offsetBytes: countAt(view, at + 40) },
    };
  }

  /** Where a later frame stands that was written when bytes at or behind `from` were durable. */
  proofBehind(from: number): number | undefined {
    const end = this.#place.baseBytes + this.#bytes.bytes.length;
    const sequence = this.#place.sequence;
    for (let at = from + FRAME_ALIGN_BYTES; at < end; at += FRAME_ALIGN_BYTES) {
      const header = this.#headerAt(at);
      if (header === undefined) continue;
      if (comparePositions(header.durableEnd, { sequence, offsetBytes: from }) > 0) return at;
    }
    return undefined;
  }

  /** Bytes from `from` to the last one that is not zero. */
  remainsBytes(from: number): number {
    const { bytes } = this.#bytes;
    let until = bytes.length;
    const first = from - this.#place.baseBytes;
    while (until > first && bytes[until - 1] === 0) until -= 1;
    return until - first;
  }
}

interface ScannedRecord {
  /** Absent for the log's own records. */
  readonly op?: StorageOp;
  readonly oldestSegment?: number;
  /** Where the next record begins, in the scanned bytes. */
  readonly until: number;
}

function recordAt(from: Bytes, at: number, end: number, seed: number): ScannedRecord | undefined {
  const { bytes, view } = from;
  if (at + RECORD_HEADER_BYTES > end) return undefined;
  const until = at + RECORD_HEADER_BYTES + view.getUint32(at, true);
  if (until > end) return undefined;
  if (view.getUint32(at + 4, true) !== crc32c(bytes, seed, at + 8, until)) return undefined;
  const kind = view.getUint32(at + 8, true);
  const count = countAt(view, at + 16);
  const epoch: Epoch = {
    config: countAt(view, at + 32),
    round: countAt(view, at + 24),
    node: view.getUint32(at + 12, true) as NodeId | 0,
  };
  const payload = bytes.subarray(at + RECORD_HEADER_BYTES, until);
  switch (kind) {
    case RECORD_KINDS.noop:
    case RECORD_KINDS.command:
    case RECORD_KINDS.config: {
      const entry = entryOf(kind, logIndex(count), epoch, payload);
      return entry === undefined ? undefined : { op: { op: "put", entry }, until };
    }
    case RECORD_KINDS.promise:
      return { op: { op: "promise", promised: epoch, votedFor: count as NodeId | 0 }, until };
    case RECORD_KINDS["truncate-from"]:
      return { op: { op: "truncate-from", index: logIndex(count) }, until };
    case RECORD_KINDS["commit-hint"]:
      return { op: { op: "commit-hint", index: logIndex(count) }, until };
    case RECORD_KINDS["install-snapshot"]: {
      const installed = parseStructure(payload, (reader) => ({
        meta: reader.meta(),
        generation: reader.count(),
      }));
      return installed && { op: { op: "install-snapshot", ...installed }, until };
    }
    case RECORD_KINDS["compact-to"]: {
      const meta = parseStructure(payload, (reader) => reader.meta());
      return meta && { op: { op: "compact-to", meta }, until };
    }
    case RECORD_KINDS["oldest-segment"]:
      return { oldestSegment: count, until };
    default:
      return undefined;
  }
}

function entryOf(
  kind: number,
  index: LogIndex,
  epoch: Epoch,
  payload: Uint8Array,
): Entry | undefined {
  if (kind === RECORD_KINDS.noop) return { index, epoch, kind: "noop" };
  if (kind === RECORD_KINDS.command) return { index, epoch, kind: "command", data: payload };
  const config = parseStructure(payload, (reader) => reader.membership());
  return config === undefined ? undefined : { index, epoch, kind: "config", config };
}
