// Names and head of a segment file. The head holds the state of the log as the segment begins (its
// checkpoint) and where the log before it ended, so that a missing or foreign segment is noticed and
// older segments can be deleted whole.
import { crc32c } from "../base/index.ts";
import { LogCheckpoint } from "./log-checkpoint.ts";
import { StructureWriter, parseStructure, viewOf } from "./segment-codec.ts";
import type { LogPosition } from "./segment-codec.ts";
import { alignedBytes } from "./segment-frame.ts";

const MAGIC = 0x474f4c48;
const VERSION = 3;
const FIXED_BYTES = 16;
/** A head beyond this is damage: it bounds what recovery reads to find out. */
export const HEAD_BYTES_MAX = 1024 * 1024;

export interface SegmentHead {
  readonly salt: number;
  readonly sequence: number;
  /** Where the log ended when the segment began; the segment itself for the first. */
  readonly previousEnd: LogPosition;
  readonly checkpoint: LogCheckpoint;
}

export function segmentName(sequence: number): string {
  return `segment-${String(sequence).padStart(12, "0")}.log`;
}

/** A segment that is preallocated and not begun: it becomes a `.log` once its head is durable. */
export function spareName(sequence: number): string {
  return `segment-${String(sequence).padStart(12, "0")}.spare`;
}

/** The sequence of a segment's name, or undefined for other names. */
export function sequenceOf(name: string): number | undefined {
  const match = /^segment-(\d{12})\.log$/.exec(name);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

export function isSpareName(name: string): boolean {
  return /^segment-\d{12}\.spare$/.test(name);
}

/**
 * Magic u32, CRC-32C of the rest u32, version u32, bytes of the structure u32, the structure; padded with
 * zeros to where the first frame may begin.
 */
export function encodeSegmentHead(head: SegmentHead): Uint8Array {
  const writer = new StructureWriter();
  writer.u32(head.salt);
  writer.count(head.sequence);
  writer.position(head.previousEnd);
  head.checkpoint.encode(writer);
  return sealedStructure(MAGIC, VERSION, writer.bytes());
}

/** The head at the start of `bytes` and where the first frame may begin; undefined if damaged. */
export function parseSegmentHead(
  bytes: Uint8Array,
): { readonly head: SegmentHead; readonly untilBytes: number } | undefined {
  const structure = openedStructure(MAGIC, VERSION, bytes);
  if (structure === undefined) return undefined;
  const head = parseStructure(structure, (reader) => ({
    salt: reader.u32(),
    sequence: reader.count(),
    previousEnd: reader.position(),
    checkpoint: LogCheckpoint.decode(reader),
  }));
  if (head === undefined) return undefined;
  return { head, untilBytes: alignedBytes(FIXED_BYTES + structure.length) };
}

/** A structure behind magic, checksum, version and length; also the form of a hard-state slot. */
export function sealedStructure(magic: number, version: number, structure: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(alignedBytes(FIXED_BYTES + structure.length));
  const view = viewOf(bytes);
  view.setUint32(0, magic, true);
  view.setUint32(8, version, true);
  view.setUint32(12, structure.length, true);
  bytes.set(structure, FIXED_BYTES);
  view.setUint32(4, crc32c(bytes, 0, 8, FIXED_BYTES + structure.length), true);
  return bytes;
}

/** What `sealedStructure` sealed, or undefined if it is not whole. */
export function openedStructure(
  magic: number,
  version: number,
  bytes: Uint8Array,
): Uint8Array | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  const view = viewOf(bytes);
  const until = FIXED_BYTES + view.getUint32(12, true);
  if (view.getUint32(0, true) !== magic || until > Math.min(bytes.length, HEAD_BYTES_MAX)) {
    return undefined;
  }
  if (view.getUint32(4, true) !== crc32c(bytes, 0, 8, until)) return undefined;
  if (view.getUint32(8, true) !== version) return undefined;
  return bytes.subarray(FIXED_BYTES, until);
}
