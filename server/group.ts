// One group's replica on this member, composed: log, engine, state machine, consensus, driver. A node hosts
// one group; nothing here assumes that it is the only one.
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { Mulberry32 } from "../base/index.ts";
import type { BootNonce, NodeId } from "../base/index.ts";
import { membersOf } from "../consensus/index.ts";
import type { ConsensusFactory, ConsensusOptions } from "../consensus/index.ts";
import { createPaxos } from "../paxos/index.ts";
import { createRaft } from "../raft/index.ts";
import type { ConsensusMessage } from "../rpc/index.ts";
import { storeCodec } from "../rpc/index.ts";
import { Machine } from "../store/index.ts";
import type { DiskFailure, LogRecovery } from "../store/index.ts";
import type { ApplyPace } from "./apply-pace.ts";
import { openAppliedState } from "./applied-state.ts";
import { endOfTurn, systemClock } from "./clock.ts";
import type { Closers } from "./closers.ts";
import type { ProtocolName } from "./cluster.ts";
import type { Config } from "./config.ts";
import type { DataDirectory } from "./data-directory.ts";
import type { DiskTimings } from "./disk-timings.ts";
import { EngineDirectory } from "./engine-directory.ts";
import { giveBack } from "./give-back.ts";
import { openGroupLog } from "./group-log.ts";
import type { MendingTies } from "./group-log.ts";
import type { JournalFields, ServerJournal } from "./journal.ts";
import { REPLICA_LIMITS_DEFAULT } from "./limits.ts";
import type { ReplicaLimits } from "./limits.ts";
import { MACHINE_FEDERATION } from "./machine-federation.ts";
import type { PeerRoundTrips } from "./peer-round-trips.ts";
import type { Transport } from "./ports.ts";
import { Replica } from "./replica.ts";
import type { ReplicaCounters } from "./replica-counters.ts";

/** The only group of this release; every peer message carries its number. */
export const GROUP = 1;

/** By the name that the data directory was made under. */
const PROTOCOLS: Readonly<Record<ProtocolName, ConsensusFactory<ConsensusMessage>>> = {
  raft: createRaft,
  paxos: createPaxos,
};

export interface GroupInit {
  readonly config: Config;
  readonly data: DataDirectory;
  readonly transport: Transport;
  readonly mending: MendingTies;
  readonly journal: ServerJournal;
  readonly pace: ApplyPace;
  readonly timings: DiskTimings;
  readonly counters: ReplicaCounters;
  readonly roundTrips: PeerRoundTrips;
  readonly onHalt: (failure: DiskFailure) => void;
  /** What is opened is put here at once, so that a start that fails half-way closes it. */
  readonly closers: Closers;
}

/**
 * Opens what is on disk and starts the replica on it. Returns with the log and the state open, checked
 * against each other, and the driver waiting for its first tick.
 *
 * @throws {StartRefusal} corruptStore, diskFailure or dataDirectoryInUse, naming what and where.
 */
export async function openGroup(init: GroupInit): Promise<Replica> {
  const { config, data, closers } = init;
  const { self } = data.bootstrap;
  const live: { replica?: Replica } = {};
  const journal = init.journal.with({ group: GROUP }, () =>
    live.replica === undefined ? {} : consensusFields(live.replica),
  );
  const { log, recovery } = await openGroupLog({ ...init, journal });
  if (recovery.tornTailBytes > 0) {
    const bytes = recovery.tornTailBytes;
    journal.warn("a torn tail of the log, acknowledged to nobody, was cut", { bytes });
  }
  if (data.creating) data.complete();
  await giveBack();
  const engines = new EngineDirectory(data.stateGroupDir, init.timings);
  const { generation } = recovery;
  removeOrphans(engines, generation, journal);
  const createMachine = (): Machine =>
    new Machine({
      codec: storeCodec,
      valueCacheBytesMax: config.valueCacheBytes,
      ...MACHINE_FEDERATION,
    });
  const { engine, machine } = await openAppliedState({
    log: log.reader,
    openEngine: (done) => {
      engines.open(generation, done);
    },
    destroyEngine: (done) => {
      engines.remove(generation, done);
    },
    createMachine,
    canAsk: hasOthers(recovery, self.node),
    journal,
  });
  closers.add("engine", (done) => {
    // A snapshot may have put another in its place.
    (live.replica?.engine ?? engine).close(done);
  });
  const replica = new Replica({
    id: self.node,
    incarnation: self.incarnation,
    boot: randomBytes(8).readBigUInt64BE() as BootNonce,
    log,
    recovery,
    engine,
    machine,
    engines,
    createMachine,
    clusterId: data.bootstrap.clusterId,
    group: GROUP,
    createConsensus: PROTOCOLS[data.bootstrap.protocol],
    options: consensusOptions(config),
    limits: replicaLimits(config),
    clock: systemClock,
    endOfTurn,
    transport: init.roundTrips.over(init.transport),
    journal,
    rng: new Mulberry32(randomBytes(4).readUInt32BE()),
    pace: init.pace,
    counters: init.counters,
    onHalt: init.onHalt,
  });
  live.replica = replica;
  return replica;
}

/** Left by a snapshot that was not installed, or by the one that was: nothing refers to them (R15). */
function removeOrphans(
  engines: EngineDirectory,
  generation: number,
  journal: GroupInit["journal"],
): void {
  for (const orphan of engines.orphans(generation)) {
    journal.info("a state that is not in force is removed", { orphan, generation });
    rmSync(orphan, { recursive: true, force: true });
  }
}

/** Whether somebody else may have the state that is lost here. */
function hasOthers({ configs }: LogRecovery, self: NodeId): boolean {
  const config = configs.at(-1);
  return config !== undefined && membersOf(config).some((node) => node !== self);
}

function replicaLimits(config: Config): ReplicaLimits {
  return {
    ...REPLICA_LIMITS_DEFAULT,
    snapshotEntries: config.snapshotCount,
    catchUpEntries: config.snapshotCatchupEntries,
    logBytesMax: config.logBytes,
    snapshotsMax: config.snapshotsMax,
    wallAheadMaxMs: config.leaseMarginMs,
  };
}

/** What every line about consensus names. */
export function consensusFields(replica: Replica): JournalFields {
  const { role, epoch, committed, applied } = replica.status();
  return { role, term: epoch.round, index: committed, applied };
}

function consensusOptions(config: Config): ConsensusOptions {
  return {
    electionTimeoutMs: config.electionTimeoutMs,
    heartbeatMs: config.heartbeatIntervalMs,
    clockDriftMax: config.clockDriftMax,
    leaseMarginMs: config.leaseMarginMs,
    appendBytesMax: config.appendBytesMax,
    inflightMessagesMax: config.inflightMessagesMax,
    inflightBytesMax: config.inflightBytesMax,
    uncommittedBytesMax: config.uncommittedBytesMax,
    readsWaitingMax: config.readsWaitingMax,
    readLagEntriesMax: config.readLagEntriesMax,
  };
}
