// etcdserverpb.Maintenance: how this member sees itself, and handing over leadership.
import type { MemberId } from "../base/index.ts";
import { Writer, bigintOf, etcdserverpb } from "../proto/index.ts";
import type { hansa } from "../proto/index.ts";
import type { Backend, Header, MemberState, NodeStatus } from "./backend.ts";
import { decoded } from "./decode.ts";
import { ROLES, writeHeader } from "./header.ts";
import { unary } from "./service.ts";
import type { ServiceTable } from "./service.ts";

export function maintenanceTable(backend: Backend): ServiceTable {
  return {
    "/etcdserverpb.Maintenance/Status": unary((_, __, reply) => {
      reply(statusBytes(backend.header(), backend.status()));
    }),
    // Not forwarded: etcd's clients ask the leader, and are told when they have not.
    "/etcdserverpb.Maintenance/MoveLeader": unary((bytes, call, reply) => {
      const { targetID } = decoded(bytes, (reader) =>
        etcdserverpb.MoveLeaderRequest.decode(reader),
      );
      backend.moveLeader(bigintOf(targetID) as MemberId, call, (answer) => {
        if (!answer.ok) reply(answer.error);
        else {
          const writer = new Writer();
          writeHeader(writer, answer.header, answer.header.revision);
          reply(etcdserverpb.MoveLeaderResponse.encode({}, writer).finish(true));
        }
      });
    }),
  };
}

/** The header goes first, by its own writer; the rest of the message follows on the wire. */
function statusBytes(header: Header, status: NodeStatus): Uint8Array {
  const writer = new Writer();
  writeHeader(writer, header, header.revision);
  const message = {
    version: status.version,
    dbSize: status.dbSizeBytes,
    leader: status.leader,
    raftIndex: status.raftIndex,
    raftTerm: status.raftTerm,
    raftAppliedIndex: status.raftAppliedIndex,
    errors: [...status.errors],
    dbSizeInUse: status.dbSizeInUseBytes,
    isLearner: status.isLearner,
    storageVersion: status.storageVersion,
    dbSizeQuota: status.dbSizeQuotaBytes,
    downgradeInfo: { enabled: false },
    state: stateMessage(status.state),
  };
  return etcdserverpb.StatusResponse.encode(message, writer).finish(true);
}

function stateMessage(state: MemberState): hansa.v1.IMemberState {
  const { config, round, node } = state.epoch;
  return {
    protocol: state.protocol,
    role: ROLES[state.role],
    epoch_config: config,
    epoch_round: round,
    epoch_node: node,
    durable_index: state.durable,
    config_index: state.configIndex,
    voters: state.voterCount,
    learners: state.learnerCount,
    changing: state.changing,
    transferee: state.transferee,
    snapshots_sent: state.snapshotsSent,
    snapshot_received: state.snapshotReceived,
    awaited_index: state.awaited,
    wall_clock_us: Math.round(state.wallMs * 1_000),
    monotonic_us: Math.round(state.monotonicMs * 1_000),
  };
}
