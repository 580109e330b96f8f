// The log suite on a directory and on the memory disk.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryDisk } from "../../store/memory-disk.ts";
import { openNodeDisk } from "../../store/node-disk.ts";
import { nextTurn } from "./answers.ts";
import { logContract } from "./log.ts";

logContract("a memory disk", () => {
  const disk = new MemoryDisk({ schedule: nextTurn });
  return { open: () => disk, end: () => undefined };
});

logContract("a directory", () => {
  const directory = mkdtempSync(join(tmpdir(), "hansa-log-"));
  return {
    open: () => openNodeDisk(directory),
    end: () => rmSync(directory, { recursive: true }),
  };
});
