// `hansa snapshot restore`: a member of a new cluster from a snapshot's file, offline. The same file and the same
// options give each of its members the same state, log beginning and cluster id; the id is another than that of
// the snapshot's own cluster, so that no member of it is ever taken for one of these.
//
// The state is written and read back, then the log that begins behind it, and the member file last of all. A
// crash on the way leaves a directory that no server takes, and on which this can be run again.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Revision, WriteId } from "../base/index.ts";
import type { SnapshotMeta, StorageOp } from "../consensus/index.ts";
import { LOG_OPTIONS_DEFAULT, openLog, openNodeDisk } from "../store/index.ts";
import type { Engine, EngineOpening, EngineRow, LogOpening, Machine } from "../store/index.ts";
import { clusterFrom, hexId } from "./cluster.ts";
import type { Bootstrap } from "./cluster.ts";
import {
  RESTORING_FILE,
  checkNothing,
  groupPlaces,
  hasMember,
  sealDirectory,
} from "./data-directory.ts";
import { lockDataDirectory } from "./directory-lock.ts";
import { diskStep } from "./disk-step.ts";
import { makeDirectory, syncDirectory, writeDurably } from "./durable-file.ts";
import { EngineDirectory } from "./engine-directory.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { MEMBER_FILE } from "./member-file.ts";
import { machineOfRows } from "./machine-of-rows.ts";
import { SnapshotFileError, readSnapshotFile } from "./snapshot-file.ts";
import type { SnapshotContents } from "./snapshot-file.ts";
import { checkWhole, keyCount } from "./snapshot-summary.ts";
import { restoreRows } from "./state-restore.ts";

/** A state that stands beside none: the log names it as a snapshot that was installed. */
const GENERATION = 1;
/** Of rows at a time, written or read. */
const PAGE_BYTES = 4 * 1024 * 1024;
const ROUND_FIRST = 1;

export interface RestoreRequest {
  readonly file: string;
  readonly dataDir: string;
  readonly logDir: string;
  /** The member, and the cluster as the options describe it. */
  readonly bootstrap: Bootstrap;
  readonly logSegmentBytes: number;
  /** Revisions to leave out; what is before is then compacted. 0: the snapshot's go on. */
  readonly revisionsSkipped: number;
  readonly skipsSum: boolean;
}

export interface RestoreReport {
  readonly member: string;
  readonly cluster: string;
  readonly revision: Revision;
  readonly keys: number;
}

/**
 * @throws {StartRefusal} wrongDataDirectory when anything is there, dataDirectoryInUse, diskFailure;
 *   {SnapshotFileError} when the file is not whole. Half-made directories are then left to the next attempt.
 */
export async function restoreSnapshot(request: RestoreRequest): Promise<RestoreReport> {
  const { dataDir, logDir, skipsSum, file } = request;
  if (hasMember(dataDir)) {
    const problem = `data directory ${dataDir} holds a member already; expected an empty or absent directory`;
    throw new StartRefusal(ExitCode.wrongDataDirectory, problem);
  }
  if (!existsSync(join(dataDir, RESTORING_FILE))) checkNothing(request);
  // Looked through before anything is made: a file that is not whole makes nothing.
  await readSnapshotFile(file, { skipsSum, onRows: () => undefined });
  const lock = await lockDataDirectory(dataDir);
  try {
    clearUnfinished(request);
    writeDurably(dataDir, RESTORING_FILE, logDir);
    const { contents, machine } = await restoreState(request);
    const origin = `${Buffer.from(contents.digest).toString("hex")}\n${request.revisionsSkipped}`;
    const bootstrap = clusterFrom(origin, request.bootstrap);
    await beginLog(request, bootstrap, contents);
    sealDirectory(request, bootstrap);
    rmSync(join(dataDir, RESTORING_FILE));
    syncDirectory(dataDir);
    const { self, clusterId } = bootstrap;
    return {
      member: `${hexId(self.id)} (${self.name})`,
      cluster: hexId(clusterId),
      revision: machine.revision,
      keys: keyCount(machine),
    };
  } finally {
    await diskStep("the lock is not given back", (done) => {
      lock.close(done);
    });
  }
}

