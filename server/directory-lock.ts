// One process a data directory: the exclusive lock of a RocksDB database of its own, which the kernel
// releases with the process however it ends. The engine of the state has such a lock too, but is closed
// and made again when the state is rebuilt; this one is held throughout.
import { join } from "node:path";
import { openRocksdbEngine } from "../store/index.ts";
import type { Engine, EngineOpening } from "../store/index.ts";
import { LOCK_DIRECTORY } from "./data-directory.ts";
import { makeDirectory } from "./durable-file.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";

/** It holds nothing: the least of everything. */
const LOCK_OPTIONS = {
  writeBufferBytes: 64 * 1024,
  blockCacheBytes: 64 * 1024,
  openFilesMax: 16,
  getsMax: 1,
  scansMax: 1,
  waitingMax: 1,
};

/**
 * Takes the lock, making the directory if need be; closing the engine gives it back.
 *
 * @throws {StartRefusal} dataDirectoryInUse, when another process has it; diskFailure.
 */
export async function lockDataDirectory(dataDir: string): Promise<Engine> {
  const directory = join(dataDir, LOCK_DIRECTORY);
  makeDirectory(directory);
  const opening = await new Promise<EngineOpening>((resolve) => {
    openRocksdbEngine(directory, resolve, LOCK_OPTIONS);
  });
  if (opening.ok) return opening.engine;
  const { kind, message } = opening.failure;
  if (kind === "locked") {
    const problem = `data directory ${dataDir} is in use by another process`;
    throw new StartRefusal(ExitCode.dataDirectoryInUse, problem);
  }
  const code = kind === "corrupt" ? ExitCode.corruptStore : ExitCode.diskFailure;
  throw new StartRefusal(code, `the lock of data directory ${dataDir} does not open: ${message}`);
}
