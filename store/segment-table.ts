// Where the entries of a log lie in its segment files, in pieces of about 64 KiB of whole frames: enough to
// read any of them again, at some twenty bytes of memory a piece, and to know which segments can go.
import type { LogIndex } from "../base/index.ts";
import type { StorageOp } from "../consensus/index.ts";

const PIECE_BYTES = 64 * 1024;

/** [from, until) of a segment's bytes; its entries' indexes lie within [indexMin, indexMax]. */
interface Piece {
  readonly from: number;
  until: number;
  indexMin: number;
  indexMax: number;
}

export interface SegmentRow {
  readonly sequence: number;
  readonly name: string;
  readonly sizeBytes: number;
  /** Where the next frame goes. */
  endBytes: number;
  /** The highest index of any entry ever written here; 0 if none. */
  indexMax: number;
  readonly pieces: Piece[];
}

export interface PieceRead {
  readonly segment: SegmentRow;
  readonly from: number;
  readonly until: number;
}

export class SegmentTable {
  readonly #rows: SegmentRow[] = [];

  get rows(): readonly SegmentRow[] {
    return this.#rows;
  }

  get active(): SegmentRow | undefined {
    return this.#rows.at(-1);
  }

  get sizeBytes(): number {
    return this.#rows.reduce((sum, row) => sum + row.endBytes, 0);
  }

  /** As in Log. */
  newestWithin(bytes: number): LogIndex {
    let left = bytes;
    let lowest = Infinity;
    for (const row of this.#rows.toReversed()) {
      for (const piece of row.pieces.toReversed()) {
        left -= piece.until - piece.from;
        if (left < 0 && lowest < Infinity) return lowest as LogIndex;
        lowest = Math.min(lowest, piece.indexMin);
      }
    }
    return (lowest < Infinity ? lowest : 1) as LogIndex;
  }

  begin(sequence: number, name: string, sizeBytes: number, endBytes: number): void {
    this.#rows.push({ sequence, name, sizeBytes, endBytes, indexMax: 0, pieces: [] });
  }

  /** A durable frame at [from, until) of the active segment. */
  addFrame(from: number, until: number, ops: Iterable<StorageOp>): void {
    const row = this.active;
    if (row === undefined) return;
    row.endBytes = until;
    const [indexMin, indexMax] = indexSpan(ops);
    if (indexMax === 0) return;
    row.indexMax = Math.max(row.indexMax, indexMax);
    const newest = row.pieces.at(-1);
    if (newest !== undefined && newest.until === from && until - newest.from <= PIECE_BYTES) {
      newest.until = until;
      newest.indexMin = Math.min(newest.indexMin, indexMin);
      newest.indexMax = Math.max(newest.indexMax, indexMax);
    } else {
      row.pieces.push({ from, until, indexMin, indexMax });
    }
  }

  /** The pieces that may hold entries of [from, until), in the order they were written. */
  piecesOf(from: LogIndex, until: LogIndex): PieceRead[] {
    return this.#rows.flatMap((segment) =>
      segment.pieces
        .filter((piece) => piece.indexMin < until && piece.indexMax >= from)
        .map((piece) => ({ segment, from: piece.from, until: piece.until })),
    );
  }

  /** The first segment that is needed when everything up to `index` is compacted. */
  oldestNeeded(index: LogIndex): number {
    for (const row of this.#rows) {
      if (row.indexMax > index || row === this.active) return row.sequence;
    }
    return 1;
  }

  /** Takes the first segment out if it is older than `oldest`. */
  shiftOlderThan(oldest: number): SegmentRow | undefined {
    const [first] = this.#rows;
    return first !== undefined && first.sequence < oldest ? this.#rows.shift() : undefined;
  }
}

function indexSpan(ops: Iterable<StorageOp>): readonly [number, number] {
  let min = Infinity;
  let max = 0;
  for (const op of ops) {
    const entries = op.op === "append" ? op.entries : op.op === "put" ? [op.entry] : [];
    for (const { index } of entries) {
      min = Math.min(min, index);
      max = Math.max(max, index);
    }
  }
  return [min, max];
}
