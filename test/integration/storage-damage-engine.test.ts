// Damage to RocksDB's own files: its recovery skips a damaged block of its log and says nothing, which is
// why it holds no consensus log, and why every batch of applied state names the one before it (S2; scenario
// 79). A gap means: discard the state, apply the log again.
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { logIndex, nodeId } from "../../base/index.ts";
import type { BootNonce, LogTimeMs } from "../../base/index.ts";
import type { Entry } from "../../consensus/index.ts";
import { storeCodec } from "../../rpc/store-codec.ts";
import { NOBODY } from "../../store/caller.ts";
import { encodeCommand } from "../../store/command.ts";
import type { Engine, EngineRow } from "../../store/engine.ts";
import { Machine } from "../../store/machine.ts";
import type { EngineBatch } from "../../store/machine.ts";
import { destroyEngine, openRocksdbEngine } from "../../store/rocksdb-engine.ts";
import { familyOf } from "../../store/rows.ts";
import { endOf } from "../contract/answers.ts";
import { put, rowsOf } from "../contract/engine.ts";
import { term } from "../contract/log-writing.ts";

const BATCHES = 100;

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "hansa-damage-"));
  try {
    await run(join(directory, "state"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function withEngine<T>(directory: string, run: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await new Promise<Engine>((resolve, reject) => {
    openRocksdbEngine(directory, (opening) => {
      if (opening.ok) resolve(opening.engine);
      else reject(new Error(opening.failure.message));
    });
  });
  try {
    return await run(engine);
  } finally {
    await endOf((done) => engine.close(done));
  }
}

/** RocksDB's own log, which holds all batches that are in no table file. */
function walOf(directory: string): string {
  const logs = readdirSync(directory)
    .filter((name) => name.endsWith(".log"))
    .map((name) => join(directory, name));
  const largest = logs.sort((left, right) => statSync(right).size - statSync(left).size)[0];
  if (largest === undefined) throw new Error("RocksDB has no log file");
  return largest;
}

/** Flips three bytes at this part of RocksDB's log. */
function harmWal(directory: string, part: number): void {
  const path = walOf(directory);
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length * part);
  for (const near of [0, 1, 2]) bytes[at + near] = (bytes[at + near] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}

/** A put as etcd's clients send it: key and value are fields 1 and 2. */
function putEntry(index: number): Entry {
  const key = new TextEncoder().encode(`key-${index}`);
  const value = new Uint8Array(1000).fill(index);
  const length = [0x80 | (value.length & 0x7f), value.length >> 7];
  const body = Uint8Array.of(0x0a, key.length, ...key, 0x12, ...length, ...value);
  const origin = { node: nodeId(1), boot: 1n as BootNonce, counter: index };
  const stamp = { epoch: term(1), logTimeMs: index as LogTimeMs };
  const data = encodeCommand({ kind: "put", stamp, origin, caller: NOBODY, body });
  return { index: logIndex(index), epoch: term(1), kind: "command", data };
}

function newMachine(): Machine {
  return new Machine({ codec: storeCodec, valueCacheBytesMax: 1e6 });
}

async function write(engine: Engine, batch: EngineBatch | undefined, sync: boolean): Promise<void> {
  if (batch === undefined) throw new Error("there is nothing to write");
  await endOf((done) => engine.write(batch.ops, sync, done));
}

/** Applies the entries behind `applied`, a batch each; the state up to `checkpointAt` is synced. */
async function applyLog(machine: Machine, engine: Engine, checkpointAt = 0): Promise<void> {
  for (let index = machine.applied + 1; index <= BATCHES; index += 1) {
    const entry = putEntry(index);
    expect(machine.needs(entry)).toEqual([]);
    expect(machine.apply(entry, [])).toMatchObject({ kind: "put" });
    if (index === checkpointAt) await write(engine, machine.checkpoint(), true);
    else await write(engine, machine.drain(), false);
    machine.flushed(machine.applied);
  }
}

function isLink({ key }: EngineRow): boolean {
  return familyOf(key) === "chain";
}

interface Restart {
  readonly machine: Machine;
  readonly restored: ReturnType<Machine["restored"]>;
}

async function restart(engine: Engine): Promise<Restart> {
  const machine = newMachine();
  machine.restore(await rowsOf(engine, 64 * 1024));
  return { machine, restored: machine.restored() };
}

describe("RocksDB with a damaged log of its own", () => {
  test("opens without a word, with synced batches missing from the middle", async () => {
    await inDirectory(async (directory) => {
      await withEngine(directory, async (engine) => {
        for (let batch = 0; batch < BATCHES; batch += 1) {
          const ops = [put(`k${String(batch).padStart(3, "0")}`, "x".repeat(1000))];
          await endOf((done) => engine.write(ops, true, done));
        }
      });
      harmWal(directory, 0.4);
      await withEngine(directory, async (engine) => {
        const rows = await rowsOf(engine, 1e6);
        const found = rows.map(({ key }) => Number(new TextDecoder().decode(key).slice(1)));
        expect(found.length).toBeLessThan(BATCHES);
        expect(found).toContain(0);
        expect(found).toContain(BATCHES - 1);
      });
    });
  });

  test("is caught by the chain, discarded, and rebuilt from the log to the same state", async () => {
    await inDirectory(async (directory) => {
      const machine = newMachine();
      await withEngine(directory, async (engine) => applyLog(machine, engine));
      harmWal(directory, 0.5);
      const { restored: damaged } = await withEngine(directory, restart);
      expect(damaged.ok).toBe(false);
      if (!damaged.ok) expect(damaged.reason).toMatch(/batch \d+ follows/);

      await endOf((done) => destroyEngine(directory, done));
      await withEngine(directory, async (engine) => {
        const { machine: rebuilt, restored } = await restart(engine);
        expect(restored).toEqual({ ok: true, applied: 0 });
        await applyLog(rebuilt, engine);
        expect(rebuilt.hash()).toBe(machine.hash());
      });
    });
  });

  test("is caught wherever the damage lies, in batches before the last checkpoint too", async () => {
    const caught: boolean[] = [];
    for (const part of [0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]) {
      await inDirectory(async (directory) => {
        const machine = newMachine();
        await withEngine(directory, async (engine) => applyLog(machine, engine, 60));
        harmWal(directory, part);
        const { restored } = await withEngine(directory, restart);
        caught.push(!restored.ok);
      });
    }
    expect(caught).toEqual(caught.map(() => true));
  });

  test("the chain reaches back over the engine's log, and no further", async () => {
    await inDirectory(async (directory) => {
      const machine = new Machine({
        codec: storeCodec,
        valueCacheBytesMax: 1e6,
        engineLogBytesMax: 20_000,
      });
      const links = await withEngine(directory, async (engine) => {
        const counts: number[] = [];
        for (let index = 1; index <= BATCHES; index += 1) {
          machine.apply(putEntry(index), []);
          const synced = index % 5 === 0;
          await write(engine, synced ? machine.checkpoint() : machine.drain(), synced);
          if (synced) counts.push((await rowsOf(engine, 1e6)).filter(isLink).length);
        }
        return counts;
      });
      // Some 1,100 bytes a batch: 20,000 bytes are 18 of them, and a checkpoint is every fifth.
      expect(links.slice(0, 4)).toEqual([5, 10, 15, 20]);
      for (const count of links) expect(count).toBeLessThanOrEqual(25);
      const again = await withEngine(directory, restart);
      expect(again.restored).toEqual({ ok: true, applied: BATCHES });
    });
  });

  test("undamaged: the state comes back whole", async () => {
    await inDirectory(async (directory) => {
      const machine = newMachine();
      await withEngine(directory, async (engine) => applyLog(machine, engine, 60));
      const whole = await withEngine(directory, restart);
      expect(whole.restored).toEqual({ ok: true, applied: BATCHES });
      expect(whole.machine.hash()).toBe(machine.hash());
    });
  });

  test("that lost only its end is behind, not broken: the log's rest is applied again", async () => {
    await inDirectory(async (directory) => {
      const machine = newMachine();
      await withEngine(directory, async (engine) => applyLog(machine, engine));
      const path = walOf(directory);
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * 0.7)));
      await withEngine(directory, async (engine) => {
        const { machine: behind, restored } = await restart(engine);
        expect(restored.ok).toBe(true);
        expect(behind.applied).toBeGreaterThan(50);
        expect(behind.applied).toBeLessThan(BATCHES);
        await applyLog(behind, engine);
        expect(behind.hash()).toBe(machine.hash());
      });
    });
  });
});
