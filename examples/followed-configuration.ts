// Reads a configuration and follows its changes: the watch begins at the revision after the read, so nothing
// is missed in between, and goes on at another member when one is lost.
// Run: node dist/examples/followed-configuration.js [endpoints]
import { Client } from "../client/index.ts";

const PREFIX = "examples/limits/";

async function main(endpoints: readonly string[]): Promise<void> {
  const client = new Client({ endpoints });
  try {
    await client.delete({ prefix: PREFIX });
    await client.put(`${PREFIX}requests`, "100");
    const read = await client.range({ prefix: PREFIX });
    const limits = new Map(read.kvs.map((kv) => [kv.keyText(), kv.text()]));
    console.log(`at revision ${read.revision}: ${JSON.stringify([...limits])}`);

    // Somebody else changes them meanwhile.
    await client.put(`${PREFIX}requests`, "200");
    await client.put(`${PREFIX}connections`, "20");
    await client.delete(`${PREFIX}requests`);

    const watcher = client.watch({ prefix: PREFIX }, { startRevision: read.revision + 1 });
    let changes = 0;
    for await (const { revision, events } of watcher) {
      for (const { kind, kv } of events) {
        changes += 1;
        if (kind === "put") limits.set(kv.keyText(), kv.text());
        else limits.delete(kv.keyText());
      }
      console.log(`at revision ${revision}: ${JSON.stringify([...limits])}`);
      if (changes === 3) break;
    }
  } finally {
    await client.close();
  }
}

main((process.argv[2] ?? "127.0.0.1:2379").split(",")).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
