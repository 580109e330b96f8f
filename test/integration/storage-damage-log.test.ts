// Damage to the files of a log, in every way S1 names, and what opening says then. A torn tail that nothing
// proves acknowledged is cut; all other damage is refused with the file, the place and the index, and
// nothing on the disk is changed. Never is an acknowledged entry gone without a word (scenarios 75, 77).
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { crc32c } from "../../base/index.ts";
import type { LogFailure, LogOptions } from "../../store/log.ts";
import { MemoryDisk } from "../../store/memory-disk.ts";
import { openNodeDisk } from "../../store/node-disk.ts";
import { nextTurn } from "../contract/answers.ts";
import {
  BOOTSTRAP,
  SMALL_LOG,
  WrittenLog,
  append,
  commands,
  compactTo,
  entriesOf,
  hint,
  opening,
  outline,
  promise,
} from "../contract/log-writing.ts";

type Files = ReadonlyMap<string, Uint8Array>;

const OPTIONS: LogOptions = { ...SMALL_LOG, segmentBytes: 2048, cacheBytesMax: 1e6 };
const LAST_SEGMENT = "segment-000000000003.log";
const WITNESS = "hard-state";

function diskOf(files: Files): MemoryDisk {
  const disk = new MemoryDisk({ schedule: nextTurn });
  for (const [name, bytes] of files) disk.place(name, bytes);
  return disk;
}

function filesOf(disk: MemoryDisk): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const name of disk.names()) disk.damage(name, (bytes) => files.set(name, bytes.slice()));
  return files;
}

function changed(files: Files, name: string, harm: (bytes: Uint8Array) => void): Files {
  const bytes = files.get(name)?.slice() ?? new Uint8Array();
  harm(bytes);
  return new Map([...files, [name, bytes]]);
}

function without(files: Files, name: string): Files {
  return new Map([...files].filter(([each]) => each !== name));
}

function flip(bytes: Uint8Array, at: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
}

/** Bytes up to the last one that is not zero. */
function usedBytes(files: Files, name: string): number {
  return (files.get(name)?.findLastIndex((byte) => byte !== 0) ?? -1) + 1;
}

/** Three segments: entries 1 to 60 in batches of two, then what `last` writes. Not closed. */
async function writtenFiles(last: (log: WrittenLog) => Promise<unknown>): Promise<Files> {
  const disk = new MemoryDisk({ schedule: nextTurn });
  const log = await WrittenLog.open(disk, OPTIONS);
  await log.write(promise(2, 1));
  for (let first = 1; first < 60; first += 2) await log.write(append(first, first + 1, 2, 20));
  await last(log);
  return filesOf(disk);
}

/** The same log closed, so that its end is proven. */
async function closedFiles(): Promise<Files> {
  return writtenFiles(async (log) => log.close());
}

async function indexesIn(files: Files): Promise<string> {
  const log = await WrittenLog.open(diskOf(files), OPTIONS);
  return outline(await log.entries());
}

function digests(files: Files): string[] {
  return [...files].map(([name, bytes]) => `${name} ${bytes.length} ${crc32c(bytes)}`).sort();
}

/** The refusal, after a check that it left every byte as it was. */
async function refusal(files: Files): Promise<LogFailure> {
  const disk = diskOf(files);
  const opened = await opening(disk, OPTIONS);
  if (opened.ok) throw new Error(`opened, with ${outline(await entriesOf(opened.log))}`);
  expect(digests(filesOf(disk))).toEqual(digests(files));
  return opened.failure;
}

const WHOLE = outline(commands(1, 60, 2));

