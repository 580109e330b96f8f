// The engine suite on RocksDB and on its memory twin; and what only one of them does.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { Mulberry32 } from "../../base/index.ts";
import type { Engine, EngineOpening } from "../../store/engine.ts";
import { MemoryEngine } from "../../store/memory-engine.ts";
import {
  ROCKSDB_OPTIONS_DEFAULT,
  destroyEngine,
  openRocksdbEngine,
} from "../../store/rocksdb-engine.ts";
import { endOf, nextTurn, refusalOf } from "./answers.ts";
import { bytes, engineContract, put, rowsOf } from "./engine.ts";

engineContract("memory", () => {
  const engine = new MemoryEngine({ schedule: nextTurn });
  return { open: async () => Promise.resolve(engine), end: () => undefined };
});

engineContract("RocksDB", () => {
  const directory = mkdtempSync(join(tmpdir(), "hansa-engine-"));
  return {
    open: async () => openedAt(directory),
    end: () => rmSync(directory, { recursive: true }),
  };
});

async function opening(
  directory: string,
  options = ROCKSDB_OPTIONS_DEFAULT,
): Promise<EngineOpening> {
  return new Promise((resolve) => openRocksdbEngine(directory, resolve, options));
}

async function openedAt(directory: string, options = ROCKSDB_OPTIONS_DEFAULT): Promise<Engine> {
  const opened = await opening(directory, options);
  if (!opened.ok) throw new Error(opened.failure.message);
  return opened.engine;
}

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "hansa-engine-"));
  try {
    await run(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function fill(engine: Engine, count: number, sync: boolean): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await endOf((done) => engine.write([put(`k${turn}`, String(turn))], sync, done));
  }
}

function keysOf(rows: readonly { readonly key: Uint8Array }[]): string[] {
  return rows.map(({ key }) => new TextDecoder().decode(key));
}

test("RocksDB: a directory that is open elsewhere is refused as locked", async () => {
  await inDirectory(async (directory) => {
    const engine = await openedAt(directory);
    const second = await opening(directory);
    expect(second).toMatchObject({ ok: false, failure: { kind: "locked" } });
    await endOf((done) => engine.close(done));
  });
});

test("RocksDB: a directory whose CURRENT is damaged is refused as corrupt", async () => {
  await inDirectory(async (directory) => {
    const engine = await openedAt(directory);
    await endOf((done) => engine.close(done));
    writeFileSync(join(directory, "CURRENT"), "MANIFEST-nonsense");
    expect(await opening(directory)).toMatchObject({ ok: false, failure: { kind: "corrupt" } });
  });
});

test("RocksDB: a path that is a file is refused", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "file");
    writeFileSync(path, "");
    expect(await opening(path)).toMatchObject({ ok: false, failure: { kind: "io" } });
  });
});

test("RocksDB: more waiting gets than the bound are refused as full, the others answer", async () => {
  await inDirectory(async (directory) => {
    const limits = { ...ROCKSDB_OPTIONS_DEFAULT, getsMax: 1, waitingMax: 2 };
    const engine = await openedAt(directory, limits);
    const gets = [1, 2, 3, 4].map(async () =>
      endOf((done) => engine.get([bytes("a")], (failure) => done(failure))),
    );
    await Promise.all(gets.slice(0, 3));
    expect(await refusalOf(gets[3] ?? Promise.resolve())).toMatchObject({ kind: "full" });
    await endOf((done) => engine.close(done));
  });
});

test("destroyEngine leaves nothing, and what a crash of it left is removed next time", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "state");
    const engine = await openedAt(path);
    await fill(engine, 3, true);
    await endOf((done) => engine.close(done));
    mkdirSync(`${path}.discarded`);
    writeFileSync(join(`${path}.discarded`, "leftover"), "x");
    await endOf((done) => destroyEngine(path, done));
    await endOf((done) => destroyEngine(path, done));
    const again = await openedAt(path);
    expect(await rowsOf(again)).toEqual([]);
    await endOf((done) => again.close(done));
  });
});

test("memory: a crash keeps the synced batches and a prefix of the others", async () => {
  const lengths = new Set<number>();
  for (let seed = 1; seed <= 40; seed += 1) {
    const engine = new MemoryEngine({ schedule: nextTurn });
    await fill(engine, 2, true);
    await endOf((done) => engine.write([put("u0", ""), put("u1", "")], false, done));
    await endOf((done) => engine.write([put("u2", "")], false, done));
    engine.crash(new Mulberry32(seed));
    const keys = keysOf(await rowsOf(engine));
    expect(["k0 k1", "k0 k1 u0 u1", "k0 k1 u0 u1 u2"]).toContain(keys.join(" "));
    lengths.add(keys.length);
  }
  expect(lengths).toEqual(new Set([2, 4, 5]));
});

test("memory: a crash can lose a batch from the middle, and only an unsynced one (S2)", async () => {
  const engine = new MemoryEngine({ schedule: nextTurn });
  await fill(engine, 2, true);
  expect(engine.crashLosingMiddle(new Mulberry32(1))).toBe(false);
  for (const key of ["u0", "u1", "u2"]) {
    await endOf((done) => engine.write([put(key, "")], false, done));
  }
  expect(engine.crashLosingMiddle(new Mulberry32(1))).toBe(true);
  const keys = keysOf(await rowsOf(engine));
  expect(keys).toHaveLength(4);
  expect(keys).toEqual(expect.arrayContaining(["k0", "k1", "u2"]));
});

test("memory: after a failed write no write takes effect (S3)", async () => {
  let failing = true;
  const engine = new MemoryEngine({
    schedule: nextTurn,
    fault: (kind) =>
      failing && kind === "write" ? { kind: "io", message: "worn out" } : undefined,
  });
  await refusalOf(endOf((done) => engine.write([put("a", "")], true, done)));
  failing = false;
  const refusal = await refusalOf(endOf((done) => engine.write([put("b", "")], true, done)));
  expect(refusal).toEqual({ kind: "io", message: "worn out" });
  expect(await rowsOf(engine)).toEqual([]);
});
