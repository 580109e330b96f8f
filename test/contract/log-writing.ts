// Short ways to say what a log is told, for the suites that write logs.
import { logIndex, nodeId } from "../../base/index.ts";
import type { LogIndex, WriteId } from "../../base/index.ts";
import type { Entry, Epoch, Membership, SnapshotMeta, StorageOp } from "../../consensus/index.ts";
import type { Disk, DiskFailure } from "../../store/disk.ts";
import { LOG_OPTIONS_DEFAULT } from "../../store/log.ts";
import type { Log, LogOpening, LogOptions, LogRecovery } from "../../store/log.ts";
import { openLog } from "../../store/segment-log.ts";
import { endOf } from "./answers.ts";

export const BOOTSTRAP: Membership = {
  index: logIndex(0),
  incoming: [nodeId(1), nodeId(2), nodeId(3)],
  learners: [],
  leaseMs: 1000,
};

/** Small enough that a few batches cross every border. */
export const SMALL_LOG: LogOptions = {
  ...LOG_OPTIONS_DEFAULT,
  segmentBytes: 8192,
  cacheBytesMax: 4096,
  loadBytesMax: 2048,
  create: { bootstrap: BOOTSTRAP, salt: 0x5eed },
};

export function term(round: number): Epoch {
  return { config: 0, round, node: 0 };
}

/** Entries `first` to `last` of one term, with data that names them. */
export function commands(first: number, last: number, round: number, bytes = 40): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const data = new Uint8Array(bytes).fill((first + at) % 251);
    return { index: logIndex(first + at), epoch: term(round), kind: "command", data };
  });
}

export function append(first: number, last: number, round: number, bytes?: number): StorageOp {
  return { op: "append", entries: commands(first, last, round, bytes) };
}

export function promise(round: number, votedFor = 1): StorageOp {
  return { op: "promise", promised: term(round), votedFor: nodeId(votedFor) };
}

export function hint(index: number): StorageOp {
  return { op: "commit-hint", index: logIndex(index) };
}

export function truncateFrom(index: number): StorageOp {
  return { op: "truncate-from", index: logIndex(index) };
}

export function metaAt(index: number, round: number): SnapshotMeta {
  return { index: logIndex(index), epoch: term(round), config: BOOTSTRAP };
}

export function compactTo(index: number, round: number): StorageOp {
  return { op: "compact-to", meta: metaAt(index, round) };
}

/** What opening said. */
export async function opening(disk: Disk, options: LogOptions = SMALL_LOG): Promise<LogOpening> {
  return new Promise((resolve) => openLog(disk, options, resolve));
}

/** A log with its batch ids kept for the test. */
export class WrittenLog {
  readonly log: Log;
  readonly recovery: LogRecovery;
  #id = 0;

  constructor(log: Log, recovery: LogRecovery) {
    this.log = log;
    this.recovery = recovery;
  }

  static async open(disk: Disk, options: LogOptions = SMALL_LOG): Promise<WrittenLog> {
    const opened = await opening(disk, options);
    if (!opened.ok) throw new Error(opened.failure.message);
    return new WrittenLog(opened.log, opened.recovery);
  }

  /** Asks at once; resolves with what `done` said. */
  async write(...ops: readonly StorageOp[]): Promise<DiskFailure | undefined> {
    const mustSync = ops.some(({ op }) => op !== "commit-hint");
    this.#id += 1;
    const id = this.#id as WriteId;
    return new Promise((resolve) => this.log.write({ id, ops, mustSync }, resolve));
  }

  async load(from: number, until: number): Promise<DiskFailure | undefined> {
    return new Promise((resolve) => this.log.load(logIndex(from), logIndex(until), resolve));
  }

  async close(): Promise<DiskFailure | undefined> {
    return new Promise((resolve) => this.log.close(resolve));
  }

  async entries(): Promise<Entry[]> {
    return entriesOf(this.log);
  }
}

/** Every entry of the log, brought back from disk where memory does not hold it. */
export async function entriesOf(log: Log): Promise<Entry[]> {
  const { reader } = log;
  const all: Entry[] = [];
  for (let from: number = reader.first(); from <= reader.last();) {
    const part = reader.slice(from as LogIndex, logIndex(reader.last() + 1), 1024);
    if (part === "compacted") throw new Error(`${from} is compacted`);
    if (part === "loading") {
      await endOf((done) => log.load(from as LogIndex, logIndex(reader.last() + 1), done));
      continue;
    }
    all.push(...part);
    from = (part.at(-1)?.index ?? reader.last()) + 1;
  }
  return all;
}

/** "5@2": index and term, for a whole log in a line. */
export function outline(entries: readonly Entry[]): string {
  return entries.map(({ index, epoch }) => `${index}@${epoch.round}`).join(" ");
}