describe("a flipped bit", () => {
  test("anywhere in the segments of a log that closed is refused, or harms nothing", async () => {
    const files = await closedFiles();
    const segments = [...files.keys()].filter((name) => name.endsWith(".log"));
    expect(segments).toHaveLength(3);
    const refused = new Set<string>();
    let harmless = 0;
    for (const name of segments) {
      for (let at = 0; at < usedBytes(files, name) + 16; at += 1) {
        const damaged = changed(files, name, (bytes) => flip(bytes, at));
        const opened = await opening(diskOf(damaged), OPTIONS);
        if (opened.ok) {
          harmless += 1;
          expect(outline(await entriesOf(opened.log))).toBe(WHOLE);
        } else {
          expect(opened.failure).toMatchObject({ kind: "corrupt", file: name });
          expect(opened.failure.offsetBytes).toBeLessThanOrEqual(at);
          refused.add(name);
        }
      }
    }
    expect([...refused]).toEqual(segments);
    // The padding of frames and heads, and what lies behind the end.
    expect(harmless).toBeLessThan(segments.length * 16 + 60 * 8);
  });

  test("in the middle is refused with file, place and index, also without a witness of it", async () => {
    const files = await writtenFiles(async () => Promise.resolve());
    const damaged = changed(files, LAST_SEGMENT, (bytes) => flip(bytes, 840));
    const failure = await refusal(damaged);
    expect(failure).toMatchObject({ kind: "corrupt", file: LAST_SEGMENT });
    expect(failure.message).toMatch(/record-damaged; acknowledged: a frame at \d+ says so/);
    const { afterIndex = 0, offsetBytes = 0 } = failure;
    expect(afterIndex).toBeGreaterThan(40);
    expect(afterIndex).toBeLessThan(60);
    expect(offsetBytes).toBeLessThanOrEqual(840);
    expect(offsetBytes).toBeGreaterThan(840 - 250);
  });

  test("in a segment's head is refused", async () => {
    const files = await closedFiles();
    const failure = await refusal(changed(files, LAST_SEGMENT, (bytes) => flip(bytes, 30)));
    expect(failure).toMatchObject({ kind: "corrupt", file: LAST_SEGMENT, offsetBytes: 0 });
  });
});

describe("a torn tail", () => {
  test("of a batch nobody was told of is cut, wherever it tears, and the log goes on", async () => {
    const before = await writtenFiles(async () => Promise.resolve());
    const after = await writtenFiles(async (log) => log.write(append(61, 64, 2, 20)));
    const from = usedBytes(before, LAST_SEGMENT);
    const until = usedBytes(after, LAST_SEGMENT);
    const tails = new Set<number>();
    for (let cut = from; cut <= until; cut += 1) {
      const torn = changed(after, LAST_SEGMENT, (bytes) => bytes.fill(0, cut));
      const disk = diskOf(torn);
      const log = await WrittenLog.open(disk, OPTIONS);
      const entries = outline(await log.entries());
      expect([WHOLE, outline(commands(1, 64, 2))]).toContain(entries);
      if (entries !== WHOLE) expect(cut).toBeGreaterThan(until - 8);
      tails.add(log.recovery.tornTailBytes);
      const next = log.log.reader.last() + 1;
      await log.write(append(next, next, 3));
      await log.close();
      expect(await indexesIn(filesOf(disk))).toBe(`${entries} ${next}@3`);
    }
    expect(tails.size).toBeGreaterThan((until - from) / 3);
  });

  test("whose sectors landed out of order is cut as well", async () => {
    const after = await writtenFiles(async (log) => log.write(append(61, 61, 2, 1500)));
    const torn = changed(after, "segment-000000000004.log", (bytes) => bytes.fill(0, 512, 1024));
    // The batch that begins a segment is acknowledged with the segment: here it is damage.
    expect((await refusal(torn)).kind).toBe("corrupt");
    const inPlace = await writtenFiles(async (log) => log.write(append(61, 62, 2, 60)));
    const from = usedBytes(await writtenFiles(async () => Promise.resolve()), LAST_SEGMENT);
    const hole = changed(inPlace, LAST_SEGMENT, (bytes) => bytes.fill(0, from, from + 100));
    expect(await indexesIn(hole)).toBe(WHOLE);
  });

  test("of a batch that a later commit hint proves acknowledged is refused", async () => {
    const files = await writtenFiles(async (log) => {
      await log.write(append(61, 64, 2, 20));
      await log.write(hint(64));
    });
    const until = usedBytes(files, LAST_SEGMENT);
    for (const cut of [until - 9, until - 100, until - 200]) {
      const failure = await refusal(changed(files, LAST_SEGMENT, (bytes) => bytes.fill(0, cut)));
      expect(failure).toMatchObject({ kind: "corrupt", file: LAST_SEGMENT, afterIndex: 60 });
      expect(failure.message).toMatch(/hard-state says so/);
    }
  });

  test("that holds a vote is refused: the node must not vote again (77)", async () => {
    const files = await writtenFiles(async (log) => log.write(promise(3, 2)));
    const until = usedBytes(files, LAST_SEGMENT);
    for (let cut = until - 80; cut < until; cut += 1) {
      const torn = changed(files, LAST_SEGMENT, (bytes) => bytes.fill(0, cut));
      expect(await refusal(torn)).toMatchObject({ kind: "corrupt", file: LAST_SEGMENT });
    }
  });
});

