// A snapshot in a file: the blocks of its stream, zeros up to a multiple of 512 bytes, and the SHA-256 of all
// of that. Read block by block, so that a file of any size is checked in little memory.
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { compareBytes } from "../base/index.ts";
import { BLOCK_HEAD_BYTES, blockBytes, decodeBlock } from "../store/index.ts";
import type { EngineRow, SnapshotHeader } from "../store/index.ts";

const PIECE_BYTES = 1024 * 1024;
const DIGEST_BYTES = 32;

export interface SnapshotSummary {
  readonly header: SnapshotHeader;
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** A file that is no whole snapshot; `message` says where it is damaged. */
export class SnapshotFileError extends Error {
  override readonly name = "SnapshotFileError";
}

/**
 * Reads the file whole and checks everything in it; `onRows` gets the rows in key order, as views that are
 * good until it resolves.
 *
 * @throws {SnapshotFileError} at the first thing that is wrong; rows handed over before are worth nothing.
 */
export async function readSnapshotFile(
  path: string,
  onRows: (rows: readonly EngineRow[]) => Promise<void> | void,
): Promise<SnapshotSummary> {
  const file = openSync(path, "r");
  try {
    const sizeBytes = fstatSync(file).size;
    const sha256 = checkedSum(file, sizeBytes);
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
        return { header, rowCount, sizeBytes, sha256 };
      }
      if (block.kind === "header") ({ header } = block);
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

function checkedSum(file: number, sizeBytes: number): string {
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
  return sum.toString("hex");
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
  return new SnapshotFileError(`at byte ${offset}: ${problem}`);
}
