// What the log asks of its disk and when, and what it does when the disk fails (S3; scenarios 29, 74).
import { describe, expect, test } from "@jest/globals";
import {
  SMALL_LOG,
  WrittenLog,
  append,
  compactTo,
  hint,
  outline,
  promise,
} from "../test/contract/log-writing.ts";
import type { DiskFailure } from "./disk.ts";
import type { LogOptions } from "./log.ts";
import { MemoryDisk } from "./memory-disk.ts";
import type { DiskWork } from "./memory-disk.ts";

const WORN: DiskFailure = { kind: "io", message: "worn out" };

/** A disk that notes what it is asked, completes in order, and fails where it is told to. */
class WatchedDisk {
  readonly asked: DiskWork[] = [];
  failing: ((work: DiskWork) => boolean) | undefined;
  /** While held, nothing completes. */
  held = false;
  readonly #waiting: (() => void)[] = [];
  readonly disk: MemoryDisk;

  constructor() {
    this.disk = new MemoryDisk({
      schedule: (run, work) => {
        this.asked.push(work);
        this.#waiting.push(run);
        setImmediate(() => this.#complete());
      },
      fault: (work) => (this.failing?.(work) === true ? WORN : undefined),
    });
  }

  #complete(): void {
    if (!this.held) this.#waiting.shift()?.();
  }

