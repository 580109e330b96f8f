// One snapshot of the engine as the blocks of its stream, drawn one at a time: memory holds a block, never
// the state. The same blocks go to a peer, to an operator's file, and through the simulator's network.
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { assert } from "../base/index.ts";
import type { PlantedBug } from "../base/index.ts";
import { encodeEndBlock, encodeHeaderBlock, encodeRowsBlock, familyOf } from "../store/index.ts";
import type { DiskFailure, EngineRow, EngineSnapshot, SnapshotHeader } from "../store/index.ts";

export class SnapshotBlocks {
  readonly header: SnapshotHeader;
  readonly #snapshot: EngineSnapshot;
  readonly #blockBytes: number;
  readonly #hash: Hash = createHash("sha256");
  #offset = 0;
  #rowCount = 0;
  #ended = false;
  #reading = false;
  #closed = false;

  readonly #planted: PlantedBug | undefined;

  /** Owns the snapshot from here on. `blockBytes`: of rows in a block, about. */
  constructor(
    header: SnapshotHeader,
    snapshot: EngineSnapshot,
    blockBytes: number,
    planted?: PlantedBug,
  ) {
    this.#planted = planted;
    this.header = header;
    this.#snapshot = snapshot;
    this.#blockBytes = blockBytes;
  }

  /** Bytes of the stream drawn so far. */
  get offset(): number {
    return this.#offset;
  }

  /** The next block, undefined behind the last; one call at a time. */
  next(done: (failure: DiskFailure | undefined, block: Uint8Array | undefined) => void): void {
    assert(!this.#reading && !this.#closed, "blocks are drawn one at a time, until closed");
    if (this.#offset === 0) {
      done(undefined, this.#drawn(encodeHeaderBlock(this.header)));
      return;
    }
    if (this.#ended) {
      done(undefined, undefined);
      return;
    }
    this.#reading = true;
    this.#snapshot.next(this.#blockBytes, (failure, rows) => {
      this.#reading = false;
      if (this.#closed) {
        this.#snapshot.close();
        return;
      }
      if (failure !== undefined) {
        done(failure, undefined);
        return;
      }
      if (rows.length > 0) {
        const kept = this.#keptOf(rows);
        this.#rowCount += kept.length;
        done(undefined, this.#drawn(encodeRowsBlock(this.#offset, kept)));
        return;
      }
      this.#ended = true;
      const end = { rowCount: this.#rowCount, digest: this.#hash.digest() };
      const block = encodeEndBlock(this.#offset, end);
      this.#offset += block.length;
      done(undefined, block);
    });
  }

  /** All of them: the table of sessions is a part of the state (R9, scenario 83). */
  #keptOf(rows: readonly EngineRow[]): readonly EngineRow[] {
    if (this.#planted !== "dedupe-table-not-in-snapshot") return rows;
    return rows.filter(({ key }) => familyOf(key) !== "session" && familyOf(key) !== "answer");
  }

  #drawn(block: Uint8Array): Uint8Array {
    this.#hash.update(block);
    this.#offset += block.length;
    return block;
  }

  /** Lets the snapshot go; a draw under way never ends. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#reading) this.#snapshot.close();
  }
}
