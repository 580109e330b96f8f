// The data directory's door: what is made, what is refused, and that a refusal touches nothing.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { bootstrapCluster } from "./cluster.ts";
import type { Bootstrap } from "./cluster.ts";
import { inspectDataDirectory, openDataDirectory } from "./data-directory.ts";
import type { DataRequest } from "./data-directory.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { decodeMember, encodeMember } from "./member-file.ts";

function clusterOf(token: string, name = "a", learners: readonly string[] = []): Bootstrap {
  const urls: Readonly<Record<string, string>> = {
    a: "http://127.0.0.1:1",
    b: "http://127.0.0.1:2",
  };
  const result = bootstrapCluster({
    name,
    initialCluster: Object.entries(urls)
      .map(([each, url]) => `${each}=${url}`)
      .join(","),
    initialAdvertisePeerUrls: [urls[name] ?? ""],
    initialLearners: learners,
    token,
    protocol: "raft",
    leaseMs: 1000,
  });
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.bootstrap;
}

const bootstrap = clusterOf("one", "a", ["b"]);
let folder: string;
let request: DataRequest;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hansa-data-"));
  const dataDir = join(folder, "d");
  request = {
    dataDir,
    logDir: join(dataDir, "log"),
    bootstrap,
    namesCluster: true,
    electionTimeoutMs: 1000,
    consensus: "raft",
  };
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** As a start does it: the directory with its lock, then the log, then the seal. */
function make(from: DataRequest = request): void {
  mkdirSync(join(from.dataDir, "lock"), { recursive: true });
  const data = openDataDirectory(from);
  writeFileSync(join(data.logGroupDir, "segment"), "entries");
  data.complete();
}

function snapshot(): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const content = (path: string, isFile: boolean): string =>
    isFile ? readFileSync(path, "latin1") : "folder";
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, content(path, entry.isFile())];
    }),
  );
}

/** The refusal of `change`, which leaves every byte as it was. */
function refusal(change: Partial<DataRequest>): StartRefusal {
  const before = snapshot();
  let caught: unknown;
  try {
    inspectDataDirectory({ ...request, ...change });
  } catch (thrown) {
    caught = thrown;
  }
  expect(snapshot()).toEqual(before);
  if (!(caught instanceof StartRefusal))
    throw new Error(`expected a refusal, got ${String(caught)}`);
  return caught;
}

