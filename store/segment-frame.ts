// Encoding of a frame: one synced write of the log, with the records of one or more batches, all or
// nothing. The promise (hard state) is a record beside the entries of its batch: what a reply rests on, a
// vote, an append or a Paxos promise with its accept, is one durable unit by construction, where a slot
// beside the log would need a second write and an order between the two (R1, P2). log-witness.ts keeps
// slots too, as proof of what was acknowledged. segment-scan.ts reads frames back.
import { assert, crc32c, unreachable } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import { EPOCH_ZERO } from "../consensus/index.ts";
import type { Entry, Epoch, Membership, SnapshotMeta, StorageOp } from "../consensus/index.ts";
import { StructureWriter, setCount, viewOf } from "./segment-codec.ts";
import type { LogPosition } from "./segment-codec.ts";

/**
 * Frame header, little-endian: magic u32, CRC-32C of the rest and of the record headers u32 (seeded with
 * the log's salt), bytes of its records u32, count of records u32, own position (sequence u64, offset
 * u64), durable end when it was written (sequence u64, offset u64): everything before that was
 * acknowledged (S1). Then the headers of all records, then their payloads. Frames start at multiples of 8.
 */
export const FRAME_HEADER_BYTES = 48;
export const FRAME_MAGIC = 0x4d524648;
export const FRAME_ALIGN_BYTES = 8;

/**
 * Record header: bytes of its payload u32, CRC-32C of the payload u32 (seeded with the log's salt), kind
 * u32, epoch node u32, index u64, epoch round u64, epoch config u64. The payload: a command's bytes as
 * they came, or a structure. The headers stand together under the frame's checksum, apart from the
 * payloads, so that a damaged payload leaves its entry's name and checksum known: that is what a peer is
 * asked for, and what its answer is held against (scenario 75).
 */
export const RECORD_HEADER_BYTES = 40;

export const RECORD_KINDS = {
  noop: 1,
  command: 2,
  config: 3,
  promise: 4,
  "truncate-from": 5,
  "commit-hint": 6,
  "install-snapshot": 7,
  "compact-to": 8,
  /** Index: the first segment that recovery needs from here on. */
  "oldest-segment": 9,
} as const;

const NO_BYTES = new Uint8Array();
const U32_MAX = 2 ** 32 - 1;

export function alignedBytes(bytes: number): number {
  return Math.ceil(bytes / FRAME_ALIGN_BYTES) * FRAME_ALIGN_BYTES;
}

/** Bytes that the records of `op` take in a frame. */
export function recordBytes(op: StorageOp): number {
  switch (op.op) {
    case "append":
      return op.entries.reduce((bytes, entry) => bytes + entryRecordBytes(entry), 0);
    case "put":
      return entryRecordBytes(op.entry);
    case "promise":
    case "truncate-from":
    case "commit-hint":
      return RECORD_HEADER_BYTES;
    case "install-snapshot":
      return RECORD_HEADER_BYTES + installPayload(op.meta, op.generation).length;
    case "compact-to":
      return RECORD_HEADER_BYTES + metaPayload(op.meta).length;
    default:
      return unreachable(op);
  }
}

/** Count of the records of `op`. */
export function recordCount(op: StorageOp): number {
  return op.op === "append" ? op.entries.length : 1;
}

function entryRecordBytes(entry: Entry): number {
  return RECORD_HEADER_BYTES + entryPayload(entry).length;
}

/** What a record of this entry holds. */
export function entryPayload(entry: Entry): Uint8Array {
  if (entry.kind === "command") return entry.data;
  return entry.kind === "config" ? configPayload(entry.config) : NO_BYTES;
}

function configPayload(config: Membership): Uint8Array {
  const writer = new StructureWriter();
  writer.membership(config);
  return writer.bytes();
}

function metaPayload(meta: SnapshotMeta): Uint8Array {
  const writer = new StructureWriter();
  writer.meta(meta);
  return writer.bytes();
}

function installPayload(meta: SnapshotMeta, generation: number): Uint8Array {
  const writer = new StructureWriter();
  writer.meta(meta);
  writer.count(generation);
  return writer.bytes();
}

/** What a frame is told of its place. */
export interface FramePlace {
  readonly salt: number;
  readonly at: LogPosition;
  readonly durableEnd: LogPosition;
}

/**
 * Builds one frame in a buffer that it keeps and reuses: begin, add, finish. The result of `finish` is
 * good until the next `begin`.
 */
export class FrameEncoder {
  #bytes = new Uint8Array(64 * 1024);
  #view = viewOf(this.#bytes);
  #frameFrom = 0;
  /** Where the next record header goes, and where the next payload. */
  #headerAt = 0;
  #length = 0;
  #records = 0;
  #salt = 0;

