// The ordered byte store under applied state, as RocksDB behaves under the driver: a batch without sync
// survives its process and not its machine. Power loss takes a suffix of the unsynced batches; under the
// state-gap fault it takes one from the middle, as recovery over a damaged WAL block does (S2).
import { bytesOf, keyOf, present } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import type { DiskFailure } from "../../store/disk.ts";
import type {
  Engine,
  EngineOp,
  EngineRange,
  EngineRow,
  EngineSnapshot,
} from "../../store/engine.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import type { Process } from "./process.ts";
import type { DiskFaults } from "./sim-disk.ts";

type Rows = Map<Key, Uint8Array>;

interface Batch {
  readonly ops: readonly EngineOp[];
  readonly sync: boolean;
}

export class SimEngine {
  readonly #events: EventQueue;
  readonly #chance: Chance;
  readonly #name: string;
  /** What survives power loss. */
  readonly #durable: Rows = new Map();
  #visible: Rows = new Map();
  #sortedKeys: readonly Key[] | undefined;
  #unsynced: Batch[] = [];
  readonly #inFlight = new Set<{ readonly batch: Batch; ended: boolean }>();
  #faults: DiskFaults;
  #gapRate: number;
  #busyUntilMs = 0;

  constructor(
    name: string,
    events: EventQueue,
    chance: Chance,
    faults: DiskFaults,
    gapRate: number,
  ) {
    this.#name = name;
    this.#events = events;
    this.#chance = chance;
    this.#faults = faults;
    this.#gapRate = gapRate;
  }

  setFaults(faults: DiskFaults, gapRate: number): void {
    this.#faults = faults;
    this.#gapRate = gapRate;
  }

  /** When the last operation issued so far completes, in true time. */
  get busyUntilMs(): number {
    return this.#busyUntilMs;
  }

  /** The value as the process sees it, at once: for the simulator's own inspection. */
  peek(key: Uint8Array): Uint8Array | undefined {
    return this.#visible.get(keyOf(key));
  }

  /** All of it, likewise: what a backup takes. */
  get rows(): ReadonlyMap<Key, Uint8Array> {
    return new Map(this.#visible);
  }

  /** These rows and no others, whatever comes. */
  fill(rows: ReadonlyMap<Key, Uint8Array>): void {
    this.discard();
    for (const [key, value] of rows) {
      this.#durable.set(key, value);
      this.#visible.set(key, value);
    }
  }

  /** Every row is gone, as when the engine's files are removed. */
  discard(): void {
    this.#durable.clear();
    this.#visible.clear();
    this.#sortedKeys = undefined;
    this.#unsynced = [];
  }

  processDied(): void {
    for (const operation of this.#inFlight) {
      operation.ended = true;
      if (this.#chance.hits(0.5)) this.#land({ ops: operation.batch.ops, sync: false });
    }
    this.#inFlight.clear();
  }

  powerLost(): void {
    this.processDied();
    const kept = this.#chance.whole(0, this.#unsynced.length + 1);
    const survivors = this.#unsynced.slice(0, kept);
    const damaged = survivors.length >= 2 && this.#chance.hits(this.#gapRate);
    if (damaged) survivors.splice(this.#chance.whole(0, survivors.length - 1), 1);
    for (const batch of survivors) write(this.#durable, batch.ops);
    this.#unsynced = [];
    this.#visible = new Map(this.#durable);
    this.#sortedKeys = undefined;
  }

  /** The port, as one life of `process` sees it. Opening writes what the engine's log held into table files. */
  open(process: Process): Engine {
    for (const { ops } of this.#unsynced) write(this.#durable, ops);
    this.#unsynced = [];
    return {
      write: (ops, sync, done) => this.#write(process, { ops, sync }, done),
      get: (keys, done) => {
        const values = keys.map((key) => this.#visible.get(keyOf(key)));
        this.#complete(process, "get", () => done(undefined, values));
      },
      scan: (range, bytesMax, done) => {
        const page = this.#page(range, bytesMax);
        this.#complete(process, "scan", () => done(undefined, page));
      },
      snapshot: () => this.#snapshot(process),
      compact: (_, done) => this.#complete(process, "compact", () => done(undefined)),
      liveBytes: () => this.#visible.size,
      close: (done) => this.#complete(process, "close", () => done(undefined)),
    };
  }

  #snapshot(process: Process): EngineSnapshot {
    const rows = [...this.#visible].sort(([left], [right]) => (left < right ? -1 : 1));
    let at = 0;
    return {
      next: (bytesMax, done) => {
        const page: EngineRow[] = [];
        for (let bytes = 0; bytes < bytesMax && at < rows.length; at += 1) {
          const [key, value] = present(rows[at], "a row of the snapshot");
          page.push({ key: bytesOf(key), value });
          bytes += key.length + value.length;
        }
        this.#complete(process, "snapshot", () => done(undefined, page));
      },
      close: () => undefined,
    };
  }

  #delayMs(): number {
    let delayMs = 0.02 + this.#chance.waitMs(this.#faults.delayMeanMs);
    if (this.#chance.hits(this.#faults.stallRate)) {
      delayMs += this.#chance.between(0, this.#faults.stallMs);
    }
    this.#busyUntilMs = Math.max(this.#busyUntilMs, this.#events.nowMs + delayMs);
    return delayMs;
  }

  #complete(process: Process, label: string, end: () => void): void {
    process.schedule(this.#delayMs(), `engine ${label}`, end);
  }

  #write(process: Process, batch: Batch, done: (failure: DiskFailure | undefined) => void): void {
    const operation = { batch, ended: false };
    this.#inFlight.add(operation);
    const fails = this.#chance.hits(this.#faults.errorRate);
    this.#events.schedule(this.#delayMs(), `${this.#name} engine write`, () => {
      if (operation.ended) return;
      operation.ended = true;
      this.#inFlight.delete(operation);
      if (!fails) this.#land(batch);
      const message = `${this.#name}: injected engine write error`;
      const end = (): void => done(fails ? { kind: "io", message } : undefined);
      process.arrive("engine write done", end);
    });
  }

  #land(batch: Batch): void {
    const before = this.#visible.size;
    write(this.#visible, batch.ops);
    if (this.#visible.size !== before || batch.ops.some(({ op }) => op === "delete")) {
      this.#sortedKeys = undefined;
    }
    this.#unsynced.push(batch);
    if (!batch.sync) return;
    for (const { ops } of this.#unsynced) write(this.#durable, ops);
    this.#unsynced = [];
  }

  #page(range: EngineRange, bytesMax: number): { rows: EngineRow[]; next?: Uint8Array } {
    this.#sortedKeys ??= [...this.#visible.keys()].sort();
    const from = keyOf(range.from);
    const until = keyOf(range.until);
    const rows: EngineRow[] = [];
    let bytes = 0;
    for (const key of this.#sortedKeys) {
      if (key < from) continue;
      if (key >= until) break;
      if (rows.length > 0 && bytes >= bytesMax) return { rows, next: bytesOf(key) };
      const value = present(this.#visible.get(key), "the value of a listed key");
      rows.push({ key: bytesOf(key), value });
      bytes += key.length + value.length;
    }
    return { rows };
  }
}

function write(rows: Rows, ops: readonly EngineOp[]): void {
  for (const op of ops) {
    if (op.op === "put") rows.set(keyOf(op.key), op.value);
    else rows.delete(keyOf(op.key));
  }
}
