// How many bytes a directory takes on disk, measured now and then so that a status call costs nothing.
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** What is written in between can exceed a quota of space. */
const INTERVAL_MS = 1_000;
/** Of a directory's files: one after the other each answer wakes the process, and all at once keep log writes waiting. */
const ASKED_AT_ONCE = 16;

export class DiskUsage {
  readonly #directory: string;
  readonly #onFailure: (failure: unknown) => void;
  readonly #onMeasured: (bytes: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #measuring = false;
  #bytes = 0;

  /** `onFailure`: a measurement failed; the last one stands, and the next comes in its turn. */
  constructor(
    directory: string,
    onFailure: (failure: unknown) => void,
    onMeasured: (bytes: number) => void,
  ) {
    this.#directory = directory;
    this.#onFailure = onFailure;
    this.#onMeasured = onMeasured;
  }

  /** As last measured. */
  get bytes(): number {
    return this.#bytes;
  }

  start(): void {
    this.#measure();
    this.#timer = setInterval(() => {
      this.#measure();
    }, INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #measure(): void {
    if (this.#measuring) return;
    this.#measuring = true;
    directoryBytes(this.#directory)
      .then((bytes) => {
        this.#bytes = bytes;
        this.#onMeasured(bytes);
      }, this.#onFailure)
      .finally(() => {
        this.#measuring = false;
      });
  }
}

/** Sum of the sizes of the files in the directory and below; what vanishes meanwhile counts nothing. */
async function directoryBytes(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true });
  let bytes = 0;
  for (let from = 0; from < entries.length; from += ASKED_AT_ONCE) {
    const asked = entries.slice(from, from + ASKED_AT_ONCE);
    const sizes = await Promise.all(asked.map((entry) => entryBytes(directory, entry)));
    bytes += sizes.reduce((sum, size) => sum + size, 0);
  }
  return bytes;
}

async function entryBytes(directory: string, entry: Dirent): Promise<number> {
  const path = join(directory, entry.name);
  try {
    if (entry.isDirectory()) return await directoryBytes(path);
    return entry.isFile() ? (await stat(path)).size : 0;
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw failure;
  }
}
