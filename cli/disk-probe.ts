// How long a disk takes to sync what a log would write: measured in the folder, in a file that is removed.
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "./exit-code.ts";

const SYNCS = 128;
const BLOCK_BYTES = 4_096;

/** Sorted. @throws {UsageError} where nothing can be written */
export async function syncTimesMs(folder: string): Promise<number[]> {
  const file = join(folder, `.hansa-check-${process.pid}`);
  const block = Buffer.alloc(BLOCK_BYTES, 0x5a);
  const handle = await open(file, "wx", 0o600).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`--data-dir ${folder}: ${reason}`, { cause });
  });
  try {
    const times: number[] = [];
    for (let at = 0; at < SYNCS; at += 1) {
      const startedAtMs = performance.now();
      await handle.write(block, 0, BLOCK_BYTES, at * BLOCK_BYTES);
      await handle.datasync();
      times.push(performance.now() - startedAtMs);
    }
    return times.sort((left, right) => left - right);
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
}
