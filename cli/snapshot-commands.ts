// `hansa snapshot save` and `hansa snapshot status`; restore has a file of its own.
import { createHash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import type { Command } from "commander";
import { snapshotBlobs } from "../client/index.ts";
import { CliExit } from "./exit-code.ts";
import { Progress } from "./progress.ts";
import { printerOf, withSession } from "./session.ts";
import type { Session } from "./session.ts";
import { addSnapshotRestoreCommand, orFailed } from "./snapshot-restore-command.ts";
import { snapshotSummaryView } from "./snapshot-text.ts";
import type { Stdio } from "./stdio.ts";
import { syncFolderOf } from "./synced-folder.ts";

const DIGEST_BYTES = 32;

export function addSnapshotCommands(
  program: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  const snapshot = program.command("snapshot").description("the state of one member, in a file");
  snapshot
    .command("save <file>")
    .description("write a member's state to a file, checked and synced")
    .action(async (file: string, _: object, command: Command) => {
      await withSession(command, stdio, {}, async ({ endpoints: [endpoint = ""], tls, auth }) => {
        const progress = new Progress(stdio, { label: "snapshot", unit: "bytes" });
        const sizeBytes = await save(endpoint, { tls, auth }, file, progress).finally(() => {
          progress.end();
        });
        if (sizeBytes === undefined) {
          stdio.err(`Error: the snapshot that came is not whole; ${file} is not written\n`);
          onExit(CliExit.failed);
        } else stdio.out(`Snapshot saved at ${file} (${sizeBytes} bytes)\n`);
      });
    });
  snapshot
    .command("status <file>")
    .description("check a file whole, and print of what state it is")
    .action(async (file: string, _: object, command: Command) => {
      await orFailed(stdio, onExit, file, async () => {
        const { summarizeSnapshot } = await import("../server/index.ts");
        printerOf(command, stdio)(snapshotSummaryView(await summarizeSnapshot(file)));
      });
    });
  addSnapshotRestoreCommand(snapshot, stdio, onExit);
}

/** Under another name until it is whole and synced. @returns its size; undefined: its sum does not match. */
async function save(
  endpoint: string,
  { tls, auth }: Pick<Session, "tls" | "auth">,
  file: string,
  progress: Progress,
): Promise<number | undefined> {
  const temporary = `${file}.part`;
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let held: Uint8Array = new Uint8Array(0);
  const handle = await open(temporary, "w", 0o600);
  try {
    for await (const blob of snapshotBlobs(endpoint, {
      ...(tls === undefined ? {} : { tls }),
      ...(auth === undefined ? {} : { auth }),
    })) {
      const bytes = Buffer.concat([held, blob.bytes]);
      const until = Math.max(0, bytes.length - DIGEST_BYTES);
      hash.update(bytes.subarray(0, until));
      held = bytes.subarray(until);
      sizeBytes += blob.bytes.length;
      await handle.appendFile(blob.bytes);
      progress.at(sizeBytes, sizeBytes + blob.remainingBytes);
    }
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await handle.close();
  if (!hash.digest().equals(held)) {
    await rm(temporary, { force: true });
    return undefined;
  }
  await rename(temporary, file);
  await syncFolderOf(file);
  return sizeBytes;
}
