// Reading frames back out of a segment's bytes: each is whole and its own, or it is not a frame. Where
// frames stop, the scan says whether a later frame proves that the bytes there were acknowledged (S1). A
// frame whose headers are whole names its entries even where a payload is not (scenario 75).
import { crc32c, logIndex } from "../base/index.ts";
import type { LogIndex, NodeId, PlantedBug } from "../base/index.ts";
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
  /** Only the simulator sets it. */
  readonly planted?: PlantedBug;
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

/** A record as its header names it; its payload may not be what was written. */
export interface NamedRecord {
  readonly kind: number;
  /** The index of an entry; what else a kind counts. */
  readonly count: number;
  readonly epoch: Epoch;
  /** Of its payload, in the segment. */
  readonly from: number;
  readonly until: number;
  readonly crc: number;
}

/** A frame whose headers are whole. */
export interface NamedFrame {
  readonly from: number;
  readonly until: number;
  readonly durableEnd: LogPosition;
  readonly records: readonly NamedRecord[];
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
    const named = this.namedAt(from);
    if ("reason" in named) return named;
    const ops: StorageOp[] = [];
    let oldestSegment: number | undefined;
    for (const record of named.records) {
      if (record.kind === RECORD_KINDS["oldest-segment"]) {
        oldestSegment = record.count;
        continue;
      }
      const op = this.opOf(record);
      if (op === undefined) return { reason: "record-damaged" };
      ops.push(op);
    }
    const { until, durableEnd } = named;
    return {
      from,
      until,
      durableEnd,
      ops,
      ...(oldestSegment === undefined ? {} : { oldestSegment }),
    };
  }

  /** The frame at this offset by its headers alone. */
  namedAt(from: number): NamedFrame | NoFrame {
    const header = this.#headerAt(from);
    if (header === undefined) return { reason: "no-frame-header" };
    const recordsFrom = from + FRAME_HEADER_BYTES;
    const recordsUntil = recordsFrom + header.recordsBytes;
    if (recordsUntil - this.#place.baseBytes > this.#bytes.bytes.length) {
      return { reason: "frame-cut" };
    }
    const records: NamedRecord[] = [];
    let payloadAt = recordsFrom + header.records * RECORD_HEADER_BYTES;
    for (let count = 0; count < header.records; count += 1) {
      const record = this.#recordAt(recordsFrom + count * RECORD_HEADER_BYTES, payloadAt);
      records.push(record);
      payloadAt = record.until;
    }
    if (payloadAt !== recordsUntil) return { reason: "record-damaged" };
    const until = from + alignedBytes(FRAME_HEADER_BYTES + header.recordsBytes);
    return { from, until, durableEnd: header.durableEnd, records };
  }

  /** What the record says; undefined if its payload is damaged, or it is one of the log's own. */
  opOf(record: NamedRecord): StorageOp | undefined {
    const { baseBytes } = this.#place;
    const { bytes } = this.#bytes;
    const payload = bytes.subarray(record.from - baseBytes, record.until - baseBytes);
    return recordedOp(record, payload, this.#place);
  }

  #recordAt(from: number, payloadFrom: number): NamedRecord {
    const at = from - this.#place.baseBytes;
    const { view } = this.#bytes;
    return {
      kind: view.getUint32(at + 8, true),
      count: countAt(view, at + 16),
      epoch: {
        config: countAt(view, at + 32),
        round: countAt(view, at + 24),
        node: view.getUint32(at + 12, true) as NodeId | 0,
      },
      from: payloadFrom,
      until: payloadFrom + view.getUint32(at, true),
      crc: view.getUint32(at + 4, true),
    };
  }

  #headerAt(from: number): FrameHeader | undefined {
    const at = from - this.#place.baseBytes;
    const { bytes, view } = this.#bytes;
    if (at + FRAME_HEADER_BYTES > bytes.length) return undefined;
    if (view.getUint32(at, true) !== FRAME_MAGIC) return undefined;
    const records = view.getUint32(at + 12, true);
    const headersUntil = at + FRAME_HEADER_BYTES + records * RECORD_HEADER_BYTES;
    if (headersUntil > bytes.length) return undefined;
    const { salt, sequence, planted } = this.#place;
    const crc = view.getUint32(at + 4, true);
    if (crc !== crc32c(bytes, salt, at + 8, headersUntil)) return undefined;
    const own = countAt(view, at + 16) === sequence && countAt(view, at + 24) === from;
    if (!own && planted !== "checksum-without-place") return undefined;
    return {
      recordsBytes: view.getUint32(at + 8, true),
      records,
      durableEnd: { sequence: countAt(view, at + 32), offsetBytes: countAt(view, at + 40) },
    };
  }

  /** Where the next frame with whole headers begins, at or behind `from`. */
  nextFrame(from: number): number | undefined {
    const end = this.#place.baseBytes + this.#bytes.bytes.length;
    for (let at = alignedBytes(from); at < end; at += FRAME_ALIGN_BYTES) {
      if (this.#headerAt(at) !== undefined) return at;
    }
    return undefined;
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
    const { bytes, view } = this.#bytes;
    let until = bytes.length;
    const first = from - this.#place.baseBytes;
    // Most of a segment, at each start: four bytes at a time take a quarter as long.
    while (until - first >= 4 && view.getUint32(until - 4, true) === 0) until -= 4;
    while (until > first && bytes[until - 1] === 0) until -= 1;
    return until - first;
  }
}

interface FrameHeader {
  readonly recordsBytes: number;
  readonly records: number;
  readonly durableEnd: LogPosition;
}

/** Whether a record of this kind is an entry of the log. */
export function isEntryRecord({ kind }: NamedRecord): boolean {
  return (
    kind === RECORD_KINDS.noop || kind === RECORD_KINDS.command || kind === RECORD_KINDS.config
  );
}

/** What a record with this payload says; undefined unless the payload is the one that was written. */
export function recordedOp(
  record: NamedRecord,
  payload: Uint8Array,
  { salt, planted }: Pick<ScanPlace, "salt" | "planted">,
): StorageOp | undefined {
  const { kind, count, epoch, crc } = record;
  if (crc32c(payload, salt) !== crc && planted !== "crc-not-checked") return undefined;
  switch (kind) {
    case RECORD_KINDS.noop:
    case RECORD_KINDS.command:
    case RECORD_KINDS.config: {
      const entry = entryOf(kind, logIndex(count), epoch, payload);
      return entry === undefined ? undefined : { op: "put", entry };
    }
    case RECORD_KINDS.promise:
      return { op: "promise", promised: epoch, votedFor: count as NodeId | 0 };
    case RECORD_KINDS["truncate-from"]:
      return { op: "truncate-from", index: logIndex(count) };
    case RECORD_KINDS["commit-hint"]:
      return { op: "commit-hint", index: logIndex(count) };
    case RECORD_KINDS["install-snapshot"]: {
      const installed = parseStructure(payload, (reader) => ({
        meta: reader.meta(),
        generation: reader.count(),
      }));
      return installed && { op: "install-snapshot", ...installed };
    }
    case RECORD_KINDS["compact-to"]: {
      const meta = parseStructure(payload, (reader) => reader.meta());
      return meta && { op: "compact-to", meta };
    }
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
