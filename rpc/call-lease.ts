// The lease that a waiting call rests on: its client's own, or, where it names none, one of 60 s that the server
// makes, keeps while the call waits, and revokes when the client goes away before it has what it waits for.
import type { LeaseId } from "../base/index.ts";
import { outliving } from "./backend-calls.ts";
import type { BackendCalls } from "./backend-calls.ts";
import type { CallContext } from "./backend.ts";
import { bestEffort } from "./promised-answer.ts";

export interface CallLease {
  readonly id: LeaseId;
  /** From here on it is the client's to keep; false: it is gone. */
  handOver(): Promise<boolean>;
  /** Nothing came of the call. */
  abandon(): Promise<void>;
}

export interface CallLeaseOptions {
  /** The least that is granted, in seconds. */
  readonly leaseTtlMinS: number;
  readonly pickLeaseId: () => LeaseId;
}

/** etcd's, of a session whose time nobody has named. */
const TTL_S = 60;
/** Of its time between two renewals. */
const SHARE = 1 / 3;

/** @throws {KvError} as LeaseGrant, where one must be made */
export async function leaseOf(
  asked: LeaseId,
  call: CallContext,
  calls: BackendCalls,
  { leaseTtlMinS, pickLeaseId }: CallLeaseOptions,
): Promise<CallLease> {
  if (asked !== 0n) {
    return { id: asked, handOver: () => Promise.resolve(true), abandon: () => Promise.resolve() };
  }
  const id = pickLeaseId();
  const ttlS = Math.max(TTL_S, leaseTtlMinS);
  await calls.grantLease(id, ttlS, call);
  const renew = (): void => bestEffort(calls.renewLease(id, call));
  const timer = setInterval(renew, ttlS * 1000 * SHARE);
  return {
    id,
    handOver: async () => {
      clearInterval(timer);
      return (await calls.renewLease(id, call)) > 0;
    },
    abandon: () => {
      clearInterval(timer);
      return calls.revokeLease(id, outliving(call));
    },
  };
}
