// A new cluster from a snapshot's file: what is made, what is refused, and what a crash on the way leaves.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { BootNonce, LogIndex, LogTimeMs, NodeId } from "../base/index.ts";
import { EPOCH_ZERO } from "../consensus/index.ts";
import type { Entry, SnapshotMeta } from "../consensus/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import { storeCodec } from "../rpc/index.ts";
import { Machine, NOBODY, SNAPSHOT_VERSION, encodeCommand } from "../store/index.ts";
import { MemoryEngine } from "../store/memory-engine.ts";
import { bootstrapCluster } from "./cluster.ts";
import type { Bootstrap } from "./cluster.ts";
import { RESTORING_FILE, inspectDataDirectory } from "./data-directory.ts";
import { SnapshotBlocks } from "./snapshot-blocks.ts";
import { restoreSnapshot } from "./snapshot-restore.ts";
import type { RestoreRequest } from "./snapshot-restore.ts";
import { summarizeSnapshot } from "./snapshot-summary.ts";

const EPOCH = { config: 0, round: 3, node: 0 } as const;
const URLS: Readonly<Record<string, string>> = {
  a: "http://127.0.0.1:1",
  b: "http://127.0.0.1:2",
};

function clusterOf(name: string): Bootstrap {
  const result = bootstrapCluster({
    name,
    initialCluster: Object.entries(URLS)
      .map(([each, url]) => `${each}=${url}`)
      .join(","),
    initialAdvertisePeerUrls: [URLS[name] ?? ""],
    initialLearners: [],
    token: "t",
    protocol: "raft",
    leaseMs: 1000,
  });
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.bootstrap;
}

function put(index: number): Entry {
  const bytes = new TextEncoder().encode(`key-${index % 10}`);
  const body = etcdserverpb.PutRequest.encode({ key: bytes, value: bytes }).finish();
  const origin = { node: 1 as NodeId, boot: 1n as BootNonce, counter: index };
  const data = encodeCommand({
    kind: "put",
    stamp: { epoch: EPOCH_ZERO, logTimeMs: index as LogTimeMs },
    origin,
    caller: NOBODY,
    body,
  });
  return { kind: "command", index: index as LogIndex, epoch: EPOCH, data };
}

/** As `hansa snapshot save` writes it: `count` puts of ten keys. */
async function writeSnapshot(file: string, count: number): Promise<void> {
  const engine = new MemoryEngine({ schedule: setImmediate });
  const machine = new Machine({ codec: storeCodec, valueCacheBytesMax: 0 });
  machine.restored();
  for (let index = 1; index <= count; index += 1) machine.apply(put(index), []);
  const batch = machine.checkpoint();
  await new Promise((resolve) => {
    engine.write(batch?.ops ?? [], true, resolve);
  });
  const config = { index: 0 as LogIndex, incoming: [1 as NodeId], learners: [], leaseMs: 1000 };
  const meta: SnapshotMeta = { index: count as LogIndex, epoch: EPOCH, config };
  const header = { version: SNAPSHOT_VERSION, clusterId: 9n, group: 1, meta };
  const blocks = new SnapshotBlocks(header, engine.snapshot(), 500);
  const parts: Uint8Array[] = [];
  for (;;) {
    const block = await new Promise<Uint8Array | undefined>((resolve) => {
      blocks.next((_, next) => {
        resolve(next);
      });
    });
    if (block === undefined) break;
    parts.push(block);
  }
  blocks.close();
  const bytes = Buffer.concat(parts);
  const padded = Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
  writeFileSync(file, Buffer.concat([padded, createHash("sha256").update(padded).digest()]));
}

let folder: string;
let request: RestoreRequest;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hansa-restore-"));
  const file = join(folder, "file");
  await writeSnapshot(file, 40);
  const dataDir = join(folder, "d");
  request = {
    file,
    dataDir,
    logDir: join(dataDir, "log"),
    bootstrap: clusterOf("a"),
    logSegmentBytes: 1024 * 1024,
    revisionsSkipped: 0,
    skipsSum: false,
  };
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function inspected(dataDir: string): ReturnType<typeof inspectDataDirectory> {
  const { bootstrap } = request;
  const rest = { namesCluster: true, electionTimeoutMs: 1000, consensus: "raft" as const };
  return inspectDataDirectory({ dataDir, logDir: join(dataDir, "log"), bootstrap, ...rest });
}

