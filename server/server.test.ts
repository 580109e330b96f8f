// Whole servers in this process, on free ports and folders of their own: what a start makes, finds again,
// rebuilds, and refuses with every byte left as it was.
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { openRocksdbEngine } from "../store/index.ts";
import type { Engine } from "../store/index.ts";
import { freePort } from "../test/e2e/free-port.ts";
import { until } from "../test/e2e/until.ts";
import { WireClient, bytes, valueOf } from "../test/e2e/wire-client.ts";
import { Closers } from "./closers.ts";
import { parseConfig } from "./config.ts";
import type { Config } from "./config.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { ServerJournal } from "./journal.ts";
import { Server } from "./server.ts";

const CALL_MS = 10_000;

let folder: string;
let config: Config;
let journals: ServerJournal[];

interface Running {
  readonly server: Server;
  readonly wire: WireClient;
  stop(): Promise<void>;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hansa-server-"));
  journals = [];
  const client = `http://127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  config = parsed([
    `--data-dir=${join(folder, "d")}`,
    `--log-outputs=${join(folder, "log-lines")}`,
    `--log-segment-bytes=${4 * 1024 * 1024}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ]);
});

afterEach(async () => {
  await Promise.all(journals.map((journal) => journal.close()));
  rmSync(folder, { recursive: true });
});

function parsed(argv: readonly string[]): Config {
  const result = parseConfig(argv, {});
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.config;
}

async function start(change: Partial<Config> = {}): Promise<Running> {
  const closers = new Closers();
  const journal = ServerJournal.open({
    level: "info",
    outputs: config.logOutputs,
    format: "json",
    fields: {},
    onOutputFailure: (_, failure) => {
      throw failure;
    },
  });
  journals.push(journal);
  const fail = (problem: unknown): void => {
    throw new Error(`the server ended: ${JSON.stringify(problem)}`);
  };
  try {
    const init = { config: { ...config, ...change }, journal, closers };
    const onRemoved = (): void => fail("removed");
    const { signal } = new AbortController();
    const server = await Server.start({ ...init, onHalt: fail, onBug: fail, onRemoved, signal });
    const wire = new WireClient((config.listenClientUrls[0] ?? "").replace("http://", ""));
    const stop = async (): Promise<void> => {
      wire.close();
      expect(await server.stop()).toBeUndefined();
      expect(await closers.closeAll()).toEqual([]);
    };
    return { server, wire, stop };
  } catch (cause) {
    await closers.closeAll();
    throw cause;
  }
}

async function refusal(change: Partial<Config> = {}): Promise<StartRefusal> {
  try {
    await start(change);
  } catch (thrown) {
    if (thrown instanceof StartRefusal) return thrown;
    throw thrown;
  }
  throw new Error("expected a refusal");
}

async function put(wire: WireClient, key: string): Promise<void> {
  await wire.put({ key: bytes(key), value: bytes(`value of ${key}`) }, CALL_MS);
}

async function get(wire: WireClient, key: string): Promise<string | undefined> {
  return valueOf(await wire.range({ key: bytes(key) }, CALL_MS));
}

/** A server that has served `keys` and was stopped. */
async function served(...keys: string[]): Promise<void> {
  const running = await start();
  for (const key of keys) await put(running.wire, key);
  await running.stop();
}

function content(of: string): Record<string, string> {
  const entries = readdirSync(of, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, readFileSync(path, "latin1")];
    }),
  );
}

function journalText(): string {
  return readFileSync(join(folder, "log-lines"), "utf8");
}

describe("a server", () => {
  test("serves, stops, and has everything again at the next start", async () => {
    await served("a", "b");
    const again = await start();
    expect(await get(again.wire, "a")).toBe("value of a");
    expect(await get(again.wire, "b")).toBe("value of b");
    await again.stop();
  });

  test("says that it serves in the words that tools wait for", async () => {
    const running = await start();
    const line = await until("the line of readiness", CALL_MS, () =>
      journalText()
        .split("\n")
        .find((text) => text.includes("published")),
    );
    expect(line).toContain("enabled capabilities for version 3.4");
    expect(JSON.parse(line)).toMatchObject({
      group: 1,
      role: "leader",
      term: 1,
      clientUrls: config.listenClientUrls,
    });
    await running.stop();
  });

  test("knows the state it would dump", async () => {
    const running = await start();
    await put(running.wire, "a");
    // The no-op, the put, and the member's own row once it is published.
    const { role, term, applied } = running.server.state();
    expect({ role, term }).toEqual({ role: "leader", term: 1 });
    expect([2, 3]).toContain(applied);
    await running.stop();
  });
});

