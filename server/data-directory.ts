// The data directory's door (S5): what is on disk is read and compared before anything is touched, made in
// an order that a crash at any moment leaves readable, and refused with the reason when it is not ours.
//
//   DATA-DIR/member            who the data belongs to          DATA-DIR/lock   held while a process runs
//   LOG-DIR/member             the same, beside the log         LOG-DIR/group-1, DATA-DIR/state/group-1
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Bootstrap, ProtocolName } from "./cluster.ts";
import { hexId } from "./cluster.ts";
import { TEMPORARY_ENDING, makeDirectory, writeDurably } from "./durable-file.ts";
import { CERTIFICATES_DIRECTORY } from "./self-signed.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { MEMBER_FILE, decodeMember, encodeMember } from "./member-file.ts";
import type { MemberRecord } from "./member-file.ts";

export const LOCK_DIRECTORY = "lock";
/** A file beside the lock while a snapshot is being restored here: nothing else counts until it is gone. */
export const RESTORING_FILE = "restoring";

export interface DataRequest {
  readonly dataDir: string;
  readonly logDir: string;
  /** What to make when there is nothing. */
  readonly bootstrap?: Bootstrap;
  /** Data of another cluster or member than `bootstrap` is then a mistake. */
  readonly namesCluster: boolean;
  readonly electionTimeoutMs: number;
  /** What the options ask for; data made by the other is refused. */
  readonly consensus: ProtocolName;
}

export interface DataDirectory {
  readonly bootstrap: Bootstrap;
  /** The log is yet to be made, or its making to be finished; call `complete` when it stands. */
  readonly creating: boolean;
  /** Of the group's log segments. */
  readonly logGroupDir: string;
  /** Of the group's applied state. */
  readonly stateGroupDir: string;
  /** The log stands and survives power loss: from here on a missing log is a loss. */
  complete(): void;
}

const GROUP_DIRECTORY = "group-1";

/** Where the log's segments and the applied state lie. */
export function groupPlaces({ dataDir, logDir }: Pick<DataRequest, "dataDir" | "logDir">): {
  readonly logGroupDir: string;
  readonly stateGroupDir: string;
} {
  return {
    logGroupDir: join(logDir, GROUP_DIRECTORY),
    stateGroupDir: join(dataDir, "state", GROUP_DIRECTORY),
  };
}

/** Whether there is data of a member; nothing is said of whose. */
export function hasMember(dataDir: string): boolean {
  return existsSync(join(dataDir, MEMBER_FILE));
}

/**
 * Looks without touching.
 *
 * @returns the member that the directory holds, or undefined when it may be made.
 * @throws {StartRefusal} wrongDataDirectory, when it is another's, newer, damaged or half gone.
 */
export function inspectDataDirectory(request: DataRequest): MemberRecord | undefined {
  const { dataDir, logDir } = request;
  const record = readMember(dataDir);
  const logRecord = readMember(logDir);
  if (record === undefined) {
    if (existsSync(join(dataDir, RESTORING_FILE))) {
      refuse(
        `in data directory ${dataDir} the restore of a snapshot did not end; run \`hansa snapshot restore\` again`,
      );
    }
    if (logRecord !== undefined) {
      const owner = describe(logRecord.bootstrap);
      refuse(
        `log directory ${logDir} belongs to ${owner}, but ${dataDir} has no member; expected its data directory or an empty log directory`,
      );
    }
    checkNothing(request);
    if (request.bootstrap === undefined) refuse(`data directory ${dataDir} has no member`);
    return undefined;
  }
  checkOwner(request, record.bootstrap);
  if (logRecord !== undefined && !sameMember(logRecord.bootstrap, record.bootstrap)) {
    refuse(
      `log directory ${logDir} belongs to ${describe(logRecord.bootstrap)}; expected that of ${describe(record.bootstrap)} in ${dataDir}`,
    );
  }
  if (logRecord === undefined && record.state === "ready") {
    refuse(
      `log directory ${logDir} does not hold the log of ${describe(record.bootstrap)}; a member that lost its log must not vote again under its id: give the right --wal-dir, or replace the member`,
    );
  }
  if (record.state === "creating")
    checkEmpty("log directory", logDir, [MEMBER_FILE, GROUP_DIRECTORY]);
  return record;
}