  release(): void {
    this.held = false;
    for (const run of this.#waiting.splice(0)) setImmediate(run);
  }

  /** Writes asked for since the last call, as "name bytes sync". */
  writes(): string[] {
    return this.asked
      .splice(0)
      .filter(({ kind }) => kind === "write")
      .map(({ name, sync }) => `${name.replace(/-0+/, "-")}${sync ? " synced" : ""}`);
  }
}

async function watchedLog(options: LogOptions = SMALL_LOG): Promise<[WatchedDisk, WrittenLog]> {
  const watched = new WatchedDisk();
  const log = await WrittenLog.open(watched.disk, options);
  watched.writes();
  return [watched, log];
}

describe("what is written", () => {
  test("a batch is one synced write", async () => {
    const [watched, log] = await watchedLog();
    await log.write(append(1, 20, 1));
    expect(watched.writes()).toEqual(["segment-1.log synced"]);
  });

  test("batches that come while one is in flight share the next write", async () => {
    const [watched, log] = await watchedLog();
    const all = [1, 2, 3, 4, 5].map(async (index) => log.write(append(index, index, 1)));
    expect(watched.asked).toHaveLength(1);
    await Promise.all(all);
    expect(watched.writes()).toEqual(["segment-1.log synced", "segment-1.log synced"]);
  });

  test("a merged write holds no more than frameBytesMax, but any single batch", async () => {
    const [watched, log] = await watchedLog({ ...SMALL_LOG, frameBytesMax: 1000 });
    const sizes = [100, 400, 400, 400, 1500, 100];
    await Promise.all(sizes.map(async (bytes, at) => log.write(append(at + 1, at + 1, 1, bytes))));
    expect(watched.writes()).toHaveLength(5);
  });

  test("a commit hint alone is noted without a sync, and travels with what is synced", async () => {
    const [watched, log] = await watchedLog();
    await log.write(append(1, 3, 1));
    watched.writes();
    await log.write(hint(2));
    expect(watched.writes()).toEqual(["hard-state"]);
    await Promise.all([log.write(append(4, 4, 1)), log.write(hint(3)), log.write(append(5, 5, 1))]);
    expect(watched.writes()).toEqual(["segment-1.log synced", "segment-1.log synced"]);
  });

  test("an empty batch waits for those before it, and costs no sync", async () => {
    const [watched, log] = await watchedLog();
    const ended: string[] = [];
    const writes = [
      log.write(append(1, 1, 1)).then(() => ended.push("entry")),
      log.write().then(() => ended.push("empty")),
    ];
    await Promise.all(writes);
    expect(ended).toEqual(["entry", "empty"]);
    expect(watched.writes()).toEqual(["segment-1.log synced", "hard-state"]);
  });

  test("a promise is acknowledged when the witness holds it too (77)", async () => {
    const [watched, log] = await watchedLog();
    await log.write(promise(3), append(1, 1, 3));
    expect(watched.writes()).toEqual(["segment-1.log synced", "hard-state synced"]);
  });

  test("the next segment is laid out when half of one is full, renamed when it begins", async () => {
    const [watched, log] = await watchedLog();
    await log.write(append(1, 10, 1, 500));
    const halfFull = watched.asked.splice(0).map(({ kind, name }) => `${kind} ${name}`);
    expect(halfFull).toEqual([
      "write segment-000000000001.log",
      "create segment-000000000002.spare",
    ]);
    await log.write(append(11, 20, 1, 500));
    const rotated = watched.asked.splice(0).map(({ kind, name }) => `${kind} ${name}`);
    expect(rotated.slice(0, 3)).toEqual([
      "write segment-000000000002.spare",
      "rename segment-000000000002.spare",
      "write hard-state",
    ]);
  });

  test("segments are deleted only after the compaction is durable, oldest first", async () => {
    const [watched, log] = await watchedLog();
    for (let first = 1; first <= 41; first += 10) await log.write(append(first, first + 9, 1, 500));
    watched.writes();
    const compacted = log.write(compactTo(45, 1));
    expect(watched.asked.map(({ kind }) => kind)).toEqual(["write"]);
    await compacted;
    await log.close();
    const removed = watched.asked.filter(({ kind }) => kind === "remove").map(({ name }) => name);
    expect(removed.length).toBeGreaterThan(1);
    expect(removed).toEqual([...removed].sort());
  });

  test("close writes what waits, then the end as it is", async () => {
    const [watched, log] = await watchedLog();
    const last = log.write(append(1, 3, 1));
    const closed = log.close();
    expect(await last).toBeUndefined();
    expect(await closed).toBeUndefined();
    expect(watched.writes()).toEqual(["segment-1.log synced", "hard-state synced"]);
  });
});

describe("a disk that fails", () => {
  test("once: every batch from there on fails, in order, and nothing more is written (74)", async () => {
    const [watched, log] = await watchedLog();
    await log.write(append(1, 1, 1));
    watched.writes();
    watched.failing = ({ kind }) => kind === "write";
    const order: number[] = [];
    const writes = [2, 3, 4].map(async (index) => {
      const failure = await log.write(append(index, index, 1));
      order.push(index);
      return failure;
    });
    expect(await Promise.all(writes)).toEqual([WORN, WORN, WORN]);
    // It would succeed again: that is not believed.
    watched.failing = undefined;
    expect(await log.write(append(5, 5, 1))).toEqual(WORN);
    expect(await log.write(hint(5))).toEqual(WORN);
    expect(order).toEqual([2, 3, 4]);
    expect(watched.writes()).toEqual(["segment-1.log synced"]);
    expect(await log.close()).toBeUndefined();
    expect(watched.writes()).toEqual([]);
    const again = await WrittenLog.open(watched.disk);
    expect(outline(await again.entries())).toBe("1@1");
  });

  test.each([
    ["the witness of a promise", "write", "hard-state", promise(2)],
    ["laying out a segment", "create", "spare", append(1, 10, 1, 500)],
    ["renaming a segment", "rename", "spare", append(1, 20, 1, 500)],
  ] as const)("in %s: halts too", async (_, kind, name, op) => {
    const [watched, log] = await watchedLog();
    watched.failing = (work) => work.kind === kind && work.name.includes(name);
    await log.write(op);
    expect(await log.write(hint(1))).toEqual(WORN);
  });

  test("in deleting a segment: halts too", async () => {
    const [watched, log] = await watchedLog();
    for (let first = 1; first <= 41; first += 10) await log.write(append(first, first + 9, 1, 500));
    watched.failing = ({ kind }) => kind === "remove";
    await log.write(compactTo(45, 1));
    expect(await log.write(append(51, 51, 1))).toEqual(WORN);
  });

  test("too slow: more than pendingBytesMax fails the log instead of filling memory", async () => {
    const [watched, log] = await watchedLog({ ...SMALL_LOG, pendingBytesMax: 2000 });
    watched.held = true;
    const writes = [1, 2, 3].map(async (index) => log.write(append(index, index, 1, 900)));
    watched.release();
    const failures = await Promise.all(writes);
    for (const failure of failures) expect(failure).toMatchObject({ kind: "full" });
  });

  test("while reading: the log does not open", async () => {
    const [watched, log] = await watchedLog();
    await log.close();
    watched.failing = ({ kind }) => kind === "read";
    await expect(WrittenLog.open(watched.disk)).rejects.toThrow("worn out");
  });
});

describe("a batch that does not fit the log", () => {
  test("is a bug of the core", async () => {
    const [, log] = await watchedLog();
    await log.write(append(1, 5, 1));
    await expect(log.write(append(7, 7, 1))).rejects.toThrow(/append at 7 behind 5/);
    const [, other] = await watchedLog();
    await other.write(append(1, 5, 1), compactTo(3, 1));
    await expect(other.write(compactTo(2, 1))).rejects.toThrow(/goes back/);
  });
});