describe("the state at boot", () => {
  test("with a batch missing from the middle is rebuilt from the log, loudly", async () => {
    const first = await start();
    const stateDir = join(config.dataDir, "state", "group-1");
    for (const key of ["a", "b", "c"]) {
      await put(first.wire, key);
      // Each in a batch of its own.
      await until(`${key} is in the engine`, CALL_MS, () =>
        Object.values(content(stateDir)).some((text) => text.includes(`value of ${key}`))
          ? true
          : undefined,
      );
    }
    // As a crash leaves it: the clean stop, which syncs the state and ends its chain, comes later.
    const crashed = join(folder, "crashed");
    cpSync(stateDir, crashed, { recursive: true });
    await first.stop();
    rmSync(stateDir, { recursive: true });
    cpSync(crashed, stateDir, { recursive: true });
    await removeOneBatch(stateDir);
    const running = await start();
    for (const key of ["a", "b", "c"]) expect(await get(running.wire, key)).toBe(`value of ${key}`);
    await running.stop();
    await Promise.all(journals.splice(0).map((journal) => journal.close()));
    expect(journalText()).toContain("it is discarded and rebuilt from the log");
  });

  test("ahead of its log is refused: entries are lost", async () => {
    await served("a");
    const shorter = join(folder, "shorter");
    cpSync(config.logDir, shorter, { recursive: true });
    await served("b", "c");
    rmSync(config.logDir, { recursive: true });
    cpSync(shorter, config.logDir, { recursive: true });
    const { exitCode, message } = await refusal();
    expect(exitCode).toBe(ExitCode.corruptStore);
    expect(message).toContain("log entries are lost");
  });
});

describe("is refused", () => {
  test("an address in use, leaving an absent data directory absent", async () => {
    const other = await start({ dataDir: join(folder, "o"), logDir: join(folder, "o", "log") });
    const { exitCode, message } = await refusal();
    expect(exitCode).toBe(ExitCode.addressInUse);
    expect(message).toContain(`--listen-client-urls ${config.listenClientUrls.join()}`);
    expect(readdirSync(folder).sort()).toEqual(["log-lines", "o"]);
    await other.stop();
  });

  test("a data directory that another server has open", async () => {
    const running = await start();
    const listen = async (): Promise<string[]> => [`http://127.0.0.1:${await freePort()}`];
    const { exitCode, message } = await refusal({
      listenClientUrls: await listen(),
      listenPeerUrls: await listen(),
    });
    expect(exitCode).toBe(ExitCode.dataDirectoryInUse);
    expect(message).toBe(`data directory ${config.dataDir} is in use by another process`);
    await put(running.wire, "still");
    await running.stop();
  });

  test("a log that is gone beside a member that is not, touching nothing", async () => {
    await served("a");
    for (const name of readdirSync(join(config.logDir, "group-1"))) {
      rmSync(join(config.logDir, "group-1", name));
    }
    const before = content(config.logDir);
    const { exitCode, message } = await refusal();
    expect(exitCode).toBe(ExitCode.corruptStore);
    expect(message).toContain(config.logDir);
    expect(content(config.logDir)).toEqual(before);
  });

  test("a data directory that cannot be made", async () => {
    writeFileSync(join(folder, "file"), "");
    const dataDir = join(folder, "file", "d");
    const cause: unknown = await start({ dataDir, logDir: join(dataDir, "log") }).catch(
      (thrown: unknown) => thrown,
    );
    expect(cause).toMatchObject({ syscall: "mkdir" });
  });
});

/** Takes a row of the chain out of a closed engine, as RocksDB's recovery can (S2). */
async function removeOneBatch(directory: string): Promise<void> {
  const engine = await new Promise<Engine>((resolve, reject) => {
    openRocksdbEngine(directory, (opening) => {
      if (opening.ok) resolve(opening.engine);
      else reject(new Error(opening.failure.message));
    });
  });
  const whole = { from: new Uint8Array(0), until: Uint8Array.of(0xff) };
  const chain = await new Promise<readonly Uint8Array[]>((resolve) => {
    engine.scan(whole, 1 << 20, (_, { rows }) => {
      resolve(rows.map(({ key }) => key).filter(([kind]) => kind === "l".charCodeAt(0)));
    });
  });
  const ops = chain.slice(0, 1).map((key) => ({ op: "delete" as const, key }));
  await new Promise<void>((resolve) => {
    engine.write(ops, true, () => {
      engine.close(() => {
        resolve();
      });
    });
  });
  expect(chain.length).toBeGreaterThan(1);
}
