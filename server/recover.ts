// `hansa recover`: one member of a group that lost its quorum for good becomes a cluster of its own, offline.
// Its log is kept whole and gets one more entry, a configuration of this member alone; cluster id and
// incarnation are drawn anew, so that no survivor of the old cluster ever takes it for the member it was.
//
// What that may cost is not to be known here: entries that others acknowledged and this log lacks are lost,
// and entries at its end that no quorum ever held are kept as if they had been committed.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ClusterId, LogIndex, WriteId } from "../base/index.ts";
import type { Entry, Epoch, Membership, StorageOp } from "../consensus/index.ts";
import { LOG_OPTIONS_DEFAULT, openLog, openNodeDisk } from "../store/index.ts";
import type { DiskFailure, Log, LogOpening, LogRecovery } from "../store/index.ts";
import { hexId } from "./cluster.ts";
import type { Bootstrap } from "./cluster.ts";
import { lockDataDirectory } from "./directory-lock.ts";
import { writeDurably } from "./durable-file.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { MEMBER_FILE, decodeMember, encodeMember } from "./member-file.ts";

const LOG_GROUP_DIRECTORY = "group-1";

export interface RecoverRequest {
  readonly dataDir: string;
  /** Of the log; absent: beside the state. */
  readonly logDir?: string;
  /** False: looks, reports, and changes nothing. */
  readonly acceptsDataLoss: boolean;
}

export interface RecoverReport {
  readonly member: string;
  readonly clusterBefore: string;
  /** Absent when nothing was changed. */
  readonly clusterAfter?: string;
  readonly votersBefore: number;
  /** Up to here entries are known to have been committed; the rest, to `lastIndex`, may never have been. */
  readonly committed: LogIndex;
  readonly lastIndex: LogIndex;
}

/**
 * Looks at the directory, and with `acceptsDataLoss` rewrites it. A crash on the way leaves a directory on
 * which this can be run again, and which no server of the old cluster's peers accepts.
 *
 * @throws {StartRefusal} dataDirectoryInUse on a live directory; wrongDataDirectory, corruptStore or
 *   diskFailure with the reason. Nothing was changed then, but for a disk that failed half-way.
 */
export async function recoverMember(request: RecoverRequest): Promise<RecoverReport> {
  const { dataDir, acceptsDataLoss } = request;
  const logDir = request.logDir ?? join(dataDir, "log");
  const owner = ownerOf(dataDir);
  const lock = await lockDataDirectory(dataDir);
  try {
    const { log, recovery } = await opened(join(logDir, LOG_GROUP_DIRECTORY));
    try {
      const report = reportOf(owner, log, recovery);
      if (!acceptsDataLoss) return report;
      const alone = aloneOf(owner);
      const text = encodeMember({ state: "ready", bootstrap: alone });
      // The new identity first: under the old one a configuration of one would speak for the old cluster.
      writeDurably(logDir, MEMBER_FILE, text);
      writeDurably(dataDir, MEMBER_FILE, text);
      await orRefuse((done) => {
        const ops = takeover(log, recovery, alone);
        log.write({ id: 1 as WriteId, ops, mustSync: true }, done);
      });
      return { ...report, clusterAfter: hexId(alone.clusterId) };
    } finally {
      await orRefuse((done) => {
        log.close(done);
      });
    }
  } finally {
    await orRefuse((done) => {
      lock.close(done);
    });
  }
}

function ownerOf(dataDir: string): Bootstrap {
  const file = join(dataDir, MEMBER_FILE);
  if (!existsSync(file)) {
    throw new StartRefusal(ExitCode.wrongDataDirectory, `${dataDir} holds no member of a cluster`);
  }
  const decoding = decodeMember(readFileSync(file, "utf8"));
  if (!decoding.ok) {
    throw new StartRefusal(ExitCode.wrongDataDirectory, `${file} ${decoding.problem}`);
  }
  const { state, bootstrap } = decoding.record;
  if (state !== "ready") {
    throw new StartRefusal(
      ExitCode.wrongDataDirectory,
      `${dataDir} was never completed: it is empty`,
    );
  }
  return bootstrap;
}

