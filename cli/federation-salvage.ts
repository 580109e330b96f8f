// `hansa federation salvage FILE`: what the region that is asked keeps beyond the cut of a closed origin, one transaction
// a line, in JSON. Synced before anything is let go.
import { open, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import type { Command } from "commander";
import type { Dot, SalvageCalls, SalvagedTransaction } from "../client/index.ts";
import { withExamples } from "./examples.ts";
import { base64 } from "./output-json.ts";
import { withSession } from "./session.ts";
import type { Stdio } from "./stdio.ts";
import { syncFolderOf } from "./synced-folder.ts";
import type { View } from "./view.ts";

/** A client, as far as it is read. */
interface Listing {
  readonly salvage: Pick<SalvageCalls, "list">;
}

/** What was written. */
interface Saved {
  readonly transactions: number;
  readonly keys: number;
  /** Of each origin. */
  readonly last: ReadonlyMap<number, Dot>;
}

export function addSalvageCommand(federation: Command, stdio: Stdio): void {
  const salvage = federation
    .command("salvage <file>")
    .description(
      "write to a file what the region acknowledged, and nobody else is to have any more",
    )
    .option("--discard", "let it go once the file is synced")
    .action(async (file: string, { discard = false }: { discard?: boolean }, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        const saved = await save(client, file);
        for (const last of discard ? saved.last.values() : []) await client.salvage.discard(last);
        print(savedView(file, saved, discard));
      });
    });
  withExamples(
    salvage,
    ["federation salvage lost.jsonl", "a line a transaction; keys and values in base64"],
    ["federation salvage lost.jsonl --discard", "and the region keeps it no more"],
  );
}

/** A file that is there already is not touched; one that did not come to its end is not left. */
export async function save(client: Listing, file: string): Promise<Saved> {
  const handle = await open(file, "wx", 0o600);
  try {
    const saved = await write(client, handle);
    await syncFolderOf(file);
    return saved;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function write(client: Listing, handle: FileHandle): Promise<Saved> {
  const last = new Map<number, Dot>();
  let transactions = 0;
  let keys = 0;
  for await (const transaction of client.salvage.list()) {
    // Unlike `write` it ends with all of the line, or fails.
    await handle.appendFile(`${lineOf(transaction)}\n`);
    last.set(transaction.dot.origin, transaction.dot);
    transactions += 1;
    keys += transaction.operations.length;
  }
  await handle.sync();
  return { transactions, keys, last };
}

function lineOf({ dot, region, wallMs, operations }: SalvagedTransaction): string {
  return JSON.stringify({
    ...dot,
    region,
    time: new Date(wallMs).toISOString(),
    operations: operations.map(({ key, action, value, operation }) => ({
      key: base64(key),
      action,
      ...(action === "put" && { value: base64(value) }),
      ...(operation !== "" && { operation: JSON.parse(operation) as unknown }),
    })),
  });
}

function savedView(file: string, { transactions, keys }: Saved, discarded: boolean): View {
  const what = discarded ? "written and let go" : "written";
  return {
    simple: [`${transactions} transactions, ${keys} keys ${what}: ${file}\n`],
    json: { file, transactions, keys, discarded },
  };
}
