// What etcd's lessor does, or did, and this one must not: acts of the planted bugs of leases alone. Production never
// comes here.
import type { LeaseId, MonotonicMs } from "../base/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import { leaseRenewalBytes } from "../rpc/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import type { RequestKind } from "../store/index.ts";
import type { LogClock } from "./log-clock.ts";
import type { Replica } from "./replica.ts";

const COMMAND_MS_MAX = 7_000;

/** What those who look after leases need of it. */
export type LeaseReplica = Pick<Replica, "machine" | "now" | "submit"> & {
  readonly logClock: Pick<LogClock, "read">;
};

/** Whoever led once goes on to end what is due by what it last heard (etcd#15247). */
export function revokeAsDeposed(replica: LeaseReplica): void {
  const due = replica.machine.leases.list()[0];
  if (due === undefined || due.dueAtMs > replica.logClock.read()) return;
  const body = etcdserverpb.LeaseRevokeRequest.encode({ ID: due.id }).finish();
  submit(replica, "lease-revoke", body);
}

/** A new leader knows nothing of the time that is left. */
export function renewAsElected(replica: LeaseReplica): void {
  const ids = replica.machine.leases.list().map(({ id }) => id);
  if (ids.length > 0) submit(replica, "lease-renew", leaseRenewalBytes(ids));
}

/** A renewal that is in nobody's log. */
export function unloggedTtlS(replica: LeaseReplica, id: LeaseId): number {
  return (replica.machine.leases.get(id)?.ttlMs ?? 0) / 1000;
}

function submit(replica: LeaseReplica, kind: RequestKind, body: Uint8Array): void {
  const deadlineAtMs = (replica.now() + COMMAND_MS_MAX) as MonotonicMs;
  replica.submit({ kind, caller: OWN_AUTHORITY, body, deadlineAtMs, done: () => undefined });
}
