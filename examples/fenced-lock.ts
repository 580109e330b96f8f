// A lock whose holders are told apart by a fencing token, so that one that has lost it without knowing does no
// harm. Run: node dist/examples/fenced-lock.js 127.0.0.1:2379
import { Client, op } from "../client/index.ts";
import type { HeldLock } from "../client/index.ts";

/** Something outside of the store: it remembers the highest token, and refuses what is older. */
class Printer {
  #token = 0;

  print(page: string, token: number): void {
    if (token < this.#token) throw new Error(`token ${token} is older than ${this.#token}`);
    this.#token = token;
    console.log(`printed ${page}`);
  }
}

async function main(endpoints: string[]): Promise<void> {
  const client = new Client({ endpoints });
  const printer = new Printer();
  const lock = client.lock("examples/printer", { ttlS: 5 });
  try {
    let old: HeldLock | undefined;
    await lock.withLock(async (held, signal) => {
      old = held;
      // Work that takes long stops when the lock is lost.
      signal.throwIfAborted();
      printer.print("one", held.fencingToken);
      // Keys of the same store are guarded by a condition: no token to remember, no moment in between.
      const { succeeded } = await client.txn({
        if: [held.held()],
        then: [op.put("examples/pages", "1")],
      });
      console.log(`counted: ${succeeded}`);
    });
    await lock.withLock(async (held) => {
      printer.print("two", held.fencingToken);
      if (old === undefined) return;
      // The holder before, back from a long pause.
      const { succeeded } = await client.txn({
        if: [old.held()],
        then: [op.put("examples/pages", "9")],
      });
      console.log(`counted by the old holder: ${succeeded}`);
      try {
        printer.print("three", old.fencingToken);
      } catch (error) {
        console.log(`refused: ${error instanceof Error ? error.message.replace(/\d+/g, "N") : ""}`);
      }
    });
  } finally {
    await client.close();
  }
}

main((process.argv[2] ?? "127.0.0.1:2379").split(",")).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