/** What an attempt before this one has made: only it could have, for it began with nothing. */
function clearUnfinished({ dataDir, logDir }: RestoreRequest): void {
  const marker = join(dataDir, RESTORING_FILE);
  if (!existsSync(marker)) return;
  const before = readFileSync(marker, "utf8");
  if (before !== logDir) {
    const problem = `an earlier restore into ${dataDir} put its log into ${before}; give the same --wal-dir`;
    throw new StartRefusal(ExitCode.wrongDataDirectory, problem);
  }
  const { logGroupDir } = groupPlaces({ dataDir, logDir });
  for (const made of [join(dataDir, "state"), logGroupDir, join(logDir, MEMBER_FILE)]) {
    rmSync(made, { recursive: true, force: true });
  }
}

/** The rows of the file in an engine of their own, synced, and read back as they will be at boot. */
async function restoreState(
  request: RestoreRequest,
): Promise<{ readonly contents: SnapshotContents; readonly machine: Machine }> {
  const { file, skipsSum, revisionsSkipped } = request;
  const engines = new EngineDirectory(groupPlaces(request).stateGroupDir);
  const fresh = await opened((done) => {
    engines.create(GENERATION, done);
  });
  const contents = await readSnapshotFile(file, {
    skipsSum,
    onRows: (rows) => write(fresh, rows, false),
  });
  await write(fresh, [], true);
  const engine = await reopened(engines, fresh);
  const machine = machineOfRows();
  const rowCount = await new Promise<number>((resolve, reject) => {
    restoreRows(engine, machine, PAGE_BYTES, (failure, count) => {
      if (failure === undefined) resolve(count);
      else reject(new StartRefusal(ExitCode.diskFailure, failure.message));
    });
  });
  checkWhole(machine, contents.header.meta);
  if (rowCount !== contents.rowCount) {
    throw new SnapshotFileError(`${rowCount} of its ${contents.rowCount} rows came to the disk`);
  }
  machine.beginAnew(revisionsSkipped);
  const batch = machine.checkpoint();
  if (batch !== undefined) {
    await diskStep("the state cannot be written", (done) => {
      engine.write(batch.ops, true, done);
    });
  }
  await close(await reopened(engines, engine));
  return { contents, machine };
}

function write(engine: Engine, rows: readonly EngineRow[], sync: boolean): Promise<void> {
  const ops = rows.map(({ key, value }) => ({ op: "put" as const, key, value }));
  return diskStep("the state cannot be written", (done) => {
    engine.write(ops, sync, done);
  });
}

/** What the engine's own log held is then in table files, which damage cannot take without a word (S2). */
async function reopened(engines: EngineDirectory, engine: Engine): Promise<Engine> {
  await close(engine);
  return opened((done) => {
    engines.open(GENERATION, done);
  });
}

function close(engine: Engine): Promise<void> {
  return diskStep("the state does not close", (done) => {
    engine.close(done);
  });
}

async function opened(start: (done: (opening: EngineOpening) => void) => void): Promise<Engine> {
  const opening = await new Promise<EngineOpening>(start);
  if (opening.ok) return opening.engine;
  throw new StartRefusal(
    ExitCode.diskFailure,
    `the state does not open: ${opening.failure.message}`,
  );
}

/** It begins behind the state, in a round of its own, with the new cluster's first configuration. */
async function beginLog(
  request: RestoreRequest,
  { membership }: Bootstrap,
  { header }: SnapshotContents,
): Promise<void> {
  const { logDir, logSegmentBytes } = request;
  const { logGroupDir } = groupPlaces(request);
  makeDirectory(logDir);
  makeDirectory(logGroupDir);
  const salt = randomBytes(4).readUInt32BE();
  const create = { bootstrap: membership, salt };
  const options = { ...LOG_OPTIONS_DEFAULT, segmentBytes: logSegmentBytes, create };
  const opening = await new Promise<LogOpening>((resolve) => {
    openLog(openNodeDisk(logGroupDir), options, resolve);
  });
  if (!opening.ok) {
    const problem = `the log cannot be made: ${opening.failure.message}`;
    throw new StartRefusal(ExitCode.diskFailure, problem);
  }
  const { log } = opening;
  const { index } = header.meta;
  const epoch = { config: 0, round: ROUND_FIRST, node: 0 } as const;
  const meta: SnapshotMeta = { index, epoch, config: membership };
  const ops: readonly StorageOp[] = [
    { op: "promise", promised: epoch, votedFor: 0 },
    { op: "install-snapshot", meta, generation: GENERATION },
  ];
  await diskStep("the log cannot be written", (done) => {
    log.write({ id: 1 as WriteId, ops, mustSync: true }, done);
  });
  await diskStep("the log does not close", (done) => {
    log.close(done);
  });
}
