// The id of a lease for whose client any will do.
import { randomBytes } from "node:crypto";
import type { LeaseId } from "../base/index.ts";

/** 63 bits, and not 0, which is no lease. */
export function pickLeaseId(): LeaseId {
  const id = randomBytes(8).readBigUInt64BE() >> 1n;
  return (id === 0n ? 1n : id) as LeaseId;
}
