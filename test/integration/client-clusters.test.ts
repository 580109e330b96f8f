// What a client makes of a member that is another cluster's: revisions are each cluster's own (federation 6, trap 20).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import { startServer } from "../federation/whole-server.ts";
import type { WholeServer } from "../federation/whole-server.ts";

let folder: string;
let server: WholeServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hansa-clusters-"));
  server = await startServer(folder, "one", []);
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

test("a watch does not go on at another cluster's member, by a revision that means something else there", async () => {
  const client = new Client({ endpoints: [server.endpoint], deadlineMs: 20_000 });
  const { revision } = await client.put("a", "1");
  const watcher = client.watch("a", { startRevision: revision });
  expect((await watcher.next()).value?.revision).toBe(revision);
  const ended = expect(watcher.next()).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining("another cluster") as unknown,
  });
  await server.stop();
  server = await startServer(folder, "two", ["--initial-cluster-token=two"], server);
  const other = new Client({ endpoints: [server.endpoint], deadlineMs: 20_000 });
  for (let at = 0; at < 5; at += 1) await other.put("a", String(at));
  await ended;
  await Promise.all([client.close(), other.close()]);
});
