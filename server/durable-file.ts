// Small files that replace themselves whole: after a crash at any moment the old text or the new is there.
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";

/** Ends the name of a file that is being written; a leftover means nothing. */
export const TEMPORARY_ENDING = ".tmp";

/** Replaces `directory/name`; when it returns the text survives power loss. @throws {Error} from the disk. */
export function writeDurably(directory: string, name: string, text: string): void {
  const target = join(directory, name);
  const temporary = target + TEMPORARY_ENDING;
  const file = openSync(temporary, "w", 0o600);
  try {
    const bytes = Buffer.from(text, "utf8");
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, target);
  syncDirectory(directory);
}

/** Makes the directory and what is missing above it; when it returns they survive power loss. */
export function makeDirectory(directory: string): void {
  const firstMade = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (firstMade === undefined) return;
  for (let at = directory; at !== dirname(firstMade); at = dirname(at)) syncDirectory(dirname(at));
}

/** Names made, renamed or removed in the directory survive power loss. */
export function syncDirectory(directory: string): void {
  const handle = openSync(directory, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
