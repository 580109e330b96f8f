// A directory group of one and a region of one, each a whole server in this process: founded, changed, followed and
// shown through the calls that an operator makes (federation 14).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { keyOf } from "../../base/index.ts";
import { Client, KvError, op, when } from "../../client/index.ts";
import type { Operation } from "../../client/index.ts";
import { run } from "../../cli/program.ts";
import { FederationDirectory } from "../../server/federation-directory.ts";
import type { Beside } from "../../server/federation-directory.ts";
import { until } from "../e2e/until.ts";
import { startServer } from "./whole-server.ts";

const WAIT_MS = 20_000;

let folder: string;
const endings: (() => Promise<unknown>)[] = [];
let directory: { readonly endpoint: string };
let region: { readonly endpoint: string };
let client: Client;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hansa-directory-"));
  directory = await started("directory", []);
  region = await started("ams", [
    `--federation-directory-endpoints=${directory.endpoint}`,
    "--federation-region=ams",
  ]);
  client = new Client({ endpoints: [region.endpoint], discover: false, deadlineMs: 20_000 });
  endings.push(() => client.close());
}, 60_000);

afterAll(async () => {
  for (const end of endings.reverse()) await end();
  rmSync(folder, { recursive: true });
}, 30_000);

async function started(name: string, flags: readonly string[]): Promise<{ endpoint: string }> {
  const server = await startServer(folder, name, flags);
  endings.push(() => server.stop());
  return server;
}

async function hansa(
  ...argv: readonly string[]
): Promise<{ exit: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const exit = await run(["--endpoints", region.endpoint, "--timeout", "20s", ...argv], {
    env: {},
    readInput: () => Promise.resolve(new Uint8Array()),
    out: (text: string | Uint8Array) => {
      out += typeof text === "string" ? text : new TextDecoder().decode(text);
    },
    err: (text) => {
      err += text;
    },
  });
  return { exit, out, err };
}

test("there is no federation before it is founded, and the answer says so", async () => {
  await expect(client.federation.status()).rejects.toMatchObject({
    code: "federation-refused",
    outcome: "not-applied",
  });
  const { exit, err } = await hansa("federation", "pause", "ams");
  expect([exit, err]).toEqual([1, expect.stringContaining("there is no federation yet")]);
});

test("a region is founded, logs the document, opens a prefix by itself, and shows all of it", async () => {
  expect(await hansa("federation", "init", "127.0.0.1:7000")).toMatchObject({
    exit: 0,
    out: "Federation is at epoch 1\n",
  });
  await until("the region has logged the document", WAIT_MS, async () =>
    (await client.federation.status()).regionEpoch === 1 ? true : undefined,
  );
  expect((await hansa("federation", "policy", "set", "config/", "lww")).exit).toBe(0);
  await until("the prefix is open", WAIT_MS, async () => {
    const { document } = await client.federation.status();
    const text = new TextDecoder().decode(document);
    return text.includes('"progress":{"stage":"open"}') ? true : undefined;
  });
  const { out } = await hansa("federation", "status", "-w", "json");
  expect(JSON.parse(out)).toMatchObject({
    directory_answered: true,
    regions: [{ name: "ams", standing: "live", origin: 1, endpoints: ["127.0.0.1:7000"] }],
  });
});

test("commands given at once each take effect once: the document is compared and set", async () => {
  const before = (await client.federation.status()).epoch;
  const prefixes = ["fra/", "iad/", "lax/", "sin/"];
  const answers = await Promise.all(
    prefixes.map((prefix) =>
      client.federation.change({ policy: { prefix: Buffer.from(prefix), policy: "lww" } }),
    ),
  );
  const epochs = answers.map(({ epoch }) => epoch).sort((a, b) => a - b);
  expect(new Set(epochs).size).toBe(prefixes.length);
  expect(epochs[0]).toBeGreaterThan(before);
  const { document } = await client.federation.status();
  const text = new TextDecoder().decode(document);
  expect(prefixes.filter((prefix) => text.includes(`"${prefix}"`))).toEqual(prefixes);
});

test("what is refused changes nothing and says why; what is malformed too", async () => {
  const refused = await client.federation
    .change({ part: { regions: ["nowhere"] } })
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(KvError);
  expect(String(refused)).toMatch(/no region is named nowhere; members are ams/);
  await expect(client.federation.change({})).rejects.toMatchObject({ code: "invalid-argument" });
  await expect(
    client.federation.change({ policy: { prefix: new Uint8Array(1), policy: "best" } }),
  ).rejects.toThrow(/no policy is named "best"/);
});

test("what rests on something beside the document is refused where that is not so, and was not the document's change", async () => {
  const group = new Client({ endpoints: [directory.endpoint], discover: false });
  const quiet = (): void => undefined;
  const journal = { info: quiet, warn: quiet, error: quiet };
  const documents = new FederationDirectory(group, journal);
  const policy = { command: "policy-unset", prefix: keyOf(Buffer.from("sin/")) } as const;
  const then = (): Operation<unknown>[] => [op.put("beside", "2")];
  const change = (beside: Omit<Beside, "then">) =>
    documents.change(policy, { deadlineMs: 20_000 }, { ...beside, then });
  await group.put("beside", "1");
  const refused = { outcome: "refused", why: "what it rests on is so no more" };
  expect(await change({ if: [when.missing("beside")] })).toEqual(refused);
  expect(await change({ if: [], isFor: ({ epoch }) => epoch === 1 })).toEqual(refused);
  expect((await group.get("beside")).kv?.text()).toBe("1");
  expect(await change({ if: [when.exists("beside")] })).toMatchObject({ outcome: "changed" });
  expect((await group.get("beside")).kv?.text()).toBe("2");
  await documents.close();
});
