// Counts without losing or doubling a step, whatever happens to the servers meanwhile: kill the leader while
// it runs. Each write carries a request id of the client's session, so a repetition is answered, not applied.
// Run: node dist/examples/exactly-once-counter.js [endpoints] [steps]
import { Client, KvError, op, when } from "../client/index.ts";

const KEY = "examples/counter";

/** Adds 1 by compare-and-set. @returns the value it wrote */
async function increment(client: Client): Promise<number> {
  for (;;) {
    const { kv } = await client.get(KEY, { mode: "lease" });
    const next = Number(kv?.text() ?? "0") + 1;
    const { succeeded } = await client.txn({
      if: [when.modRevision(KEY, "=", kv?.modRevision ?? 0)],
      then: [op.put(KEY, String(next))],
    });
    // Lost the race against another counter: look again.
    if (succeeded) return next;
  }
}

async function main(endpoints: readonly string[], steps: number): Promise<void> {
  // Long enough for an election in between.
  const client = new Client({ endpoints, deadlineMs: 15_000 });
  try {
    const before = Number((await client.get(KEY)).kv?.text() ?? "0");
    for (let step = 1; step <= steps; step += 1) {
      const value = await increment(client);
      if (step % 100 === 0) console.log(`step ${step}: ${value}`);
    }
    const after = Number((await client.get(KEY)).kv?.text() ?? "0");
    console.log(`${steps} steps, counted ${after - before}`);
  } catch (error) {
    // `unknown` only when the deadline passed before any server could say.
    if (error instanceof KvError) console.error(`${error.code}, outcome ${error.outcome}`);
    throw error;
  } finally {
    await client.close();
  }
}

const [endpoints = "127.0.0.1:2379", steps = "500"] = process.argv.slice(2);
main(endpoints.split(","), Number(steps)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
