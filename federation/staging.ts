// A transaction too large for one entry of the log comes in chunks, each an entry, and takes effect with the small
// entry that names it (federation 3, scenario 43). One is staged at a time: the next of its origin, causally ready. A new
// leader begins or goes on as it likes: what is there already is a duplicate.
import { assert, compareBytes } from "../base/index.ts";
import { sameDot } from "./dot.ts";
import type { Dot } from "./dot.ts";
import { TRANSACTION_LIMITS } from "./transaction-rules.ts";

/** Of one chunk; with its entry it stays below the smallest bound of a request. */
export const CHUNK_BYTES_MAX = 512 * 1024;

export interface Chunk {
  readonly dot: Dot;
  /** Of the whole transaction's bytes. */
  readonly digest: Uint8Array;
  readonly totalBytes: number;
  /** Where in the transaction this chunk begins. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** In order; two at least are wanted of a transaction that does not fit one entry. */
export function chunksOf(dot: Dot, digest: Uint8Array, bytes: Uint8Array): readonly Chunk[] {
  const chunks: Chunk[] = [];
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES_MAX) {
    const part = bytes.subarray(offset, offset + CHUNK_BYTES_MAX);
    chunks.push({ dot, digest, totalBytes: bytes.length, offset, bytes: part });
  }
  return chunks;
}

/**
 * - `kept`: it goes on from what is staged; `begins`: what was staged before is let go, its rows too.
 * - `duplicate`: it is staged already.
 * - `gap`: something is missing before it: begin anew from what `staged` says.
 * - `malformed`: it reaches beyond what it says of itself, or its size is beyond the bound.
 */
export type Staged =
  | { readonly outcome: "kept"; readonly begins: boolean }
  | { readonly outcome: "duplicate" | "gap" | "malformed" };

export class Staging {
  #dot: Dot | undefined;
  #digest = new Uint8Array();
  #totalBytes = 0;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  /** What is staged, and how many of its bytes. */
  get staged(): { readonly dot: Dot; readonly bytes: number } | undefined {
    return this.#dot && { dot: this.#dot, bytes: this.#bytes };
  }

  /** At boot, each kept chunk again in order. The chunk's bytes are kept, not copied. */
  accept(chunk: Chunk): Staged {
    if (!isWhole(chunk)) return { outcome: "malformed" };
    if (!this.#goesOn(chunk)) {
      if (chunk.offset > 0) return { outcome: "gap" };
      this.clear();
      this.#dot = chunk.dot;
      this.#digest = Uint8Array.from(chunk.digest);
      this.#totalBytes = chunk.totalBytes;
    }
    if (chunk.offset > this.#bytes) return { outcome: "gap" };
    if (chunk.offset + chunk.bytes.length <= this.#bytes) return { outcome: "duplicate" };
    // Chunks are cut at fixed places: one that overlaps without being a duplicate was cut by no leader.
    if (chunk.offset < this.#bytes) return { outcome: "malformed" };
    this.#parts.push(chunk.bytes);
    this.#bytes += chunk.bytes.length;
    return { outcome: "kept", begins: chunk.offset === 0 };
  }

  /** The transaction's bytes; undefined: it is not staged whole. */
  whole(dot: Dot): Uint8Array | undefined {
    if (this.#dot === undefined || !sameDot(this.#dot, dot)) return undefined;
    if (this.#bytes < this.#totalBytes) return undefined;
    const bytes = new Uint8Array(this.#totalBytes);
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    assert(at === this.#totalBytes, `${at} bytes staged of ${this.#totalBytes}`);
    return bytes;
  }

  /** Lets go what is staged: it is applied, or never will be. */
  clear(): void {
    this.#dot = undefined;
    this.#parts = [];
    this.#bytes = 0;
  }

  #goesOn({ dot, digest, totalBytes }: Chunk): boolean {
    return (
      this.#dot !== undefined &&
      sameDot(this.#dot, dot) &&
      totalBytes === this.#totalBytes &&
      compareBytes(digest, this.#digest) === 0
    );
  }
}

function isWhole({ totalBytes, offset, bytes }: Chunk): boolean {
  return (
    totalBytes <= TRANSACTION_LIMITS.bytesMax &&
    bytes.length > 0 &&
    bytes.length <= CHUNK_BYTES_MAX &&
    offset + bytes.length <= totalBytes
  );
}