/**
 * Makes what is missing. The caller holds the lock and has bound its ports.
 *
 * @throws {StartRefusal} as `inspectDataDirectory`, which it repeats: the lock may have been waited for.
 */
export function openDataDirectory(request: DataRequest): DataDirectory {
  const { dataDir, logDir } = request;
  const found = inspectDataDirectory(request);
  const bootstrap = found?.bootstrap ?? request.bootstrap;
  if (bootstrap === undefined) refuse(`data directory ${dataDir} has no member`);
  const creating = found?.state !== "ready";
  const places = groupPlaces(request);
  if (creating) {
    writeDurably(dataDir, MEMBER_FILE, encodeMember({ state: "creating", bootstrap }));
    makeDirectory(logDir);
    makeDirectory(places.logGroupDir);
  }
  return {
    bootstrap,
    creating,
    ...places,
    complete: () => {
      sealDirectory(request, bootstrap);
    },
  };
}

/** Says that all is there. Beside the log first: a data directory that says `ready` has a log. */
export function sealDirectory(
  request: Pick<DataRequest, "dataDir" | "logDir">,
  bootstrap: Bootstrap,
): void {
  const text = encodeMember({ state: "ready", bootstrap });
  writeDurably(request.logDir, MEMBER_FILE, text);
  writeDurably(request.dataDir, MEMBER_FILE, text);
}

function readMember(directory: string): MemberRecord | undefined {
  const file = join(directory, MEMBER_FILE);
  if (!existsSync(file)) return undefined;
  const decoding = decodeMember(readFileSync(file, "utf8"));
  if (decoding.ok) return decoding.record;
  const code = decoding.kind === "damaged" ? ExitCode.corruptStore : ExitCode.wrongDataDirectory;
  throw new StartRefusal(code, `${file} ${decoding.problem}`);
}

function checkOwner(request: DataRequest, owner: Bootstrap): void {
  const { dataDir, bootstrap, electionTimeoutMs } = request;
  if (request.namesCluster && bootstrap !== undefined && bootstrap.self.id !== owner.self.id) {
    refuse(
      `data directory ${dataDir} belongs to ${describe(owner)}; the options name ${describe(bootstrap)}`,
    );
  }
  if (owner.protocol !== request.consensus) {
    refuse(
      `data directory ${dataDir} of ${describe(owner)} was made by --consensus ${owner.protocol}; the options ask for ${request.consensus}, and a group keeps its protocol for life`,
    );
  }
  const { leaseMs } = owner.membership;
  if (electionTimeoutMs < leaseMs) {
    refuse(
      `--election-timeout ${electionTimeoutMs} is below the lease constant ${leaseMs} ms of ${describe(owner)} in ${dataDir}; expected at least that`,
    );
  }
}

/** @throws {StartRefusal} wrongDataDirectory, when something but a lock or a certificate of our own is there. */
export function checkNothing({ dataDir, logDir }: Pick<DataRequest, "dataDir" | "logDir">): void {
  checkEmpty("data directory", dataDir, [LOCK_DIRECTORY, CERTIFICATES_DIRECTORY]);
  checkEmpty("log directory", logDir, []);
}

function checkEmpty(what: string, directory: string, ours: readonly string[]): void {
  if (!existsSync(directory)) return;
  const foreign = readdirSync(directory).find(
    (name) => !ours.includes(name) && name !== MEMBER_FILE + TEMPORARY_ENDING,
  );
  if (foreign === undefined) return;
  refuse(
    `${what} ${directory} holds ${JSON.stringify(foreign)}, but no member of a cluster; expected an empty or absent directory`,
  );
}

function sameMember(left: Bootstrap, right: Bootstrap): boolean {
  return left.clusterId === right.clusterId && left.self.id === right.self.id;
}

function describe(owner: Bootstrap): string {
  const { self, clusterId } = owner;
  return `member ${hexId(self.id)} (${JSON.stringify(self.name)}) of cluster ${hexId(clusterId)}`;
}

function refuse(problem: string): never {
  throw new StartRefusal(ExitCode.wrongDataDirectory, problem);
}
