// The consensus log by itself: what a batch costs beyond the disk, what the disk costs by O_DSYNC and by
// fdatasync, and how fast the checksum is. Numbers only.
import { constants } from "node:fs";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { crc32c } from "../../base/index.ts";
import type { WriteId } from "../../base/index.ts";
import type { Disk } from "../../store/disk.ts";
import { LOG_OPTIONS_DEFAULT } from "../../store/log.ts";
import type { Log, LogOptions } from "../../store/log.ts";
import { MemoryDisk } from "../../store/memory-disk.ts";
import { openNodeDisk } from "../../store/node-disk.ts";
import { BOOTSTRAP, append, opening } from "../contract/log-writing.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { percentiles } from "./percentiles.ts";
import { formatTable, shortNumber } from "./table.ts";

const OPTIONS: LogOptions = {
  ...LOG_OPTIONS_DEFAULT,
  segmentBytes: 16 * 1024 * 1024,
  create: { bootstrap: BOOTSTRAP, salt: 1 },
};
const BATCHES = 1_500;
const ENTRY_BYTES = 300;

/** Writes cost nothing and end in the next turn: what is left is the log's own work. */
function weightless(disk: Disk): Disk {
  return {
    list: (done) => disk.list(done),
    size: (name, done) => disk.size(name, done),
    read: (name, offset, length, done) => disk.read(name, offset, length, done),
    create: (name, size, done) => disk.create(name, size, done),
    write: (_name, _offset, _bytes, _sync, done) => setImmediate(() => done(undefined, undefined)),
    truncate: (name, size, done) => disk.truncate(name, size, done),
    remove: (name, done) => disk.remove(name, done),
    rename: (from, to, done) => disk.rename(from, to, done),
    close: (done) => disk.close(done),
  };
}

async function openedOn(disk: Disk, writes: (disk: Disk) => Disk = (same) => same): Promise<Log> {
  const first = await opening(disk, OPTIONS);
  if (!first.ok) throw new Error(first.failure.message);
  await new Promise<void>((resolve) => first.log.close(() => resolve()));
  const again = await opening(writes(disk), OPTIONS);
  if (!again.ok) throw new Error(again.failure.message);
  return again.log;
}

interface Cost {
  readonly latencyUs: { readonly p50: number; readonly p99: number };
  readonly cpuUsABatch: number;
}

async function timed(count: number, run: (turn: number) => Promise<void>): Promise<Cost> {
  for (let turn = 0; turn < count / 5; turn += 1) await run(turn);
  const latencies: number[] = [];
  const before = process.cpuUsage();
  for (let turn = 0; turn < count; turn += 1) {
    const from = process.hrtime.bigint();
    await run(turn);
    latencies.push(Number(process.hrtime.bigint() - from) / 1000);
  }
  const { user, system } = process.cpuUsage(before);
  const { p50, p99 } = percentiles(latencies);
  return { latencyUs: { p50, p99 }, cpuUsABatch: (user + system) / count };
}

async function logCost(log: Log, entries: number): Promise<Cost> {
  let id = 0;
  const cost = await timed(BATCHES, async () => {
    const last = log.reader.last();
    const op = append(last + 1, last + entries, 1, ENTRY_BYTES);
    id += 1;
    const batch = { id: id as WriteId, ops: [op], mustSync: true };
    await new Promise<void>((resolve, reject) => {
      log.write(batch, (failure) => {
        if (failure === undefined) resolve();
        else reject(new Error(failure.message));
      });
    });
  });
  await new Promise<void>((resolve) => log.close(() => resolve()));
  return cost;
}

/** The same loop without a log: what the benchmark itself costs. */
async function emptyCost(entries: number): Promise<Cost> {
  let last = 0;
  return timed(BATCHES, async () => {
    append(last + 1, last + entries, 1, ENTRY_BYTES);
    last += entries;
    await new Promise<void>((resolve) => setImmediate(resolve));
  });
}

async function syncCost(directory: string, how: "O_DSYNC" | "fdatasync"): Promise<Cost> {
  const path = join(directory, how);
  fs.writeFileSync(path, Buffer.alloc(8 * 1024 * 1024), { flush: true });
  const flags = constants.O_RDWR | (how === "O_DSYNC" ? constants.O_DSYNC : 0);
  const file = fs.openSync(path, flags);
  const page = Buffer.alloc(4096, 1);
  const cost = await timed(1000, async (turn) => {
    await new Promise<void>((resolve, reject) => {
      const end = (error: Error | null): void => (error === null ? resolve() : reject(error));
      fs.write(file, page, 0, page.length, turn * page.length, (error) => {
        if (error !== null || how === "O_DSYNC") end(error);
        else fs.fdatasync(file, end);
      });
    });
  });
  fs.closeSync(file);
  return cost;
}

function checksumMbASecond(bytes: number): number {
  const data = new Uint8Array(bytes).map((_, at) => at);
  const turns = Math.ceil(1e8 / bytes);
  let sum = 0;
  for (let turn = 0; turn < 1000; turn += 1) sum ^= crc32c(data);
  const from = process.hrtime.bigint();
  for (let turn = 0; turn < turns; turn += 1) sum ^= crc32c(data);
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  expect(Number.isInteger(sum)).toBe(true);
  return (turns * bytes) / 1e6 / seconds;
}

test("storage", async () => {
  const directory = fs.mkdtempSync(join(tmpdir(), "hansa-bench-"));
  const rows: string[][] = [["what", "p50 us", "p99 us", "CPU us a batch", "CPU us an entry"]];
  const add = (what: string, cost: Cost, entries = 1, own = 0): void => {
    const cpu = cost.cpuUsABatch - own;
    const { p50, p99 } = cost.latencyUs;
    rows.push([what, ...[p50, p99, cpu, cpu / entries].map(shortNumber)]);
  };
  try {
    add("4 KiB write by O_DSYNC", await syncCost(directory, "O_DSYNC"));
    add("4 KiB write and fdatasync", await syncCost(directory, "fdatasync"));
    for (const entries of [1, 64]) {
      const own = (await emptyCost(entries)).cpuUsABatch;
      const memory = new MemoryDisk({ schedule: (run) => setImmediate(run) });
      const bare = await logCost(await openedOn(memory, weightless), entries);
      add(`log, ${entries} x ${ENTRY_BYTES} bytes, no disk`, bare, entries, own);
      const folder = join(directory, `log-${entries}`);
      fs.mkdirSync(folder);
      let disk = openNodeDisk(folder);
      const reopened = await openedOn(disk, () => (disk = openNodeDisk(folder)));
      add(`log, ${entries} x ${ENTRY_BYTES} bytes`, await logCost(reopened, entries), entries, own);
    }
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
  const checksums = [64, 300, 20_000].map(
    (bytes) => `${shortNumber(checksumMbASecond(bytes))} MB/s at ${bytes} bytes`,
  );
  const lines = [
    machineLine(describeMachine()),
    formatTable(rows),
    `crc32c: ${checksums.join(", ")}`,
  ];
  process.stdout.write(`\n${lines.join("\n\n")}\n`);
});