describe("a fresh directory", () => {
  test("looking at an absent one makes nothing", () => {
    expect(inspectDataDirectory(request)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("becomes the member's and is found again, log included", () => {
    make();
    expect(inspectDataDirectory(request)).toEqual({ state: "ready", bootstrap });
    const again = openDataDirectory({ ...request, namesCluster: false });
    expect(again).toMatchObject({ bootstrap, creating: false });
    expect(readdirSync(again.logGroupDir)).toEqual(["segment"]);
  });

  test("an interrupted start goes on where it stopped: the log finishes or replaces what it began", () => {
    mkdirSync(request.dataDir);
    const { logGroupDir } = openDataDirectory(request);
    writeFileSync(join(logGroupDir, "half"), "x");
    writeFileSync(join(request.dataDir, "member.tmp"), "torn");
    const again = openDataDirectory(request);
    expect(again.creating).toBe(true);
    expect(readdirSync(logGroupDir)).toEqual(["half"]);
  });

  test("a crash before the last step keeps the log it had begun beside it out of nobody's way", () => {
    mkdirSync(request.dataDir);
    openDataDirectory(request);
    // The seal beside the log is written, that of the data directory is not.
    writeFileSync(join(request.logDir, "member"), encodeMember({ state: "ready", bootstrap }));
    const data = openDataDirectory(request);
    expect(data.creating).toBe(true);
    data.complete();
    expect(openDataDirectory(request).creating).toBe(false);
  });
});

describe("is refused, touching nothing", () => {
  test("data of another cluster or another member, when the options name one", () => {
    make();
    const other = refusal({ bootstrap: clusterOf("two") });
    expect(other.exitCode).toBe(ExitCode.wrongDataDirectory);
    expect(other.message).toMatch(
      /belongs to member [0-9a-f]+ \("a"\) of cluster [0-9a-f]+; the options name/,
    );
    expect(refusal({ bootstrap: clusterOf("one", "b") }).message).toContain('("b")');
    expect(
      inspectDataDirectory({ ...request, bootstrap: clusterOf("two"), namesCluster: false }),
    ).toBeDefined();
  });

  test("an election timeout below the group's lease constant (R7)", () => {
    make();
    const { exitCode, message } = refusal({ electionTimeoutMs: 999 });
    expect(exitCode).toBe(ExitCode.wrongDataDirectory);
    expect(message).toContain("--election-timeout 999 is below the lease constant 1000 ms");
    expect(inspectDataDirectory({ ...request, electionTimeoutMs: 1001 })).toBeDefined();
  });

  test("the other protocol, whether or not the options name the cluster (S5)", () => {
    make();
    for (const namesCluster of [true, false]) {
      const { exitCode, message } = refusal({ consensus: "paxos", namesCluster });
      expect(exitCode).toBe(ExitCode.wrongDataDirectory);
      expect(message).toContain("was made by --consensus raft; the options ask for paxos");
    }
  });

  test("a newer format", () => {
    make();
    const file = join(request.dataDir, "member");
    writeFileSync(file, readFileSync(file, "utf8").replace("hansa-member 1", "hansa-member 2"));
    const { exitCode, message } = refusal({});
    expect(exitCode).toBe(ExitCode.wrongDataDirectory);
    expect(message).toContain("has format 2; this release reads formats up to 1");
  });

  test("a member whose log is gone, or is another's: it must not vote again (scenario 54)", () => {
    make();
    expect(refusal({ logDir: join(folder, "elsewhere") }).message).toContain(
      "a member that lost its log must not vote again",
    );
    const other = clusterOf("two");
    mkdirSync(join(folder, "theirs"));
    writeFileSync(
      join(folder, "theirs", "member"),
      encodeMember({ state: "ready", bootstrap: other }),
    );
    expect(refusal({ logDir: join(folder, "theirs") }).message).toContain("expected that of");
  });

  test("a log whose data directory is gone", () => {
    make({ ...request, logDir: join(folder, "wal") });
    rmSync(request.dataDir, { recursive: true });
    expect(refusal({ logDir: join(folder, "wal") }).message).toContain("has no member");
  });

  test("a folder that holds something else", () => {
    mkdirSync(request.dataDir);
    writeFileSync(join(request.dataDir, "thesis.doc"), "do not touch");
    expect(refusal({}).message).toContain('holds "thesis.doc"');
    mkdirSync(join(folder, "wal"));
    writeFileSync(join(folder, "wal", "photo"), "do not touch");
    const dataDir = join(folder, "absent");
    expect(refusal({ dataDir, logDir: join(folder, "wal") }).message).toContain('holds "photo"');
  });
});

describe("the member file", () => {
  const text = encodeMember({ state: "ready", bootstrap });

  test("comes back as it was written", () => {
    expect(decodeMember(text)).toEqual({ ok: true, record: { state: "ready", bootstrap } });
  });

  test("any one damaged byte, or a cut anywhere, is noticed", () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 127 }), (at, flip) => {
        const unit = String.fromCharCode(text.charCodeAt(at) ^ flip);
        expect(decodeMember(text.slice(0, at) + unit + text.slice(at + 1)).ok).toBe(false);
        expect(decodeMember(text.slice(0, at)).ok).toBe(false);
      }),
    );
  });

  test("damage is a corrupt store", () => {
    make();
    writeFileSync(join(request.dataDir, "member"), text.replace('"ready"', '"reedy"'));
    expect(refusal({}).exitCode).toBe(ExitCode.corruptStore);
  });

  test("a copied data directory is the same member", () => {
    make();
    const copy = join(folder, "copy");
    cpSync(request.dataDir, copy, { recursive: true });
    const moved = { ...request, dataDir: copy, logDir: join(copy, "log") };
    expect(inspectDataDirectory(moved)).toEqual({ state: "ready", bootstrap });
  });
});