  /** `head` goes before the frame in the same write; the frame takes exactly `recordsBytes`, `records`. */
  begin(
    place: FramePlace,
    recordsBytes: number,
    records: number,
    head: Uint8Array = NO_BYTES,
  ): void {
    const total = head.length + FRAME_HEADER_BYTES + recordsBytes;
    assert(total <= U32_MAX, `a frame of ${total} bytes is too long`);
    this.#reserve(alignedBytes(total));
    this.#bytes.set(head);
    this.#frameFrom = head.length;
    this.#headerAt = head.length + FRAME_HEADER_BYTES;
    this.#length = this.#headerAt + records * RECORD_HEADER_BYTES;
    this.#records = records;
    this.#salt = place.salt;
    const view = this.#view;
    const from = this.#frameFrom;
    view.setUint32(from, FRAME_MAGIC, true);
    view.setUint32(from + 8, recordsBytes, true);
    view.setUint32(from + 12, records, true);
    setCount(view, from + 16, place.at.sequence);
    setCount(view, from + 24, place.at.offsetBytes);
    setCount(view, from + 32, place.durableEnd.sequence);
    setCount(view, from + 40, place.durableEnd.offsetBytes);
  }

  add(op: StorageOp): void {
    switch (op.op) {
      case "append":
        for (const entry of op.entries) this.#addEntry(entry);
        return;
      case "put":
        this.#addEntry(op.entry);
        return;
      case "promise":
        this.#add(RECORD_KINDS.promise, op.votedFor, op.promised, NO_BYTES);
        return;
      case "truncate-from":
      case "commit-hint":
        this.#add(RECORD_KINDS[op.op], op.index, EPOCH_ZERO, NO_BYTES);
        return;
      case "install-snapshot": {
        const payload = installPayload(op.meta, op.generation);
        this.#add(RECORD_KINDS[op.op], op.meta.index, op.meta.epoch, payload);
        return;
      }
      case "compact-to":
        this.#add(RECORD_KINDS[op.op], op.meta.index, op.meta.epoch, metaPayload(op.meta));
        return;
      default:
        unreachable(op);
    }
  }

  addOldestSegment(sequence: number): void {
    this.#add(RECORD_KINDS["oldest-segment"], sequence, EPOCH_ZERO, NO_BYTES);
  }

  /** The head and the frame, padded to a multiple of FRAME_ALIGN_BYTES. */
  finish(): Uint8Array {
    assert(this.#records === 0, `${this.#records} records are missing from the frame`);
    const from = this.#frameFrom;
    const claimed = this.#view.getUint32(from + 8, true);
    assert(this.#length === from + FRAME_HEADER_BYTES + claimed, "the frame is not full");
    const crc = crc32c(this.#bytes, this.#salt, from + 8, this.#headerAt);
    this.#view.setUint32(from + 4, crc, true);
    const padded = alignedBytes(this.#length);
    this.#bytes.fill(0, this.#length, padded);
    return this.#bytes.subarray(0, padded);
  }

  #addEntry(entry: Entry): void {
    this.#add(RECORD_KINDS[entry.kind], entry.index, entry.epoch, entryPayload(entry));
  }

  #add(kind: number, index: LogIndex | number, epoch: Epoch, payload: Uint8Array): void {
    assert(this.#records > 0, "the frame has all its records");
    this.#records -= 1;
    const until = this.#length + payload.length;
    assert(until <= this.#bytes.length, "the frame's records are longer than announced");
    assert(epoch.node <= U32_MAX, `node ${epoch.node} does not fit a record`);
    if (payload.length > 0) this.#bytes.set(payload, this.#length);
    const view = this.#view;
    const at = this.#headerAt;
    view.setUint32(at, payload.length, true);
    view.setUint32(at + 4, crc32c(this.#bytes, this.#salt, this.#length, until), true);
    view.setUint32(at + 8, kind, true);
    view.setUint32(at + 12, epoch.node, true);
    setCount(view, at + 16, index);
    setCount(view, at + 24, epoch.round);
    setCount(view, at + 32, epoch.config);
    this.#headerAt = at + RECORD_HEADER_BYTES;
    this.#length = until;
  }

  /** Shrinks too, so that one huge batch does not pin its size for ever. */
  #reserve(bytes: number): void {
    const tooSmall = bytes > this.#bytes.length;
    const tooLarge = this.#bytes.length > 1024 * 1024 && bytes < this.#bytes.length / 64;
    if (!tooSmall && !tooLarge) return;
    this.#bytes = new Uint8Array(Math.max(64 * 1024, bytes * 2));
    this.#view = viewOf(this.#bytes);
  }
}
