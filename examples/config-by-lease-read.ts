// Reads a service's configuration by lease reads: linearizable, and cheap enough to do for each request.
// Run: node dist/examples/config-by-lease-read.js [endpoints]   (in a package: import from "hansa/client")
import { Client } from "../client/index.ts";

const PREFIX = "config/checkout/";

interface CheckoutConfig {
  readonly currency: string;
  readonly itemsMax: number;
}

/** All settings at one revision, so that no half of a change is seen. */
async function readConfig(client: Client): Promise<CheckoutConfig> {
  const { kvs } = await client.range({ prefix: PREFIX }, { mode: "lease", deadlineMs: 1_000 });
  const settings = new Map(kvs.map((kv) => [kv.keyText().slice(PREFIX.length), kv.text()]));
  return {
    currency: settings.get("currency") ?? "EUR",
    itemsMax: Number(settings.get("items-max") ?? "100"),
  };
}

async function main(endpoints: readonly string[]): Promise<void> {
  const client = new Client({ endpoints });
  try {
    await client.put(`${PREFIX}currency`, "CHF");
    await client.put(`${PREFIX}items-max`, "12");
    console.log(await readConfig(client));

    const startedAtMs = performance.now();
    const count = 1_000;
    for (let at = 0; at < count; at += 1) await readConfig(client);
    const eachMs = (performance.now() - startedAtMs) / count;
    const { proof } = await client.get(`${PREFIX}currency`, { mode: "lease" });
    // A lease that has lapsed is not trusted: the read is then served by index, and says so.
    console.log(`${eachMs.toFixed(2)} ms a read, served by ${proof?.used ?? "a plain etcd"}`);
  } finally {
    await client.close();
  }
}

main((process.argv[2] ?? "127.0.0.1:2379").split(",")).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
