// The large transaction that is being staged, chunk by chunk, as rows: an entry that names it applies it whole, and a
// restart goes on from what was staged (federation 3, scenario 43).
import { assert, compareBytes } from "../base/index.ts";
import type { FederatedStore } from "../store/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { Hash } from "./chain.ts";
import { readChunk, writeChunk } from "./chunk-codec.ts";
import type { Dot } from "./dot.ts";
import { chunkRowKey } from "./region-rows.ts";
import { Staging } from "./staging.ts";
import type { Chunk, Staged } from "./staging.ts";
import { TransactionError, decodeTransaction } from "./transaction-codec.ts";
import type { Shipped } from "./transaction-codec.ts";

export class StagedChunks {
  readonly #writes: FederatedStore["writes"];
  readonly #hash: Hash;
  readonly #staging = new Staging();
  #rows: Uint8Array[] = [];
  #digest: Uint8Array = new Uint8Array(0);

  constructor(writes: FederatedStore["writes"], hash: Hash) {
    this.#writes = writes;
    this.#hash = hash;
  }

  /** What is staged, and how many of its bytes. */
  get staged(): Staging["staged"] {
    return this.#staging.staged;
  }

  stage(chunk: Chunk): Staged {
    const copy = { ...chunk, digest: chunk.digest.slice(), bytes: chunk.bytes.slice() };
    const staged = this.#staging.accept(copy);
    if (staged.outcome !== "kept") return staged;
    if (staged.begins) this.#deleteRows();
    const row = chunkRowKey(chunk.offset);
    const writer = new ByteWriter(chunk.bytes.length + 128);
    writeChunk(writer, chunk);
    this.#writes.put(row, writer.written().slice());
    this.#rows.push(row);
    this.#digest = copy.digest;
    return staged;
  }

  /** Undefined: it is not staged whole, or is not what its chunks said it would be. */
  whole(dot: Dot): Shipped | undefined {
    const bytes = this.#staging.whole(dot);
    if (bytes === undefined || compareBytes(this.#hash(bytes), this.#digest) !== 0)
      return undefined;
    try {
      return decodeTransaction(bytes);
    } catch (error) {
      if (error instanceof TransactionError) return undefined;
      throw error;
    }
  }

  clear(): void {
    this.#staging.clear();
    this.#deleteRows();
  }

  /** Rows come in the order of their offsets. */
  restore(rowKey: Uint8Array, row: Uint8Array): void {
    const reader = new ByteReader(row, (message) => new Error(`a staged chunk: ${message}`));
    const chunk = readChunk(reader);
    const { outcome } = this.#staging.accept(chunk);
    assert(outcome === "kept", `a staged chunk is found to be ${outcome}`);
    this.#rows.push(rowKey);
    this.#digest = chunk.digest;
  }

  #deleteRows(): void {
    for (const row of this.#rows) this.#writes.delete(row);
    this.#rows = [];
  }
}
