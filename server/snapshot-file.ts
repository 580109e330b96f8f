// A snapshot in a file: the blocks of its stream, zeros up to a multiple of 512 bytes, and the SHA-256 of all
// of that. Read block by block, so that a file of any size is checked in little memory.
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { compareBytes } from "../base/index.ts";
import { BLOCK_HEAD_BYTES, SNAPSHOT_VERSION, blockBytes, decodeBlock } from "../store/index.ts";
import type { EngineRow, SnapshotHeader } from "../store/index.ts";

const PIECE_BYTES = 1024 * 1024;
const DIGEST_BYTES = 32;

/** bbolt's, of etcd's database pages: behind the first page's head. */
const BOLT_MAGIC = 0xed0cdaed;
const BOLT_MAGIC_AT = 16;

export interface SnapshotContents {
  readonly header: SnapshotHeader;
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** SHA-256 of the stream: equal for equal contents, whatever is behind them in the file. */
  readonly digest: Uint8Array;
}

export interface SnapshotReading {
  /** In key order; the views stay good. */
  readonly onRows: (rows: readonly EngineRow[]) => Promise<void> | void;
  /** The sum at the file's end is not looked at; those within the stream always are. */
  readonly skipsSum?: boolean;
}

/** A file that is no whole snapshot; `message` says why, and where it is damaged. */
export class SnapshotFileError extends Error {
  override readonly name = "SnapshotFileError";
}

/**
 * Reads the file whole and checks everything in it.
 *
 * @throws {SnapshotFileError} at the first thing that is wrong; rows handed over before are worth nothing.
 */
export async function readSnapshotFile(
  path: string,
  { onRows, skipsSum = false }: SnapshotReading,
): Promise<SnapshotContents> {
  const file = openSync(path, "r");
  try {
    const sizeBytes = fstatSync(file).size;
    checkOurs(file, sizeBytes);
    if (!skipsSum) checkSum(file, sizeBytes);
    const hash = createHash("sha256");
    let header: SnapshotHeader | undefined;
    let rowCount = 0;
    for (let offset = 0; ;) {
      const length = blockBytes(piece(file, offset, BLOCK_HEAD_BYTES));
      if (length === undefined) throw damaged(offset, "no block begins here");
      const bytes = piece(file, offset, length);
      const block = decodeBlock(bytes, offset);
      if (typeof block === "string") throw damaged(offset, block);
      if ((offset === 0) !== (block.kind === "header")) throw damaged(offset, "a misplaced header");
      if (block.kind === "end") {
        const { end } = block;
        const same = compareBytes(end.digest, hash.digest()) === 0 && end.rowCount === rowCount;
        if (!same || header === undefined) throw damaged(offset, "the end does not fit");
        return { header, rowCount, sizeBytes, digest: Uint8Array.from(end.digest) };
      }
      if (block.kind === "header") header = readable(block.header);
      else {
        rowCount += block.rows.length;
        await onRows(block.rows);
      }
      hash.update(bytes);
      offset += length;
    }
  } finally {
    closeSync(file);
  }
}

/** What is no snapshot at all is called so, before anything is called damaged. */
function checkOurs(file: number, sizeBytes: number): void {
  if (sizeBytes < BLOCK_HEAD_BYTES) throw damaged(0, "too short for a snapshot");
  const head = piece(file, 0, BLOCK_HEAD_BYTES);
  if (new DataView(head.buffer).getUint32(BOLT_MAGIC_AT, true) === BOLT_MAGIC) {
    throw new SnapshotFileError(
      "it is a database of etcd, which only etcd restores; expected a file by `hansa snapshot save`",
    );
  }
  if (blockBytes(head) === undefined) throw damaged(0, "no snapshot begins here");
}

/** @throws {SnapshotFileError} of another release's rows. */
function readable(header: SnapshotHeader): SnapshotHeader {
  if (header.version === SNAPSHOT_VERSION) return header;
  throw new SnapshotFileError(
    `its format is ${header.version}; this release reads ${SNAPSHOT_VERSION}`,
  );
}

function checkSum(file: number, sizeBytes: number): void {
  const bodyBytes = sizeBytes - DIGEST_BYTES;
  if (bodyBytes < BLOCK_HEAD_BYTES) throw damaged(0, "too short for a snapshot");
  const hash = createHash("sha256");
  for (let at = 0; at < bodyBytes; at += PIECE_BYTES) {
    hash.update(piece(file, at, Math.min(PIECE_BYTES, bodyBytes - at)));
  }
  const sum = hash.digest();
  if (compareBytes(sum, piece(file, bodyBytes, DIGEST_BYTES)) !== 0) {
    throw damaged(bodyBytes, "its SHA-256 does not match");
  }
}

function piece(file: number, from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const read = readSync(file, bytes, at, length - at, from + at);
    if (read === 0) throw damaged(from + at, "the file ends");
    at += read;
  }
  return bytes;
}

function damaged(offset: number, problem: string): SnapshotFileError {
  return new SnapshotFileError(`it is damaged at byte ${offset}: ${problem}`);
}
