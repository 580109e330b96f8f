// Lease messages from their bytes and to them. Times to live are seconds on the wire.
import type { LeaseId } from "../base/index.ts";
import { Writer, bigintOf, clampedNumberOf } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import type { Header, LeaseState } from "./backend.ts";
import { writeHeader } from "./header.ts";

export interface LeaseGrant {
  /** 0: the server picks one. */
  readonly id: LeaseId;
  readonly ttlS: number;
}

const NO_LEASE = 0n as LeaseId;

/** LeaseGrantRequest; in the log with both settled. */
export function readLeaseGrant(reader: Reader): LeaseGrant {
  let id = NO_LEASE;
  let ttlS = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) ttlS = clampedNumberOf(reader.int64());
    else if (tag === 2 << 3) id = bigintOf(reader.int64()) as LeaseId;
    else reader.pass(tag);
  }
  return { id, ttlS };
}

export function leaseGrantBytes({ id, ttlS }: LeaseGrant): Uint8Array {
  return new Writer()
    .uint32(1 << 3)
    .int64(ttlS)
    .uint32(2 << 3)
    .int64(id)
    .finish();
}

/** The id of LeaseRevokeRequest and LeaseKeepAliveRequest. */
export function readLeaseId(reader: Reader): LeaseId {
  return readLeaseQuestion(reader).id;
}

/** LeaseTimeToLiveRequest. */
export function readLeaseQuestion(reader: Reader): {
  readonly id: LeaseId;
  readonly keys: boolean;
} {
  let id = NO_LEASE;
  let keys = false;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) id = bigintOf(reader.int64()) as LeaseId;
    else if (tag === 2 << 3) keys = reader.bool();
    else reader.pass(tag);
  }
  return { id, keys };
}

/** hansa.store.v1.LeaseRenewal. */
export function readLeaseIds(reader: Reader): LeaseId[] {
  const ids: LeaseId[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) ids.push(bigintOf(reader.int64()) as LeaseId);
    else if (tag === ((1 << 3) | 2)) ids.push(...reader.nested(readPackedIds));
    else reader.pass(tag);
  }
  return ids;
}

function readPackedIds(reader: Reader): LeaseId[] {
  const ids: LeaseId[] = [];
  while (reader.pos < reader.len) ids.push(bigintOf(reader.int64()) as LeaseId);
  return ids;
}

export function leaseRenewalBytes(ids: readonly LeaseId[]): Uint8Array {
  const writer = new Writer().uint32((1 << 3) | 2).fork();
  for (const id of ids) writer.int64(id);
  return writer.ldelim().finish();
}

/** LeaseGrantResponse and LeaseKeepAliveResponse. */
export function leaseAnswerBytes(
  header: Header,
  fields: { readonly id: LeaseId; readonly ttlS: number },
): Uint8Array {
  const writer = new Writer();
  writeHeader(writer, header, header.revision);
  if (fields.id !== NO_LEASE) writer.uint32(2 << 3).int64(fields.id);
  if (fields.ttlS !== 0) writer.uint32(3 << 3).int64(fields.ttlS);
  return writer.finish(true);
}

export function leaseStateBytes(header: Header, state: LeaseState): Uint8Array {
  const writer = new Writer();
  writeHeader(writer, header, header.revision);
  if (state.id !== NO_LEASE) writer.uint32(2 << 3).int64(state.id);
  if (state.ttlS !== 0) writer.uint32(3 << 3).int64(state.ttlS);
  if (state.grantedTtlS !== 0) writer.uint32(4 << 3).int64(state.grantedTtlS);
  for (const key of state.keys) writer.uint32((5 << 3) | 2).latin1(key);
  return writer.finish(true);
}

export function leaseListBytes(header: Header, ids: readonly LeaseId[]): Uint8Array {
  const writer = new Writer();
  writeHeader(writer, header, header.revision);
  for (const id of ids) {
    writer
      .uint32((2 << 3) | 2)
      .fork()
      .uint32(1 << 3)
      .int64(id)
      .ldelim();
  }
  return writer.finish(true);
}
