// A snapshot as a stream of blocks, the same between members and in a file: a header that says of what state
// it is, rows in key order, and an end that counts them and closes with a digest of everything before. Each
// block carries its place in the stream and a checksum, so that a cut, a gap or a flipped bit shows at once.
//
//   magic u32, CRC-32C of the rest u32, kind u32, payload bytes u32, offset in the stream 8 bytes, payload
import { assert, crc32c } from "../base/index.ts";
import type { SnapshotMeta } from "../consensus/index.ts";
import type { EngineRow } from "./engine.ts";
import { StructureWriter, countAt, parseStructure, setCount, viewOf } from "./segment-codec.ts";

const MAGIC = 0x504e5348;
/** Raised when an older release can no longer read the rows. */
export const SNAPSHOT_VERSION = 1;
export const BLOCK_HEAD_BYTES = 24;
const SNAPSHOT_DIGEST_BYTES = 32;
/** A block beyond this is damage. A row is at most a request, and a block has at least one row. */
const BLOCK_BYTES_MAX = 64 * 1024 * 1024;

const KINDS = { header: 1, rows: 2, end: 3 } as const;

/** Of what state a snapshot is. */
export interface SnapshotHeader {
  readonly version: number;
  readonly clusterId: bigint;
  readonly group: number;
  readonly meta: SnapshotMeta;
}

export interface SnapshotEnd {
  readonly rowCount: number;
  /** Over every byte of the stream before the end block. */
  readonly digest: Uint8Array;
}

export type SnapshotBlock =
  | { readonly kind: "header"; readonly header: SnapshotHeader }
  | { readonly kind: "rows"; readonly rows: readonly EngineRow[] }
  | { readonly kind: "end"; readonly end: SnapshotEnd };

export function encodeHeaderBlock(header: SnapshotHeader): Uint8Array {
  const writer = new StructureWriter();
  writer.u32(header.version);
  writer.u32(Number(BigInt.asUintN(32, header.clusterId)));
  writer.u32(Number(BigInt.asUintN(32, header.clusterId >> 32n)));
  writer.count(header.group);
  writer.meta(header.meta);
  return block(KINDS.header, 0, writer.bytes());
}

/** `offset`: bytes of the stream before this block. */
export function encodeRowsBlock(offset: number, rows: readonly EngineRow[]): Uint8Array {
  assert(rows.length > 0, "a block of rows has a row");
  const length = rows.reduce((sum, { key, value }) => sum + 8 + key.length + value.length, 0);
  const payload = new Uint8Array(length);
  const view = viewOf(payload);
  let at = 0;
  for (const { key, value } of rows) {
    view.setUint32(at, key.length, true);
    view.setUint32(at + 4, value.length, true);
    payload.set(key, at + 8);
    payload.set(value, at + 8 + key.length);
    at += 8 + key.length + value.length;
  }
  return block(KINDS.rows, offset, payload);
}

export function encodeEndBlock(offset: number, { rowCount, digest }: SnapshotEnd): Uint8Array {
  assert(digest.length === SNAPSHOT_DIGEST_BYTES, `a digest of ${digest.length} bytes`);
  const payload = new Uint8Array(8 + SNAPSHOT_DIGEST_BYTES);
  setCount(viewOf(payload), 0, rowCount);
  payload.set(digest, 8);
  return block(KINDS.end, offset, payload);
}

function block(kind: number, offset: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BLOCK_HEAD_BYTES + payload.length);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  view.setUint32(8, kind, true);
  view.setUint32(12, payload.length, true);
  setCount(view, 16, offset);
  bytes.set(payload, BLOCK_HEAD_BYTES);
  view.setUint32(4, crc32c(bytes, 0, 8, bytes.length), true);
  return bytes;
}

/** Bytes of the block that begins with `head`, of BLOCK_HEAD_BYTES or more; undefined if none begins here. */
export function blockBytes(head: Uint8Array): number | undefined {
  if (head.length < BLOCK_HEAD_BYTES) return undefined;
  const view = viewOf(head);
  const length = BLOCK_HEAD_BYTES + view.getUint32(12, true);
  return view.getUint32(0, true) === MAGIC && length <= BLOCK_BYTES_MAX ? length : undefined;
}

/**
 * Reads the block that stands at `offset` of its stream. The rows are views into `bytes`.
 *
 * @returns what is wrong with it, if anything is.
 */
export function decodeBlock(bytes: Uint8Array, offset: number): SnapshotBlock | string {
  if (blockBytes(bytes) !== bytes.length) return "no whole block";
  const view = viewOf(bytes);
  if (view.getUint32(4, true) !== crc32c(bytes, 0, 8, bytes.length)) return "checksum mismatch";
  if (countAt(view, 16) !== offset) return `a block of offset ${countAt(view, 16)}`;
  const payload = bytes.subarray(BLOCK_HEAD_BYTES);
  switch (view.getUint32(8, true)) {
    case KINDS.header: {
      const header = parseHeader(payload);
      return header === undefined ? "an unreadable header" : { kind: "header", header };
    }
    case KINDS.rows: {
      const rows = parseRows(payload);
      return rows === undefined ? "rows that are cut" : { kind: "rows", rows };
    }
    case KINDS.end: {
      if (payload.length !== 8 + SNAPSHOT_DIGEST_BYTES) return "an end that is cut";
      const end = { rowCount: countAt(viewOf(payload), 0), digest: payload.subarray(8) };
      return { kind: "end", end };
    }
    default:
      return "a block of no known kind";
  }
}

function parseHeader(payload: Uint8Array): SnapshotHeader | undefined {
  return parseStructure(payload, (reader) => {
    const version = reader.u32();
    const low = BigInt(reader.u32());
    const clusterId = (BigInt(reader.u32()) << 32n) | low;
    return { version, clusterId, group: reader.count(), meta: reader.meta() };
  });
}

function parseRows(payload: Uint8Array): readonly EngineRow[] | undefined {
  const view = viewOf(payload);
  const rows: EngineRow[] = [];
  for (let at = 0; at < payload.length;) {
    if (at + 8 > payload.length) return undefined;
    const keyFrom = at + 8;
    const valueFrom = keyFrom + view.getUint32(at, true);
    const until = valueFrom + view.getUint32(at + 4, true);
    if (until > payload.length) return undefined;
    rows.push({
      key: payload.subarray(keyFrom, valueFrom),
      value: payload.subarray(valueFrom, until),
    });
    at = until;
  }
  return rows.length > 0 ? rows : undefined;
}
