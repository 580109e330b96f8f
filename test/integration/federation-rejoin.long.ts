// Regions of one member each, whole servers in this process, and their directory: one joins when what it lacks is
// retained nowhere any more, is parted while it is away, comes back and keeps what only it has; one that was wiped does
// not go on as what it was (federation 1, 10, 11; scenarios 9, 10, 13, 33, 36, traps 1, 23, 31).
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { run } from "../../cli/program.ts";
import { Client } from "../../client/index.ts";
import { until } from "../e2e/until.ts";
import { startServer } from "../federation/whole-server.ts";
import type { WholeServer } from "../federation/whole-server.ts";

const WAIT_MS = 40_000;
const TEST_MS = 120_000;

let folder: string;
let flags: (name: string) => readonly string[];
const servers = new Map<string, WholeServer>();
const clients = new Map<string, Client>();
let backups = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hansa-rejoin-"));
  const directory = await startServer(folder, "directory", []);
  servers.set("directory", directory);
  flags = (name) => [
    `--federation-directory-endpoints=${directory.endpoint}`,
    `--federation-region=${name}`,
  ];
  await start("ams");
  await start("fra");
}, 60_000);

afterAll(async () => {
  for (const name of [...clients.keys()]) await end(name);
  await servers.get("directory")?.stop();
  rmSync(folder, { recursive: true });
}, 60_000);

async function start(name: string): Promise<void> {
  const server = await startServer(folder, name, flags(name), servers.get(name));
  servers.set(name, server);
  clients.set(
    name,
    new Client({ endpoints: [server.endpoint], discover: false, deadlineMs: 20_000 }),
  );
}

async function end(name: string): Promise<void> {
  await at(name).close();
  clients.delete(name);
  await servers.get(name)?.stop();
}

function at(name: string): Client {
  const client = clients.get(name);
  if (client === undefined) throw new Error(`no client of ${name}`);
  return client;
}

function peerOf(name: string): string {
  return servers.get(name)?.peer ?? "";
}

function logOf(name: string): string {
  return readFileSync(servers.get(name)?.log ?? "", "utf8");
}

/** What the command prints. */
async function hansa(argv: readonly string[]): Promise<string> {
  let out = "";
  const text = (part: string | Uint8Array): string =>
    typeof part === "string" ? part : new TextDecoder().decode(part);
  await run(argv, {
    env: {},
    readInput: () => Promise.resolve(new Uint8Array()),
    out: (part) => {
      out += text(part);
    },
    err: (part) => {
      out += part;
    },
  });
  return out;
}

/** The federated keys that a region shows. */
async function shown(name: string): Promise<string> {
  const { kvs } = await at(name).range({ prefix: "f/" });
  const text = new TextDecoder();
  return kvs.map(({ key, value }) => `${text.decode(key)}=${text.decode(value)}`).join(" ");
}

async function standing(name: string, by: string): Promise<string | undefined> {
  const { regions } = await at(by).federation.status();
  return regions.find((region) => region.name === name && region.standing !== "parted")?.standing;
}

async function metric(name: string, family: string): Promise<number> {
  const response = await fetch(`http://${servers.get(name)?.endpoint ?? ""}/metrics`);
  const line = (await response.text()).split("\n").find((one) => one.startsWith(`${family} `));
  return Number(line?.split(" ")[1] ?? NaN);
}

async function forgotten(name: string): Promise<void> {
  await until(`${name} retains nothing`, WAIT_MS, async () => {
    const bytes = await metric(name, "hansa_federation_retained_bytes");
    return bytes === 0 ? true : undefined;
  });
}

/** Nothing that is deleted or in conflict waits for another region. */
async function purged(name: string): Promise<void> {
  await until(`${name} keeps no deletes`, WAIT_MS, async () => {
    const bytes = await metric(name, "hansa_federation_waiting_bytes");
    return bytes === 0 ? true : undefined;
  });
}

async function backup(name: string): Promise<string> {
  const file = join(folder, `backup-${name}-${(backups += 1)}`);
  await hansa(["--endpoints", servers.get(name)?.endpoint ?? "", "snapshot", "save", file]);
  return file;
}