describe("a zeroed block", () => {
  test("of any 512 bytes of a log that closed is refused, or held only zeros", async () => {
    const files = await closedFiles();
    let refused = 0;
    for (const name of [...files.keys()].filter((each) => each.endsWith(".log"))) {
      const size = files.get(name)?.length ?? 0;
      for (let from = 0; from < size; from += 512) {
        const damaged = changed(files, name, (bytes) => bytes.fill(0, from, from + 512));
        if (from >= usedBytes(files, name)) expect(await indexesIn(damaged)).toBe(WHOLE);
        else {
          expect(await refusal(damaged)).toMatchObject({ kind: "corrupt", file: name });
          refused += 1;
        }
      }
    }
    expect(refused).toBeGreaterThan(6);
  });
});

describe("a segment that is not where it belongs", () => {
  const name = (sequence: number): string => `segment-${String(sequence).padStart(12, "0")}.log`;

  test("missing: the first, one between, the last", async () => {
    const files = await closedFiles();
    for (const sequence of [1, 2, 3]) {
      const failure = await refusal(without(files, name(sequence)));
      expect(failure).toMatchObject({ kind: "corrupt", file: name(sequence) });
      expect(failure.message).toMatch(/missing/);
    }
    const none = [1, 2, 3].reduce((left, sequence) => without(left, name(sequence)), files);
    expect((await refusal(none)).message).toMatch(/every segment is missing/);
  });

  test("missing at the end, after a crash instead of a close", async () => {
    const files = await writtenFiles(async () => Promise.resolve());
    expect(await refusal(without(files, name(3)))).toMatchObject({ file: name(3) });
  });

  test("duplicated under the next name, or over another", async () => {
    const files = await closedFiles();
    const third = files.get(name(3)) ?? new Uint8Array();
    const ahead = await refusal(new Map([...files, [name(4), third]]));
    expect(ahead).toMatchObject({ kind: "corrupt", file: name(4) });
    expect(ahead.message).toMatch(/holds segment 3/);
    const over = await refusal(new Map([...files, [name(2), third]]));
    expect(over).toMatchObject({ kind: "corrupt", file: name(2) });
  });

  test("of another log, with the right name and number", async () => {
    const files = await closedFiles();
    const disk = new MemoryDisk({ schedule: nextTurn });
    const other = { ...OPTIONS, create: { bootstrap: BOOTSTRAP, salt: 0xbad } };
    const log = await WrittenLog.open(disk, other);
    await log.write(append(1, 2, 2, 20));
    const foreign = filesOf(disk).get(name(1)) ?? new Uint8Array();
    expect(await refusal(new Map([...files, [name(1), foreign]]))).toMatchObject({
      kind: "corrupt",
      file: name(1),
    });
  });

  test("compacted away is not missed; its leftover is removed", async () => {
    const files = await closedFiles();
    const disk = diskOf(files);
    const log = await WrittenLog.open(disk, OPTIONS);
    await log.write(compactTo(58, 2));
    await log.close();
    expect(disk.names()).not.toContain(name(2));
    const leftover = new Map([...filesOf(disk), [name(2), files.get(name(2)) ?? new Uint8Array()]]);
    const again = diskOf(leftover);
    const opened = await WrittenLog.open(again, OPTIONS);
    expect(outline(await opened.entries())).toBe("59@2 60@2");
    expect(again.names()).toEqual([WITNESS, name(3)]);
  });
});

