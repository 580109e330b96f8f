// What a log over any disk does: rules S1 and S3 as far as a healthy disk shows them.
import { describe, expect, test } from "@jest/globals";
import { logIndex, nodeId } from "../../base/index.ts";
import type { Entry, Membership } from "../../consensus/index.ts";
import type { Disk } from "../../store/disk.ts";
import {
  BOOTSTRAP,
  SMALL_LOG,
  WrittenLog,
  append,
  commands,
  compactTo,
  hint,
  metaAt,
  opening,
  outline,
  promise,
  term,
  truncateFrom,
} from "./log-writing.ts";

export interface LogDisk {
  /** The same files at each call, as after a restart. */
  open(): Disk;
  end(): void;
}

/** Runs the suite on logs over disks of this kind. */
export function logContract(name: string, createDisk: () => LogDisk): void {
  async function withDisk(run: (disk: LogDisk) => Promise<void>): Promise<void> {
    const disk = createDisk();
    try {
      await run(disk);
    } finally {
      disk.end();
    }
  }

  describe(`log on ${name}`, () => {
    test("an empty disk becomes a log only where it is asked to (R10)", async () => {
      await withDisk(async (disk) => {
        const { create, ...without } = SMALL_LOG;
        expect(create).toBeDefined();
        const refused = await opening(disk.open(), without);
        expect(refused).toMatchObject({ ok: false, failure: { kind: "missing" } });
        const log = await WrittenLog.open(disk.open());
        expect(log.recovery).toEqual({
          promised: term(0),
          votedFor: 0,
          commitHint: 0,
          configs: [BOOTSTRAP],
          generation: 0,
          tornTailBytes: 0,
        });
        expect(log.log.reader.first()).toBe(1);
        expect(log.log.reader.last()).toBe(0);
        expect(log.log.reader.epochAt(logIndex(0))).toEqual(term(0));
        expect(log.log.reader.snapshot()).toEqual({ ...metaAt(0, 0) });
        expect(await log.close()).toBeUndefined();
        expect((await opening(disk.open(), without)).ok).toBe(true);
      });
    });

    test("the reader shows a batch at once, the disk shows it after a restart", async () => {
      await withDisk(async (disk) => {
        const log = await WrittenLog.open(disk.open());
        const written = log.write(promise(2, 3), append(1, 5, 2), hint(4));
        expect(log.log.reader.last()).toBe(5);
        expect(log.log.reader.slice(logIndex(2), logIndex(4), 1e6)).toEqual(commands(2, 3, 2));
        expect(await written).toBeUndefined();
        await log.close();
        const again = await WrittenLog.open(disk.open());
        expect(again.recovery).toMatchObject({ promised: term(2), votedFor: 3, commitHint: 4 });
        expect(await again.entries()).toEqual(commands(1, 5, 2));
        await again.close();
      });
    });

    test("batches end once each, in the order of their ids (S3)", async () => {
      await withDisk(async (disk) => {
        const log = await WrittenLog.open(disk.open());
        const ended: number[] = [];
        const writes = Array.from({ length: 40 }, async (_, at) => {
          const op = at % 7 === 3 ? hint(at) : append(log.log.reader.last() + 1, at + 1, 1);
          await log.write(op);
          ended.push(at);
        });
        expect(ended).toEqual([]);
        await Promise.all(writes);
        expect(ended).toEqual(writes.map((_, at) => at));
        await log.close();
      });
    });

    test("truncate then append replaces a suffix (R3)", async () => {
      await withDisk(async (disk) => {
        const log = await WrittenLog.open(disk.open());
        await log.write(append(1, 6, 1));
        await log.write(truncateFrom(4), append(4, 5, 3, 70));
        expect(outline(await log.entries())).toBe("1@1 2@1 3@1 4@3 5@3");
        await log.close();
        const again = await WrittenLog.open(disk.open());
        expect(await again.entries()).toEqual([...commands(1, 3, 1), ...commands(4, 5, 3, 70)]);
        await again.close();
      });
    });

    test("slots are put out of order and replaced (Paxos)", async () => {
      await withDisk(async (disk) => {
        const ballot = (round: number, node: number): Entry["epoch"] => ({
          config: 1,
          round,
          node: nodeId(node),
        });
        const slot = (index: number, round: number, node: number): Entry => ({
          index: logIndex(index),
          epoch: ballot(round, node),
          kind: "command",
          data: Uint8Array.of(index, round, node),
        });
        const log = await WrittenLog.open(disk.open());
        await log.write({ op: "put", entry: slot(5, 1, 2) }, { op: "put", entry: slot(2, 1, 2) });
        await log.write({ op: "put", entry: slot(5, 4, 3) }, { op: "put", entry: slot(1, 1, 1) });
        expect(log.log.reader.last()).toBe(5);
        expect(log.log.reader.epochAt(logIndex(3))).toBeUndefined();
        await log.close();
        const again = await WrittenLog.open(disk.open());
        expect(await again.entries()).toEqual([slot(1, 1, 1), slot(2, 1, 2), slot(5, 4, 3)]);
        expect(again.log.reader.epochAt(logIndex(5))).toEqual(ballot(4, 3));
        await again.close();
      });
    });

    test("configurations come back, the truncated and the compacted ones do not", async () => {
      await withDisk(async (disk) => {
        const config = (index: number, voter: number): Membership => ({
          index: logIndex(index),
          incoming: [nodeId(voter)],
          outgoing: [nodeId(1)],
          learners: [nodeId(9)],
          learnersNext: [],
          leaseMs: 750.5,
        });
        const entry = (index: number, voter: number): Entry => ({
          index: logIndex(index),
          epoch: term(1),
          kind: "config",
          config: config(index, voter),
        });
        const noop: Entry = { index: logIndex(2), epoch: term(1), kind: "noop" };
        const log = await WrittenLog.open(disk.open());
        await log.write({ op: "append", entries: [entry(1, 4), noop, entry(3, 5), entry(4, 6)] });
        await log.write(truncateFrom(4));
        await log.close();
        const again = await WrittenLog.open(disk.open());
        expect(again.recovery.configs).toEqual([BOOTSTRAP, config(1, 4), config(3, 5)]);
        expect(await again.entries()).toEqual([entry(1, 4), noop, entry(3, 5)]);
        const meta = { index: logIndex(2), epoch: term(1), config: config(1, 4) };
        await again.write({ op: "compact-to", meta });
        await again.close();
        const third = await WrittenLog.open(disk.open());
        expect(third.recovery.configs).toEqual([config(1, 4), config(3, 5)]);
        await third.close();
      });
    });

    test("older entries leave memory, are announced as loading, and come back by load", async () => {
      await withDisk(async (disk) => {
        const log = await WrittenLog.open(disk.open());
        for (let first = 1; first <= 191; first += 10) await log.write(append(first, first + 9, 1));
        const { reader } = log.log;
        expect(reader.slice(logIndex(1), logIndex(4), 1e6)).toBe("loading");
        expect(reader.epochAt(logIndex(1))).toEqual(term(1));
        expect(await log.load(1, 4)).toBeUndefined();
        expect(reader.slice(logIndex(1), logIndex(4), 1e6)).toEqual(commands(1, 3, 1));
        expect(reader.slice(logIndex(1), logIndex(4), 1)).toEqual(commands(1, 1, 1));
        expect(await log.entries()).toEqual(commands(1, 200, 1));
        await log.close();
      });
    });

    test("compaction deletes whole segments and keeps what it must", async () => {
      await withDisk(async (disk) => {
        const log = await WrittenLog.open(disk.open());
        await log.write(promise(7, 2));
        for (let first = 1; first <= 491; first += 10) await log.write(append(first, first + 9, 7));
        const before = await filesOf(disk);
        await log.write(compactTo(450, 7), hint(460));
        expect(log.log.reader.slice(logIndex(450), logIndex(460), 1e6)).toBe("compacted");
        expect(log.log.reader.first()).toBe(451);
        expect(log.log.reader.epochAt(logIndex(450))).toEqual(term(7));
        await log.close();
        expect((await filesOf(disk)).length).toBeLessThan(before.length / 2);
        const again = await WrittenLog.open(disk.open());
        expect(again.recovery).toMatchObject({ promised: term(7), votedFor: 2, commitHint: 460 });
        expect(again.log.reader.snapshot()).toEqual(metaAt(450, 7));
        expect(await again.entries()).toEqual(commands(451, 500, 7));
        await again.close();
      });
    });

    test("a snapshot ahead of the log replaces it; what is above one stays (R15)", async () => {
      await withDisk(async (disk) => {
        const log = await WrittenLog.open(disk.open());
        await log.write(append(1, 20, 1));
        await log.write({ op: "install-snapshot", meta: metaAt(10, 1), generation: 1 });
        expect(outline(await log.entries())).toMatch(/^11@1 .* 20@1$/);
        await log.write(truncateFrom(11), {
          op: "install-snapshot",
          meta: metaAt(900, 4),
          generation: 2,
        });
        expect(log.log.reader.last()).toBe(900);
        await log.write(append(901, 902, 5));
        await log.close();
        const again = await WrittenLog.open(disk.open());
        expect(outline(await again.entries())).toBe("901@5 902@5");
        expect(again.log.reader.epochAt(logIndex(900))).toEqual(term(4));
        expect(again.recovery.generation).toBe(2);
        await again.close();
      });
    });

    test("a batch larger than a segment has a segment of its own", async () => {
      await withDisk(async (disk) => {
        const log = await WrittenLog.open(disk.open());
        await log.write(append(1, 3, 1));
        await log.write(append(4, 6, 1, 20_000));
        await log.write(append(7, 9, 1));
        await log.close();
        const again = await WrittenLog.open(disk.open());
        const expected = [...commands(1, 3, 1), ...commands(4, 6, 1, 20_000), ...commands(7, 9, 1)];
        expect(await again.entries()).toEqual(expected);
        await again.close();
      });
    });
  });
}

async function filesOf(disk: LogDisk): Promise<readonly string[]> {
  const open = disk.open();
  const names = await new Promise<readonly string[]>((resolve) => {
    open.list((_, listed) => resolve(listed));
  });
  await new Promise<void>((resolve) => open.close(() => resolve()));
  return names;
}