/** It is lost, and begins again with what the file has. */
async function restore(name: string, file: string): Promise<void> {
  const { peer = "" } = servers.get(name) ?? {};
  await end(name);
  rmSync(join(folder, name), { recursive: true });
  const member = ["--name", name, "--initial-advertise-peer-urls", `http://${peer}`];
  const cluster = ["--initial-cluster", `${name}=http://${peer}`];
  const folderOf = ["--data-dir", join(folder, name)];
  await hansa(["snapshot", "restore", file, ...folderOf, ...member, ...cluster]);
  await start(name);
}

/** It knows that it was parted. */
async function closed(name: string): Promise<void> {
  await until(`${name} has heard`, WAIT_MS, async () => {
    const error = await at(name)
      .put("f/x", "1")
      .catch((cause: unknown) => cause);
    return String(error).includes("is closed") || undefined;
  });
}

async function onlyReads(name: string): Promise<void> {
  await expect(at(name).put("f/again", "0")).rejects.toThrow(/has no origin/);
}

/** It asks for another origin, and has none yet. */
async function reborn(name: string): Promise<void> {
  await onlyReads(name);
  await at(name).federation.change({ reincarnate: { region: name } });
}

async function live(name: string, by: string): Promise<void> {
  await until(`${name} is live`, WAIT_MS, async () =>
    (await standing(name, by)) === "live" ? true : undefined,
  );
}

async function same(...names: readonly string[]): Promise<string> {
  return until(`${names.join(", ")} show the same`, WAIT_MS, async () => {
    const views = await Promise.all(names.map(shown));
    const [first = ""] = views;
    return views.every((view) => view === first) ? first : undefined;
  });
}

/** Written once the region takes it: its prefix may be on its way there. */
async function put(name: string, key: string, value: string): Promise<void> {
  await until(`${name} takes ${key}`, WAIT_MS, () => at(name).put(key, value));
}

test(
  "a region joins when what it lacks is retained nowhere; what it has there itself is in its way",
  async () => {
    await at("fra").put("f/mine", "before");
    await at("ams").federation.change({ init: { endpoints: [peerOf("ams")] } });
    await at("ams").federation.change({ policy: { prefix: Buffer.from("f/"), policy: "lww" } });
    await put("ams", "f/a", "1");
    await at("ams").put("f/b", "2");
    await at("ams").delete("f/b");
    await forgotten("ams");
    const asked = { endpoints: [peerOf("fra")] };
    await expect(at("fra").federation.change({ join: asked })).rejects.toThrow(/--import/);
    await expect(
      at("ams").federation.change({ join: { ...asked, region: "fra" } }),
    ).rejects.toThrow(/a member of region fra is to be asked/);
    await at("fra").federation.change({ join: { ...asked, import: true } });
    await live("fra", "ams");
    expect(logOf("fra")).toContain("another region's state is installed");
    const view = await until("what it had is everywhere", WAIT_MS, async () => {
      const [here, there] = [await shown("ams"), await shown("fra")];
      return here === there && here.includes("mine") ? here : undefined;
    });
    expect(view).toBe("f/a=1 f/mine=before");
    await put("fra", "f/c", "3");
    expect(await same("ams", "fra")).toBe("f/a=1 f/c=3 f/mine=before");
  },
  TEST_MS,
);

test(
  "parted while it is away it is refused, and back it shows what the others have and keeps what only it has",
  async () => {
    await end("fra");
    await put("ams", "f/a", "while away");
    // What the region wrote that nobody had taken: nobody is there to take it.
    const ams = servers.get("ams");
    await end("ams");
    await start("fra");
    await put("fra", "f/a", "alone");
    await put("fra", "f/only", "here");
    await end("fra");
    await start("ams");
    expect(ams?.endpoint).toBe(servers.get("ams")?.endpoint);
    await at("ams").federation.change({ part: { regions: ["fra"] } });
    await until("it is parted", WAIT_MS, async () =>
      (await standing("fra", "ams")) === undefined ? true : undefined,
    );
    await forgotten("ams");
    await start("fra");
    await closed("fra");
    expect(await metric("fra", "hansa_federation_salvage")).toBe(2);
    await at("fra").federation.change({ join: { endpoints: [peerOf("fra")] } });
    await live("fra", "ams");
    expect(await same("ams", "fra")).toBe("f/a=while away f/c=3 f/mine=before");
    expect(await metric("fra", "hansa_federation_salvage")).toBe(2);
    await put("fra", "f/a", "anew");
    expect(await same("ams", "fra")).toBe("f/a=anew f/c=3 f/mine=before");
    const kept: string[] = [];
    for await (const { region, operations } of at("fra").salvage.list()) {
      for (const { key, value } of operations) {
        kept.push(`${region} ${Buffer.from(key).toString()}=${Buffer.from(value).toString()}`);
      }
    }
    expect(kept).toEqual(["fra f/a=alone", "fra f/only=here"]);
    const file = join(folder, "lost.jsonl");
    const argv = ["--endpoints", servers.get("fra")?.endpoint ?? "", "federation", "salvage", file];
    expect(await hansa([...argv, "--discard"])).toBe(
      `2 transactions, 2 keys written and let go: ${file}\n`,
    );
    const [line = ""] = readFileSync(file, "utf8").split("\n");
    expect(JSON.parse(line)).toMatchObject({
      region: "fra",
      operations: [{ key: Buffer.from("f/a").toString("base64"), action: "put" }],
    });
    expect(await metric("fra", "hansa_federation_salvage")).toBe(0);
  },
  TEST_MS,
);

