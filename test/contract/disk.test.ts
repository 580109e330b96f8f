// The disk suite on the directory and on its memory twin; and what only the twin does: a crash.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { Mulberry32 } from "../../base/index.ts";
import { MemoryDisk } from "../../store/memory-disk.ts";
import { openNodeDisk } from "../../store/node-disk.ts";
import { nextTurn } from "./answers.ts";
import { diskContract } from "./disk.ts";

diskContract("memory", () => {
  const disk = new MemoryDisk({ schedule: nextTurn });
  return { open: () => disk, end: () => undefined };
});

diskContract("a directory", () => {
  const directory = mkdtempSync(join(tmpdir(), "hansa-disk-"));
  return {
    open: () => openNodeDisk(directory),
    end: () => rmSync(directory, { recursive: true }),
  };
});

test("a directory: one that does not exist does not open", () => {
  expect(() => openNodeDisk(join(tmpdir(), "hansa-no-such-directory"))).toThrow(/ENOENT/);
});

/** A disk whose completions wait until `settle`, each write of `value` over all 2,000 bytes of "a". */
function heldDisk(): {
  readonly disk: MemoryDisk;
  readonly write: (value: number, sync: boolean) => void;
  readonly settle: () => void;
} {
  let held: (() => void)[] = [];
  const disk = new MemoryDisk({ schedule: (run) => held.push(run) });
  disk.place("a", new Uint8Array(2000));
  return {
    disk,
    write: (value, sync) =>
      disk.write("a", 0, new Uint8Array(2000).fill(value), sync, () => undefined),
    settle: () => {
      const now = held;
      held = [];
      for (const run of now) run();
    },
  };
}

function contentOf(disk: MemoryDisk): Set<number> {
  const values = new Set<number>();
  disk.damage("a", (bytes) => bytes.forEach((byte) => values.add(byte)));
  return values;
}

test("memory: a crash keeps what was synced, and loses or tears what was not", () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 60; seed += 1) {
    const { disk, write, settle } = heldDisk();
    write(1, true);
    settle();
    write(2, false);
    if (seed % 2 === 0) settle();
    disk.crash(new Mulberry32(seed));
    outcomes.add([...contentOf(disk)].sort((l, r) => l - r).join("+"));
  }
  expect(outcomes).toEqual(new Set(["1", "2", "1+2"]));
});

test("memory: a synced write makes the writes before it durable too", () => {
  const { disk, write, settle } = heldDisk();
  write(2, false);
  settle();
  disk.write("a", 2000, Uint8Array.of(7), true, () => undefined);
  settle();
  disk.crash(new Mulberry32(1));
  expect(contentOf(disk)).toEqual(new Set([2, 7]));
});

test("memory: no completion of an earlier life comes after a crash", () => {
  const { disk, settle } = heldDisk();
  let completed = false;
  disk.write("a", 0, Uint8Array.of(1), true, () => {
    completed = true;
  });
  disk.crash(new Mulberry32(1));
  settle();
  expect(completed).toBe(false);
});
