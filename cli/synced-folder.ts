// The name of a new file lives in its folder: only once that is synced is the file found after a power failure.
import { open } from "node:fs/promises";
import { dirname } from "node:path";

export async function syncFolderOf(file: string): Promise<void> {
  const folder = await open(dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