function aloneOf(owner: Bootstrap): Bootstrap {
  const clusterId = randomBytes(8).readBigUInt64BE() as ClusterId;
  const facts = `${hexId(clusterId)}\n${hexId(owner.self.id)}`;
  const incarnation = createHash("sha256").update(facts, "utf8").digest().readBigUInt64BE(0);
  const self = { ...owner.self, incarnation };
  const { leaseMs } = owner.membership;
  const membership: Membership = {
    index: 0 as LogIndex,
    incoming: [self.node],
    learners: [],
    leaseMs,
  };
  return { protocol: owner.protocol, clusterId, self, members: [self], membership };
}

/**
 * Raft: a term of its own, and in it the configuration of this member alone: in force as it is appended (R10).
 * Paxos: the same in a ballot of its own, with everything up to it declared chosen, no-ops in the gaps (P5, P8).
 */
function takeover(log: Log, recovery: LogRecovery, alone: Bootstrap): readonly StorageOp[] {
  const { self, protocol } = alone;
  const { promised } = recovery;
  const last = log.reader.last();
  const index = (last + 1) as LogIndex;
  const round = promised.round + 1;
  const paxos = protocol === "paxos";
  const epoch = { config: promised.config, round, node: paxos ? self.node : (0 as const) };
  const config = { ...alone.membership, index, ...ownRoster(recovery, self) };
  const entry: Entry = { kind: "config", index, epoch, config };
  const promise = { op: "promise", promised: epoch, votedFor: epoch.node } as const;
  if (!paxos) return [promise, { op: "append", entries: [entry] }];
  const puts = [...gapsOf(log, recovery.commitHint).map((slot) => noopAt(slot, epoch)), entry];
  return [
    promise,
    ...puts.map((put) => ({ op: "put", entry: put }) as const),
    { op: "commit-hint", index },
  ];
}

/** The member table with this member's row alone. */
function ownRoster(
  recovery: LogRecovery,
  { node, incarnation }: Bootstrap["self"],
): Pick<Membership, "roster"> {
  const roster = recovery.configs.at(-1)?.roster;
  const row = roster?.members.find((member) => member.node === node);
  if (roster === undefined || row === undefined) return {};
  return { roster: { ...roster, members: [{ ...row, incarnation, votesNext: false }] } };
}

/** Slots that hold nothing, behind what is known to be chosen. */
function gapsOf({ reader }: Log, chosen: LogIndex): readonly LogIndex[] {
  const gaps: LogIndex[] = [];
  const from = Math.max(chosen + 1, reader.first());
  for (let slot = from; slot < reader.last(); slot += 1) {
    if (reader.epochAt(slot as LogIndex) === undefined) gaps.push(slot as LogIndex);
  }
  return gaps;
}

function noopAt(index: LogIndex, epoch: Epoch): Entry {
  return { kind: "noop", index, epoch };
}

function reportOf(owner: Bootstrap, log: Log, recovery: LogRecovery): RecoverReport {
  const config = recovery.configs.at(-1) ?? owner.membership;
  return {
    member: `${hexId(owner.self.id)} (${owner.self.name})`,
    clusterBefore: hexId(owner.clusterId),
    votersBefore: new Set([...config.incoming, ...(config.outgoing ?? [])]).size,
    committed: recovery.commitHint,
    lastIndex: log.reader.last(),
  };
}

async function opened(directory: string): Promise<Extract<LogOpening, { readonly ok: true }>> {
  if (!existsSync(directory)) {
    throw new StartRefusal(ExitCode.wrongDataDirectory, `there is no log in ${directory}`);
  }
  const disk = openNodeDisk(directory);
  const opening = await new Promise<LogOpening>((resolve) => {
    openLog(disk, LOG_OPTIONS_DEFAULT, resolve);
  });
  if (opening.ok) return opening;
  await orRefuse((done) => {
    disk.close(done);
  });
  const problem = `the log in ${directory} does not open: ${opening.failure.message}`;
  throw new StartRefusal(ExitCode.corruptStore, problem);
}

function orRefuse(
  start: (done: (failure: DiskFailure | undefined) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    start((failure) => {
      if (failure === undefined) resolve();
      else reject(new StartRefusal(ExitCode.diskFailure, failure.message));
    });
  });
}
