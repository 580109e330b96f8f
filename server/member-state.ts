// What a member says of itself beside etcd's status: its part in the group, and what it is busy with.
import type { MemberId, NodeId } from "../base/index.ts";
import type { Status } from "../consensus/index.ts";
import { votersOf } from "../consensus/index.ts";
import type { MemberState } from "../rpc/index.ts";
import { systemClock } from "./clock.ts";
import type { ProtocolName } from "./cluster.ts";
import type { Replica } from "./replica.ts";

/** `idOf`: undefined for a node that no table names. */
export function memberState(
  replica: Pick<Replica, "status" | "snapshots">,
  protocol: ProtocolName,
  idOf: (node: NodeId) => MemberId | undefined,
): MemberState {
  const status = replica.status();
  const { role, epoch, durable, config, transferee, awaiting } = status;
  const { sending, receiving } = replica.snapshots.progress;
  return {
    protocol,
    role,
    epoch,
    durable,
    configIndex: config.index,
    voterCount: votersOf(config).length,
    learnerCount: config.learners.length,
    changing: isChanging(status),
    transferee: (transferee === undefined ? undefined : idOf(transferee)) ?? 0n,
    snapshotsSent: sending,
    snapshotReceived: receiving,
    awaited: awaiting ?? (0 as typeof durable),
    wallMs: systemClock.wallMs(),
    monotonicMs: systemClock.monotonicMs(),
  };
}

/** The configuration in force is on its way to another, or may yet be taken back. */
export function isChanging({ config, committed }: Status): boolean {
  return config.outgoing !== undefined || config.index > committed;
}
