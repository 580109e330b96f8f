// The log of a group as a server opens it: made with the data directory, mended by the other members where it
// is damaged and they can, and refused, with what an operator can do about it, where nobody can.
import { randomBytes } from "node:crypto";
import type { BootNonce, NodeId } from "../base/index.ts";
import type { PeerMessage } from "../rpc/index.ts";
import { LOG_OPTIONS_DEFAULT, openLog, openNodeDisk, unsyncedDisk } from "../store/index.ts";
import type {
  DamagedLog,
  DiskFailure,
  Log,
  LogFailure,
  LogOpening,
  LogOptions,
  LogRecovery,
} from "../store/index.ts";
import { systemClock } from "./clock.ts";
import type { Closers } from "./closers.ts";
import type { Config } from "./config.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { DiskTimings } from "./disk-timings.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import type { ServerJournal } from "./journal.ts";
import { REPLICA_LIMITS_DEFAULT } from "./limits.ts";
import { LogMender } from "./log-mender.ts";
import type { Transport } from "./ports.ts";

/** Between two looks at whether a question of repair is overdue. */
const MENDER_TICK_MS = 100;

/** How a member whose log is damaged is in touch with the others. */
export interface MendingTies {
  readonly peers: () => readonly NodeId[];
  /** The mending begins; clients are told so. */
  readonly onDamaged: () => void;
  /** Messages of peers go to `receive` until it is undefined. */
  readonly listen: (receive: ((message: PeerMessage) => void) | undefined) => void;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
}

export interface GroupLogInit {
  readonly config: Config;
  readonly data: DataDirectory;
  readonly transport: Transport;
  readonly mending: MendingTies;
  readonly timings: DiskTimings;
  readonly journal: ServerJournal;
  readonly closers: Closers;
}

/** @throws {StartRefusal} corruptStore, diskFailure or dataDirectoryInUse, naming what and where. */
export async function openGroupLog(
  init: GroupLogInit,
): Promise<{ readonly log: Log; readonly recovery: LogRecovery }> {
  const { config, data, closers } = init;
  const synced = openNodeDisk(data.logGroupDir);
  const disk = init.timings.disk(config.unsafeNoFsync ? unsyncedDisk(synced) : synced);
  const options = { ...LOG_OPTIONS_DEFAULT, segmentBytes: config.logSegmentBytes };
  const salt = randomBytes(4).readUInt32BE();
  const create = { bootstrap: data.bootstrap.membership, salt };
  const open = (given: LogOptions): Promise<LogOpening> =>
    new Promise((resolve) => {
      openLog(disk, given, resolve);
    });
  const closeDisk = (): void => {
    closers.add("log directory", (done) => {
      disk.close(done);
    });
  };
  let opening = await open(data.creating ? { ...options, create } : options);
  if (!opening.ok && opening.damaged !== undefined) {
    const failure = await mended(init, opening.damaged, opening.failure);
    if (failure === undefined) opening = await open(options);
    else opening = { ok: false, failure };
  }
  if (!opening.ok) {
    closeDisk();
    throw logRefusal(data.logGroupDir, opening.failure);
  }
  const { log } = opening;
  init.timings.logBytes = () => log.sizeBytes;
  closers.add("log", (done) => {
    log.close(done);
  });
  return opening;
}

/** Undefined: the log is whole. It may take as long as the others are away, as a quorum may. */
async function mended(
  { data, transport, mending: ties, journal }: GroupLogInit,
  damaged: DamagedLog,
  damage: LogFailure,
): Promise<LogFailure | undefined> {
  const { self, protocol } = data.bootstrap;
  const peers = ties.peers();
  if (peers.length === 0) return damage;
  journal.error("the log is damaged", { reason: damage.message, peers: peers.length });
  ties.onDamaged();
  let ticks: NodeJS.Timeout | undefined;
  try {
    return await new Promise<DiskFailure | undefined>((resolve, reject) => {
      const mender = new LogMender({
        id: self.node,
        incarnation: self.incarnation,
        boot: randomBytes(8).readBigUInt64BE() as BootNonce,
        protocol,
        damaged,
        peers,
        limits: REPLICA_LIMITS_DEFAULT,
        now: () => systemClock.monotonicMs(),
        send: (to, message) => {
          transport.send(to, [message]);
        },
        journal,
        done: resolve,
      });
      ties.signal.addEventListener("abort", () => {
        reject(new StartRefusal(ExitCode.clean, "stopped before the log was mended"));
      });
      ticks = setInterval(() => {
        mender.tick();
      }, MENDER_TICK_MS);
      ties.listen((message) => {
        mender.receive(message);
      });
      mender.begin();
    });
  } finally {
    clearInterval(ticks);
    ties.listen(undefined);
  }
}

const WAY_OUT =
  "nothing was changed; stop here, keep the directory, and replace this member: remove it from the cluster, add a new one with an empty directory";

function logRefusal(directory: string, failure: LogFailure): StartRefusal {
  const place =
    failure.file === undefined
      ? ""
      : ` (${failure.file} at byte ${failure.offsetBytes ?? 0}, after entry ${failure.afterIndex ?? 0})`;
  const codes: Readonly<Record<DiskFailure["kind"], ExitCode>> = {
    corrupt: ExitCode.corruptStore,
    missing: ExitCode.corruptStore,
    locked: ExitCode.dataDirectoryInUse,
    io: ExitCode.diskFailure,
    full: ExitCode.diskFailure,
  };
  const damaged = codes[failure.kind] === ExitCode.corruptStore;
  const what = damaged ? "is damaged" : "does not open";
  const wayOut = damaged ? `; ${WAY_OUT}` : "";
  return new StartRefusal(
    codes[failure.kind],
    `the log in ${directory} ${what}: ${failure.message}${place}${wayOut}`,
  );
}
