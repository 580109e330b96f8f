// The Engine port in memory, ordered by a copy-on-write tree. A crash takes unsynced batches: a suffix, or
// one from the middle, which is what RocksDB does when it skips a damaged block of its log (S2).
import BTree from "sorted-btree";
import { bytesOf, keyOf } from "../base/index.ts";
import type { Key, Random } from "../base/index.ts";
import type { DiskFailure } from "./disk.ts";
import type { Engine, EngineOp, EngineRange, EngineRow, EngineSnapshot } from "./engine.ts";

export interface MemoryEngineOptions {
  /** Calls `run` later, never inside. A write takes effect when `run` runs. */
  readonly schedule: (run: () => void) => void;
  /** Asked before each operation; a failure keeps it from taking effect. */
  readonly fault?: (kind: "write" | "get" | "scan") => DiskFailure | undefined;
}

type Tree = BTree<Key, Uint8Array>;

export class MemoryEngine implements Engine {
  readonly #options: MemoryEngineOptions;
  /** As of the last synced write. */
  #durable: Tree = new BTree();
  #visible: Tree = new BTree();
  #unsynced: (readonly EngineOp[])[] = [];
  #writeFailure: DiskFailure | undefined;
  /** Counts crashes: completions of an earlier life do not come. */
  #life = 0;

  constructor(options: MemoryEngineOptions) {
    this.#options = options;
  }

  write(
    ops: readonly EngineOp[],
    sync: boolean,
    done: (failure: DiskFailure | undefined) => void,
  ): void {
    this.#run(() => {
      this.#writeFailure ??= this.#options.fault?.("write");
      if (this.#writeFailure === undefined) this.#take(ops, sync);
      done(this.#writeFailure);
    });
  }

  #take(ops: readonly EngineOp[], sync: boolean): void {
    apply(this.#visible, ops);
    this.#unsynced.push(ops);
    if (!sync) return;
    this.#durable = this.#visible.clone();
    this.#unsynced = [];
  }

  get(
    keys: readonly Uint8Array[],
    done: (failure: DiskFailure | undefined, values: readonly (Uint8Array | undefined)[]) => void,
  ): void {
    this.#run(() => {
      const failure = this.#options.fault?.("get");
      if (failure !== undefined) done(failure, []);
      else {
        done(
          undefined,
          keys.map((key) => this.#visible.get(keyOf(key))),
        );
      }
    });
  }

  scan(
    range: EngineRange,
    bytesMax: number,
    done: (
      failure: DiskFailure | undefined,
      page: { readonly rows: readonly EngineRow[]; readonly next?: Uint8Array },
    ) => void,
  ): void {
    this.#run(() => {
      const failure = this.#options.fault?.("scan");
      if (failure !== undefined) done(failure, { rows: [] });
      else done(undefined, this.#page(range, bytesMax));
    });
  }

  #page(
    range: EngineRange,
    bytesMax: number,
  ): { readonly rows: readonly EngineRow[]; readonly next?: Uint8Array } {
    const until = keyOf(range.until);
    const rows: EngineRow[] = [];
    let bytes = 0;
    for (const [key, value] of this.#visible.entries(keyOf(range.from))) {
      if (key >= until) break;
      if (rows.length > 0 && bytes >= bytesMax) return { rows, next: bytesOf(key) };
      rows.push({ key: bytesOf(key), value });
      bytes += key.length + value.length;
    }
    return { rows };
  }

  snapshot(): EngineSnapshot {
    const rows = this.#visible.clone().entries();
    return {
      next: (bytesMax, done) => {
        this.#run(() => {
          const failure = this.#options.fault?.("scan");
          if (failure !== undefined) done(failure, []);
          else done(undefined, takeRows(rows, bytesMax));
        });
      },
      close: () => undefined,
    };
  }

  /** Nothing is left of a row that is gone. */
  compact(_: EngineRange, done: (failure: DiskFailure | undefined) => void): void {
    this.#run(() => done(this.#options.fault?.("scan")));
  }

  liveBytes(): number {
    let bytes = 0;
    for (const [key, value] of this.#visible.entries()) bytes += key.length + value.length;
    return bytes;
  }

  close(done: (failure: DiskFailure | undefined) => void): void {
    this.#run(() => done(undefined));
  }

  /** Power is lost: of the batches since the last synced one, chance keeps a prefix. */
  crash(random: Random): void {
    const kept = random.u32() % (this.#unsynced.length + 1);
    this.#restart(this.#unsynced.slice(0, kept));
  }

  /**
   * Power is lost, and recovery skips one unsynced batch while it keeps those behind it.
   *
   * @returns false, and does nothing, with fewer than two unsynced batches.
   */
  crashLosingMiddle(random: Random): boolean {
    if (this.#unsynced.length < 2) return false;
    const lost = random.u32() % (this.#unsynced.length - 1);
    this.#restart(this.#unsynced.toSpliced(lost, 1));
    return true;
  }

  #restart(survivors: readonly (readonly EngineOp[])[]): void {
    this.#life += 1;
    for (const ops of survivors) apply(this.#durable, ops);
    this.#visible = this.#durable.clone();
    this.#unsynced = [];
    this.#writeFailure = undefined;
  }

  #run(effect: () => void): void {
    const life = this.#life;
    this.#options.schedule(() => {
      if (life === this.#life) effect();
    });
  }
}

function takeRows(
  rows: IterableIterator<[Key, Uint8Array]>,
  bytesMax: number,
): readonly EngineRow[] {
  const taken: EngineRow[] = [];
  let bytes = 0;
  while (bytes < bytesMax) {
    const { done, value } = rows.next() as IteratorResult<[Key, Uint8Array], undefined>;
    if (done === true) break;
    taken.push({ key: bytesOf(value[0]), value: value[1] });
    bytes += value[0].length + value[1].length;
  }
  return taken;
}

/** Values are copied: the caller may reuse its bytes. */
function apply(tree: Tree, ops: readonly EngineOp[]): void {
  for (const op of ops) {
    if (op.op === "put") tree.set(keyOf(op.key), op.value.slice());
    else tree.delete(keyOf(op.key));
  }
}
