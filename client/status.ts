// How one member sees itself: etcd's status, and what a member of Hansa says beside it; members of plain etcd
// say nothing of that.
import type { etcdserverpb, hansa } from "../proto/index.ts";
import { ROLES, answerOf } from "./answer.ts";
import type { Answer, Role } from "./answer.ts";
import { countOf, idOf } from "./wire-value.ts";

/** One member's view of itself. */
export interface StatusAnswer extends Answer {
  readonly endpoint: string;
  readonly version: string;
  readonly dbSizeBytes: number;
  readonly dbSizeInUseBytes: number;
  /** 0: none is told. */
  readonly dbSizeQuotaBytes: number;
  /** 0n: none known. */
  readonly leader: bigint;
  readonly raftIndex: number;
  readonly raftAppliedIndex: number;
  readonly isLearner: boolean;
  readonly errors: readonly string[];
  /** Of a member of Hansa. */
  readonly state?: MemberState;
}

/** What a member of Hansa tells of itself beyond etcd's status. */
export interface MemberState {
  /** `raft` or `paxos`. */
  readonly protocol: string;
  readonly role: Role | "unknown";
  /** Ordered by (config, round, node). Raft's term is the round; Paxos's ballot is all three. */
  readonly epoch: { readonly config: number; readonly round: number; readonly node: number };
  /** Index up to which its own log survives power loss. */
  readonly durableIndex: number;
  /** Of the configuration in force there. */
  readonly configIndex: number;
  readonly voterCount: number;
  readonly learnerCount: number;
  /** That configuration is joint or not committed. */
  readonly changing: boolean;
  /** The member that leadership is being handed to; 0n: none. */
  readonly transferee: bigint;
  /** Snapshots on their way to other members. */
  readonly snapshotsSent: number;
  /** One is on its way to this member. */
  readonly snapshotReceived: boolean;
  /** The state there is not whole until a snapshot of at least this index is installed; 0: it is. */
  readonly awaitedIndex: number;
  /** Its clocks when it answered; `monotonicMs` counts from some moment of its own. 0: it does not tell. */
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export function statusAnswerOf(endpoint: string, wire: etcdserverpb.IStatusResponse): StatusAnswer {
  return {
    ...answerOf(wire),
    endpoint,
    version: wire.version ?? "",
    dbSizeBytes: countOf(wire.dbSize),
    dbSizeInUseBytes: countOf(wire.dbSizeInUse),
    dbSizeQuotaBytes: countOf(wire.dbSizeQuota),
    leader: idOf(wire.leader),
    raftIndex: countOf(wire.raftIndex),
    raftAppliedIndex: countOf(wire.raftAppliedIndex),
    isLearner: wire.isLearner ?? false,
    errors: wire.errors ?? [],
    ...(wire.state === null || wire.state === undefined
      ? {}
      : { state: memberStateOf(wire.state) }),
  };
}

function memberStateOf(wire: hansa.v1.IMemberState): MemberState {
  return {
    protocol: wire.protocol ?? "",
    role: ROLES[wire.role ?? 0] ?? "unknown",
    epoch: {
      config: countOf(wire.epoch_config),
      round: countOf(wire.epoch_round),
      node: countOf(wire.epoch_node),
    },
    durableIndex: countOf(wire.durable_index),
    configIndex: countOf(wire.config_index),
    voterCount: wire.voters ?? 0,
    learnerCount: wire.learners ?? 0,
    changing: wire.changing ?? false,
    transferee: idOf(wire.transferee),
    snapshotsSent: wire.snapshots_sent ?? 0,
    snapshotReceived: wire.snapshot_received ?? false,
    awaitedIndex: countOf(wire.awaited_index),
    wallMs: countOf(wire.wall_clock_us) / 1_000,
    monotonicMs: countOf(wire.monotonic_us) / 1_000,
  };
}
