// A donor's snapshot as it is staged in this region's log, chunk by chunk, until one entry installs it (federation 10).
// One is staged at a time, named by the hash of its first chunk; another one takes its place. The chunks are rows; those
// that the engine may not have yet are in memory too.
import { compareBytes, present } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import type { FederatedStore, RowSet } from "../store/index.ts";
import { BOOTSTRAP_LIMITS, BootstrapError, PartsReader } from "./bootstrap-part.ts";
import type { BootstrapHead } from "./bootstrap-part.ts";
import { chainNext } from "./chain.ts";
import type { Hash } from "./chain.ts";
import { bootstrapRowKey } from "./region-rows.ts";

export interface BootstrapChunk {
  /** The hash of chunk 0. */
  readonly id: Uint8Array;
  /** From 0, without a gap. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** `digest`: of all chunks, each chained to the one before. */
export interface StagedBootstrap {
  readonly id: Uint8Array;
  readonly head: BootstrapHead;
  readonly count: number;
  readonly bytes: number;
  readonly digest: Uint8Array;
}

interface Unflushed {
  readonly bytes: Uint8Array;
  readonly index: LogIndex;
}

export class BootstrapStaging {
  readonly #writes: FederatedStore["writes"];
  readonly #hash: Hash;
  #staged: StagedBootstrap | undefined;
  readonly #unflushed = new Map<number, Unflushed>();

  constructor(writes: FederatedStore["writes"], hash: Hash) {
    this.#writes = writes;
    this.#hash = hash;
  }

  get staged(): StagedBootstrap | undefined {
    return this.#staged;
  }

  /** Undefined: it is staged, or was. Else what is wrong with it, and nothing has changed. */
  take({ id, number, bytes }: BootstrapChunk, index: LogIndex): string | undefined {
    const staged = this.#staged;
    const goesOn = staged !== undefined && compareBytes(staged.id, id) === 0;
    if (goesOn && number < staged.count) return undefined;
    if (bytes.length === 0 || bytes.length > BOOTSTRAP_LIMITS.chunkBytesMax) {
      return `a chunk of ${bytes.length} bytes`;
    }
    const after = number === 0 ? this.#begun(id, bytes) : goesOn ? staged : undefined;
    if (typeof after === "string") return after;
    if (after === undefined || number !== after.count) return `chunk ${number} follows no other`;
    if (after.bytes + bytes.length > BOOTSTRAP_LIMITS.bytesMax) {
      return `more than ${BOOTSTRAP_LIMITS.bytesMax} bytes`;
    }
    if (number === 0) this.clear();
    const copy = bytes.slice();
    this.#writes.put(bootstrapRowKey(number), copy);
    this.#unflushed.set(number, { bytes: copy, index });
    this.#staged = this.#grown(after, copy);
    return undefined;
  }

  #begun(id: Uint8Array, first: Uint8Array): StagedBootstrap | string {
    if (compareBytes(this.#hash(first), id) !== 0) return "the first chunk is not what it is named";
    const head = headIn(first);
    if (typeof head === "string") return head;
    return { id: id.slice(), head, count: 0, bytes: 0, digest: id };
  }

  #grown(staged: StagedBootstrap, chunk: Uint8Array): StagedBootstrap {
    const { id, head, count, bytes } = staged;
    const digest = digestNext(this.#hash, staged.digest, count, chunk);
    return { id, head, count: count + 1, bytes: bytes + chunk.length, digest };
  }

  /** Names the rows of the chunks that are not in memory. */
  need(rows: RowSet): void {
    for (let number = 0; number < (this.#staged?.count ?? 0); number += 1) {
      if (!this.#unflushed.has(number)) rows.wantOther(bootstrapRowKey(number));
    }
  }

  /** In order; `rows` as `need` has named them. */
  *chunks(rows: RowSet): Generator<Uint8Array> {
    for (let number = 0; number < (this.#staged?.count ?? 0); number += 1) {
      const unflushed = this.#unflushed.get(number);
      const row = unflushed?.bytes ?? rows.other(bootstrapRowKey(number));
      yield present(row, "the row of a staged chunk");
    }
  }

  flushed(upTo: LogIndex): void {
    for (const [number, { index }] of this.#unflushed) {
      if (index > upTo) break;
      this.#unflushed.delete(number);
    }
  }

  /** Rows come in the order of their numbers. */
  restore(row: Uint8Array): void {
    if (this.#staged === undefined) {
      const begun = this.#begun(this.#hash(row), row);
      this.#staged = present(typeof begun === "string" ? undefined : begun, "a staged head");
    }
    this.#staged = this.#grown(this.#staged, row);
  }

  /** It is installed, or nobody wants it any more. */
  clear(): void {
    for (let number = 0; number < (this.#staged?.count ?? 0); number += 1) {
      this.#writes.delete(bootstrapRowKey(number));
    }
    this.#unflushed.clear();
    this.#staged = undefined;
  }
}

/** `digest`: of the chunks before; of none the first one's hash. */
export function digestNext(
  hash: Hash,
  digest: Uint8Array,
  number: number,
  chunk: Uint8Array,
): Uint8Array {
  return number === 0 ? hash(chunk) : chainNext(hash, digest, chunk);
}

function headIn(first: Uint8Array): BootstrapHead | string {
  try {
    const [part] = new PartsReader().push(first);
    return part?.part === "head" ? part.head : "the first part is no head";
  } catch (error) {
    if (error instanceof BootstrapError) return error.message;
    throw error;
  }
}
