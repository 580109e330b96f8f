// Two tenants in one store, each with a namespace: code that knows nothing of prefixes, and cannot reach another's
// keys by mistake. Run: node dist/examples/tenant-namespace.js 127.0.0.1:2379
import { Client, op, when } from "../client/index.ts";
import type { Namespace } from "../client/index.ts";

/** Written once, for any tenant. */
async function signUp(store: Namespace, user: string): Promise<boolean> {
  const { succeeded } = await store.txn({
    if: [when.missing(`users/${user}`)],
    then: [op.put(`users/${user}`, "active")],
  });
  return succeeded;
}

async function main(endpoints: string[]): Promise<void> {
  const client = new Client({ endpoints });
  try {
    await client.delete({ prefix: "examples/tenants/" });
    const red = client.namespace("examples/tenants/red/");
    const blue = client.namespace("examples/tenants/blue/");
    const watching = red.watch(
      { prefix: "users/" },
      { startRevision: 1 + (await red.get("x")).revision },
    );
    console.log(`red: ${await signUp(red, "ada")}, ${await signUp(red, "ada")}`);
    console.log(`blue: ${await signUp(blue, "ada")}`);
    for await (const { events } of watching) {
      console.log(`red is told of ${events.map(({ kv }) => kv.keyText()).join(", ")}`);
      break;
    }
    // From a key on, without an end: it ends where the namespace does.
    const all = await blue.range({ from: "" });
    console.log(`blue has ${all.kvs.map((kv) => kv.keyText()).join(", ")}`);
    const { kvs } = await client.range({ prefix: "examples/tenants/" }, { keysOnly: true });
    console.log(`in the store: ${kvs.map((kv) => kv.keyText()).join(", ")}`);
  } finally {
    await client.close();
  }
}

main((process.argv[2] ?? "127.0.0.1:2379").split(",")).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
