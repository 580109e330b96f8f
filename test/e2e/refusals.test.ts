// Starts that must not happen, each with its exit code and a line that says why, and with nothing touched;
// and stops that must be clean. The exit codes are those of server/exit-code.ts.
import { createHash } from "node:crypto";
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Cluster, hansa, protocolsFor } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import type { Finished } from "./child.ts";
import { bytes, READ_MODES, valueOf, WireClient } from "./wire-client.ts";

const CALL_MS_MAX = 10_000;

/** Every file below a folder with the hash of its content. */
function fingerprint(folder: string): Readonly<Record<string, string>> {
  const prints: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    prints[path] = createHash("sha256").update(readFileSync(path)).digest("hex");
  }
  return prints;
}

/** The file below `folder` that holds `marker`, and where. */
function find(folder: string, marker: string): { readonly path: string; readonly at: number } {
  for (const path of Object.keys(fingerprint(folder))) {
    const at = readFileSync(path).indexOf(marker);
    if (at >= 0) return { path, at };
  }
  throw new Error(`${marker} is in no file below ${folder}`);
}

function serve(member: MemberProcess, ...extra: string[]): Promise<Finished> {
  return hansa(["serve", ...member.args, ...extra]);
}

describe.each(protocolsFor("raft"))("a server over %s that must not start", (protocol) => {
  let cluster: Cluster;
  let member: MemberProcess;

  beforeEach(async () => {
    cluster = await Cluster.plan({ voters: 1, flags: ["--consensus", protocol] });
    member = cluster.member("n1");
  });

  afterEach(async () => {
    await cluster.stop();
  });

  async function put(key: string, value: string): Promise<void> {
    const wire = new WireClient(member.endpoint);
    try {
      await wire.put({ key: bytes(key), value: bytes(value) }, CALL_MS_MAX);
    } finally {
      wire.close();
    }
  }

  async function get(key: string): Promise<string | undefined> {
    const wire = new WireClient(member.endpoint);
    try {
      return valueOf(
        await wire.range({ key: bytes(key), read_mode: READ_MODES.index }, CALL_MS_MAX),
      );
    } finally {
      wire.close();
    }
  }

  /** A member that has served, holds `early` and `late`, and was stopped. */
  async function served(): Promise<void> {
    member.start();
    await member.ready();
    await put("early", "marker-early");
    for (let at = 0; at < 20; at += 1) await put(`k${at}`, `value-${at}`);
    await put("late", "marker-late");
    expect(await member.terminate()).toEqual({ code: 0 });
  }

  test("SIGTERM and SIGINT drain and exit 0, and what was written is there again", async () => {
    await served();
    member.start();
    await member.ready();
    expect(await get("late")).toBe("marker-late");
    expect(await member.terminate("SIGINT")).toEqual({ code: 0 });
  });

  test("mistakes in flags are all named at once, exit code 2", async () => {
    const { exit, stderr } = await serve(
      member,
      "--heartbeat-interval",
      "soon",
      "--no-such-flag",
      "1",
    );
    expect(exit).toEqual({ code: 2 });
    expect(stderr).toContain('--heartbeat-interval "soon"');
    expect(stderr).toContain("--no-such-flag");
    expect(readdirSync(cluster.folder)).toEqual([]);
  });

  test("a port in use, exit code 3, nothing made", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, "127.0.0.1", resolve);
    });
    const { port } = taken.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const { exit, stderr } = await serve(
      member,
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
    );
    await new Promise((resolve) => taken.close(resolve));
    expect(exit).toEqual({ code: 3 });
    expect(stderr).toContain(String(port));
    expect(readdirSync(cluster.folder)).toEqual([]);
  });

  test("a data directory of another cluster, exit code 4, nothing touched", async () => {
    await served();
    const before = fingerprint(cluster.folder);
    const { exit, stderr } = await serve(member, "--initial-cluster-token", "another");
    expect(exit).toEqual({ code: 4 });
    expect(stderr).toMatch(/belongs to member [0-9a-f]+ \("n1"\) of cluster [0-9a-f]+/);
    expect(fingerprint(cluster.folder)).toEqual(before);
  });

  test("a folder that holds something else, exit code 4, nothing touched", async () => {
    const foreign = join(cluster.folder, "n1");
    cpSync(join(__dirname, "..", "..", "LICENSE"), join(foreign, "LICENSE"));
    const before = fingerprint(cluster.folder);
    const { exit, stderr } = await serve(member);
    expect(exit).toEqual({ code: 4 });
    expect(stderr).toContain("LICENSE");
    expect(fingerprint(cluster.folder)).toEqual(before);
  });

  test("a data directory in use, exit code 7", async () => {
    member.start();
    await member.ready();
    const other = await Cluster.plan({ voters: 1 });
    const [spare] = other.members;
    if (spare === undefined) throw new Error("a plan without members");
    const ports = spare.args.filter((word) => word.startsWith("http://"));
    const [client = "", , peer = ""] = ports;
    const { exit, stderr } = await serve(
      member,
      ...["--listen-client-urls", client, "--listen-peer-urls", peer],
    );
    await other.stop();
    expect(exit).toEqual({ code: 7 });
    expect(stderr).toContain(member.dataDir);
    await put("still", "served");
    expect(await get("still")).toBe("served");
  });

  test("an acknowledged entry damaged in the middle of the log, exit code 5, nothing touched", async () => {
    await served();
    const { path, at } = find(join(member.dataDir, "log"), "marker-early");
    const damaged = readFileSync(path);
    damaged[at] = (damaged[at] ?? 0) ^ 0xff;
    writeFileSync(path, damaged);
    const before = fingerprint(join(member.dataDir, "log"));
    const { exit, stderr } = await serve(member);
    expect(exit).toEqual({ code: 5 });
    expect(stderr).toMatch(/corrupt|damaged|checksum/i);
    expect(fingerprint(join(member.dataDir, "log"))).toEqual(before);
  });

  test("the applied state lost: rebuilt from the log, loudly", async () => {
    await served();
    rmSync(join(member.dataDir, "state"), { recursive: true });
    member.start();
    await member.ready();
    expect(await get("early")).toBe("marker-early");
    expect(await get("late")).toBe("marker-late");
    expect(member.output).toMatch(/rebuil/i);
  });
});