test(
  "a region that was wiped mints nothing under the origin that its name has, until it has a new one",
  async () => {
    await end("fra");
    rmSync(join(folder, "fra"), { recursive: true });
    await start("fra");
    await until("it is told", WAIT_MS, () =>
      logOf("fra").includes("this region's origin was given to other data") ? true : undefined,
    );
    await reborn("fra");
    await live("fra", "ams");
    expect(await same("ams", "fra")).toBe("f/a=anew f/c=3 f/mine=before");
    await put("fra", "f/again", "1");
    expect(await same("ams", "fra")).toBe("f/a=anew f/again=1 f/c=3 f/mine=before");
  },
  TEST_MS,
);

test(
  "a region restored from a backup mints nothing until it has a new origin, and gets its own writes back",
  async () => {
    const file = await backup("fra");
    await put("fra", "f/after-backup", "1");
    await at("fra").delete("f/mine");
    const before = await same("ams", "fra");
    expect(before).toContain("f/after-backup=1");
    await restore("fra", file);
    await reborn("fra");
    await live("fra", "ams");
    expect(await same("ams", "fra")).toBe(before);
    await put("fra", "f/again", "2");
    expect(await same("ams", "fra")).toBe(before.replace("f/again=1", "f/again=2"));
  },
  TEST_MS,
);

test(
  "restored while no other region is there it only reads until one is, and what was purged meanwhile stays so (scenario 10)",
  async () => {
    await put("fra", "f/doomed", "1");
    await same("ams", "fra");
    const file = await backup("fra");
    await at("ams").delete("f/doomed");
    await put("ams", "f/since", "1");
    const before = await same("ams", "fra");
    await purged("ams");
    await end("ams");
    await restore("fra", file);
    expect(await shown("fra")).toContain("f/doomed=1");
    await reborn("fra");
    await until("fra waits for ams", WAIT_MS, async () => {
      const { awaited } = await at("fra").federation.status();
      return awaited.includes("ams") || undefined;
    });
    await onlyReads("fra");
    await start("ams");
    await live("fra", "ams");
    expect(before).not.toContain("doomed");
    expect(await same("ams", "fra")).toBe(before);
    await put("fra", "f/again", "3");
    expect(await same("ams", "fra")).toBe(before.replace("f/again=2", "f/again=3"));
  },
  TEST_MS,
);

test(
  "a sole survivor goes on by itself, and no other does on its old footing (scenario 10)",
  async () => {
    await put("ams", "f/buried", "1");
    await at("ams").delete("f/buried");
    await same("ams", "fra");
    await purged("fra");
    const before = await same("ams", "fra");
    const file = await backup("fra");
    await end("ams");
    await restore("fra", file);
    await reborn("fra");
    const endpoint = servers.get("fra")?.endpoint ?? "";
    await hansa(["--endpoints", endpoint, "federation", "reincarnate", "fra", "--sole-survivor"]);
    await live("fra", "fra");
    expect(await shown("fra")).toBe(before);
    await put("fra", "f/buried", "anew");
    const { regions } = await at("fra").federation.status();
    const staying = regions.filter((region) => region.standing !== "parted");
    expect(staying.map(({ name }) => name)).toEqual(["fra"]);
    await start("ams");
    await closed("ams");
    await at("ams").federation.change({ join: { endpoints: [peerOf("ams")] } });
    await live("ams", "fra");
    expect(await same("ams", "fra")).toContain("f/buried=anew");
  },
  TEST_MS,
);
