// Writes through the leader and reads its own writes from a learner: the client remembers the revision of
// each write and asks the learner for at least that. No clock, and no load on the voters but the writes.
// Run: node dist/examples/own-writes-from-learner.js [endpoints]
import { Client } from "../client/index.ts";

async function main(endpoints: readonly string[]): Promise<void> {
  const client = new Client({
    endpoints,
    monotonic: true,
    // A learner that is behind waits until it has caught up, or the deadline passes.
    read: { mode: "learner", onMiss: "wait" },
  });
  try {
    for (const status of ["received", "packed", "shipped"]) {
      const written = await client.put("examples/order/7", status);
      const read = await client.get("examples/order/7");
      const { role, revision, stalenessBoundMs } = read.proof ?? {};
      console.log(
        `wrote ${status} at revision ${written.revision}, read ${read.kv?.text() ?? "nothing"} ` +
          `from a ${role ?? "plain etcd"} at revision ${revision ?? read.revision}, ` +
          `at most ${stalenessBoundMs ?? "an unknown number of"} ms old`,
      );
      if (read.kv?.text() !== status) throw new Error("a write that its writer cannot read");
    }
  } finally {
    await client.close();
  }
}

main((process.argv[2] ?? "127.0.0.1:2379").split(",")).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
