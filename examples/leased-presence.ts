// A worker that is in the registry for as long as it lives: its key hangs on a lease that it keeps alive. When the
// lease is lost, whatever the reason, the work that rests on it stops.
// Run: node dist/examples/leased-presence.js [endpoints]
import { Client } from "../client/index.ts";

async function main(endpoints: readonly string[]): Promise<void> {
  const client = new Client({ endpoints });
  try {
    const lease = await client.leases.grant(5);
    const kept = client.leases.keepAlive(lease);
    const key = "examples/workers/7";
    await client.put(key, "ready", { lease: lease.id });
    console.log(`present for ${lease.ttlS} s at a time`);

    kept.signal.addEventListener("abort", () => console.log("the work stops"));
    // An operator ends it; a crash or a cut network would end it as well, five seconds later.
    await client.leases.revoke(lease.id);
    const { reason } = await kept.lost;
    const { kv } = await client.get(key);
    console.log(`lost: ${reason}; in the registry: ${kv?.text() ?? "nothing"}`);
  } finally {
    await client.close();
  }
}

main((process.argv[2] ?? "127.0.0.1:2379").split(",")).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