describe("a snapshot's file", () => {
  test("tells what a restore would serve", async () => {
    expect(await summarizeSnapshot(request.file)).toMatchObject({
      revision: 41,
      compacted: 0,
      keys: 10,
      clusterId: 9n,
      meta: { index: 40 },
    });
  });
});

describe("a restore", () => {
  test("makes a member of a new cluster, whose id is the same at each and not the one before", async () => {
    const first = await restoreSnapshot(request);
    expect(first).toMatchObject({ revision: 41, keys: 10 });
    expect(inspected(request.dataDir)).toMatchObject({ state: "ready" });
    const dataDir = join(folder, "e");
    const other = { ...request, dataDir, logDir: join(dataDir, "log"), bootstrap: clusterOf("b") };
    const second = await restoreSnapshot(other);
    expect(second.cluster).toBe(first.cluster);
    expect(second.member).not.toBe(first.member);
    expect(first.cluster).not.toBe(request.bootstrap.clusterId.toString(16));
    expect(first.cluster).not.toBe("9");
  });

  test("of another file, or with other options, makes another cluster", async () => {
    const clusters = [await restoreSnapshot(request)];
    const more = join(folder, "more");
    await writeSnapshot(more, 41);
    for (const [name, changed] of [
      ["e", { file: more }],
      ["f", { revisionsSkipped: 1_000 }],
    ] as const) {
      const dataDir = join(folder, name);
      const next = { ...request, ...changed, dataDir, logDir: join(dataDir, "log") };
      clusters.push(await restoreSnapshot(next));
    }
    expect(new Set(clusters.map(({ cluster }) => cluster)).size).toBe(3);
    expect(clusters.map(({ revision }) => revision)).toEqual([41, 42, 1_041]);
  });

  test("of a file that is not whole makes nothing; without the sum at its end it may go on", async () => {
    const whole = readFileSync(request.file);
    const middle = Buffer.from(whole);
    middle[whole.length >> 1] = (middle[whole.length >> 1] ?? 0) ^ 1;
    writeFileSync(request.file, middle);
    await expect(restoreSnapshot(request)).rejects.toThrow("SHA-256 does not match");
    await expect(restoreSnapshot({ ...request, skipsSum: true })).rejects.toThrow(
      "damaged at byte",
    );
    expect(existsSync(request.dataDir)).toBe(false);
    writeFileSync(request.file, whole.subarray(0, whole.length - 32));
    await expect(restoreSnapshot(request)).rejects.toThrow("SHA-256 does not match");
    expect(await restoreSnapshot({ ...request, skipsSum: true })).toMatchObject({ keys: 10 });
  });

  test("of etcd's database says what it is", async () => {
    const bytes = Buffer.alloc(4096);
    bytes.writeUInt32LE(0xed0cdaed, 16);
    writeFileSync(request.file, bytes);
    await expect(restoreSnapshot(request)).rejects.toThrow("a database of etcd");
  });

  test("touches no directory that holds anything", async () => {
    mkdirSync(request.dataDir);
    writeFileSync(join(request.dataDir, "theirs"), "");
    await expect(restoreSnapshot(request)).rejects.toThrow('holds "theirs"');
    rmSync(join(request.dataDir, "theirs"));
    await restoreSnapshot(request);
    await expect(restoreSnapshot(request)).rejects.toThrow("holds a member already");
  });

  test("that was cut off is taken for no member, and is done again", async () => {
    await restoreSnapshot(request);
    const { dataDir } = request;
    // As a crash before the last two steps leaves it.
    rmSync(join(dataDir, "member"));
    writeFileSync(join(dataDir, RESTORING_FILE), request.logDir);
    mkdirSync(join(dataDir, "state", "half"));
    expect(() => inspected(dataDir)).toThrow("did not end; run `hansa snapshot restore` again");
    await restoreSnapshot(request);
    expect(existsSync(join(dataDir, RESTORING_FILE))).toBe(false);
    expect(existsSync(join(dataDir, "state", "half"))).toBe(false);
    expect(inspected(dataDir)).toMatchObject({ state: "ready" });
  });
});
