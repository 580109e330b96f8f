// Port: the ordered byte store that holds applied state. rocksdb-engine.ts and memory-engine.ts implement
// it, test/contract/engine.ts says what both must do. Every completion is a callback, never called inside
// the call that asked for it.
import type { DiskFailure } from "./disk.ts";

export type EngineOp =
  | { readonly op: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly op: "delete"; readonly key: Uint8Array };

export interface EngineRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Half-open, in unsigned byte order. */
export interface EngineRange {
  readonly from: Uint8Array;
  readonly until: Uint8Array;
}

export interface Engine {
  /**
   * All or nothing, in order. Without `sync` the write survives a crash of the process but not of the
   * machine; with it, it and all writes before it survive both.
   */
  write(
    ops: readonly EngineOp[],
    sync: boolean,
    done: (failure: DiskFailure | undefined) => void,
  ): void;
  /** Values in the order of `keys`; undefined where there is none. */
  get(
    keys: readonly Uint8Array[],
    done: (failure: DiskFailure | undefined, values: readonly (Uint8Array | undefined)[]) => void,
  ): void;
  /**
   * The first rows of the range, up to about `bytesMax` bytes, at least one if there is one; `next` is
   * where to go on, absent at the end.
   */
  scan(
    range: EngineRange,
    bytesMax: number,
    done: (
      failure: DiskFailure | undefined,
      page: { readonly rows: readonly EngineRow[]; readonly next?: Uint8Array },
    ) => void,
  ): void;
  /**
   * The rows as they stand at this call: writes that end later do not show. Each holds back what the engine
   * would otherwise reclaim, so it is closed when it is no longer read.
   */
  snapshot(): EngineSnapshot;
  /**
   * Gives back to the disk what deleted and replaced rows of the range still take. Reads and writes go on
   * meanwhile; one at a time, and further ones wait.
   */
  compact(range: EngineRange, done: (failure: DiskFailure | undefined) => void): void;
  /** What the rows that are there take, about; cheap to ask. */
  liveBytes(): number;
  /** Every snapshot was closed before. */
  close(done: (failure: DiskFailure | undefined) => void): void;
}

export interface EngineSnapshot {
  /**
   * The next rows in key order, up to about `bytesMax` bytes, at least one if there is one; none at the end.
   * One call at a time.
   */
  next(
    bytesMax: number,
    done: (failure: DiskFailure | undefined, rows: readonly EngineRow[]) => void,
  ): void;
  /** Ends it, also before its end; no call is under way. */
  close(): void;
}

/** The engines of one group: that of the generation in force, and the one that a snapshot is put into. */
export interface EngineStore {
  /** An empty engine for `generation`; what an earlier attempt left there is removed first. */
  create(generation: number, done: (opening: EngineOpening) => void): void;
  /** Opens it once more; its rows are then as protected from damage as the engine can make them (S2). */
  open(generation: number, done: (opening: EngineOpening) => void): void;
  /** Removes what is there, closed or never made; done when that survives power loss. */
  remove(generation: number, done: (failure: DiskFailure | undefined) => void): void;
}

export type EngineOpening =
  | { readonly ok: true; readonly engine: Engine }
  | { readonly ok: false; readonly failure: DiskFailure };