describe("the hard-state slots", () => {
  const slotBytes = 4096;
  const harmSlots =
    (...slots: readonly number[]) =>
    (bytes: Uint8Array): void => {
      for (const slot of slots) flip(bytes, slot * slotBytes + 20);
    };

  test("one damaged: the other and the log say enough, and the vote is kept", async () => {
    const files = await closedFiles();
    for (const slots of [[0], [1], [2], [0, 2], [1, 2]]) {
      const damaged = changed(files, WITNESS, harmSlots(...slots));
      const log = await WrittenLog.open(diskOf(damaged), OPTIONS);
      expect(log.recovery).toMatchObject({ promised: { round: 2 }, votedFor: 1 });
      expect(outline(await log.entries())).toBe(WHOLE);
    }
  });

  test("both damaged, or the file gone: refused (77)", async () => {
    const files = await closedFiles();
    const failure = await refusal(changed(files, WITNESS, harmSlots(0, 1)));
    expect(failure).toMatchObject({ kind: "corrupt", file: WITNESS });
    expect(await refusal(without(files, WITNESS))).toMatchObject({ kind: "corrupt" });
  });

  test("an empty directory is a new log only with `create`; other files are left alone", async () => {
    const disk = diskOf(new Map([["readme", Uint8Array.of(1)]]));
    const log = await WrittenLog.open(disk, OPTIONS);
    expect(log.log.reader.last()).toBe(0);
    expect(disk.names()).toEqual([WITNESS, "readme", "segment-000000000001.log"]);
  });
});

describe("a damaged entry that has left memory", () => {
  test("is noticed when it is loaded again", async () => {
    const disk = new MemoryDisk({ schedule: nextTurn });
    const log = await WrittenLog.open(disk, { ...OPTIONS, cacheBytesMax: 1000 });
    for (let first = 1; first < 60; first += 2) await log.write(append(first, first + 1, 2, 20));
    disk.damage("segment-000000000001.log", (bytes) => flip(bytes, 600));
    const failure = await log.load(1, 10);
    expect(failure).toMatchObject({ kind: "corrupt" });
    expect(failure?.message).toMatch(/segment-000000000001.log at byte \d+, read again/);
  });
});

test("on a real directory: a flipped byte is refused, the restored one opens", async () => {
  const directory = mkdtempSync(join(tmpdir(), "hansa-damage-"));
  try {
    const log = await WrittenLog.open(openNodeDisk(directory), OPTIONS);
    for (let first = 1; first < 60; first += 2) await log.write(append(first, first + 1, 2, 20));
    await log.close();
    const name = readdirSync(directory).find((each) => each.endsWith("2.log")) ?? "";
    const path = join(directory, name);
    const whole = readFileSync(path);
    const damaged = Buffer.from(whole);
    flip(damaged, 900);
    writeFileSync(path, damaged);
    const disk = openNodeDisk(directory);
    const refused = await opening(disk, OPTIONS);
    expect(refused).toMatchObject({ ok: false, failure: { kind: "corrupt", file: name } });
    await new Promise<void>((resolve) => disk.close(() => resolve()));
    writeFileSync(path, whole);
    const again = await WrittenLog.open(openNodeDisk(directory), OPTIONS);
    expect(outline(await again.entries())).toBe(WHOLE);
    await again.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
