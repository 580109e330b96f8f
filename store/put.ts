// Put, by etcd's rules: what is kept of the key before it, and what it answers.
import type { LeaseId } from "../base/index.ts";
import type { KeySpace } from "./key-space.ts";
import { keyValueOf } from "./range-selection.ts";
import { refusal } from "./refusal.ts";
import type { PutRequest } from "./request.ts";
import type { PutResponse, Refusal } from "./response.ts";
import type { RowSet } from "./row-set.ts";
import { valueInRow } from "./rows.ts";
import { NO_LEASE } from "./version.ts";

/** `rows` names the value before, where the put keeps or returns it. */
export function needPut(request: PutRequest, space: KeySpace, rows: RowSet): void {
  if (!readsBefore(request)) return;
  const before = space.index.visible(request.key, space.revision);
  if (before !== undefined) rows.want(before);
}

/** Whether it looks at the value before. */
export function readsBefore({ prevKv, ignoreValue, siblingContext }: PutRequest): boolean {
  return prevKv || ignoreValue || siblingContext !== undefined;
}

/** Judged on the state before the command, and before anything is changed, like `checkKept`. */
export function checkLease({ lease }: PutRequest, { leases }: KeySpace): Refusal | undefined {
  return lease !== NO_LEASE && !leases.has(lease) ? refusal("lease-not-found") : undefined;
}

/** What is kept of the key must be there. etcd asks for the lease first, but last in a transaction. */
export function checkKept(request: PutRequest, space: KeySpace): Refusal | undefined {
  if (!request.ignoreValue && !request.ignoreLease) return undefined;
  const before = space.index.visible(request.key, space.revision);
  return before === undefined ? refusal("key-not-found") : undefined;
}

function write(request: PutRequest, value: Uint8Array, lease: LeaseId, space: KeySpace): void {
  const { federation } = space;
  if (federation?.holds(request.key) === true) federation.put({ ...request, lease }, value);
  else space.put(request.key, value, lease);
}

const NO_PREVIOUS: PutResponse = {};
const OPERATED: PutResponse = { operated: true };

/**
 * Writes into the open main revision. Refused with `key-not-found` if an earlier operation of the same
 * transaction deleted the key that it keeps something of.
 */
export function put(request: PutRequest, space: KeySpace, rows: RowSet): PutResponse | Refusal {
  const { key, prevKv, ignoreValue, ignoreLease, operation } = request;
  const isForFederation = (request.siblingContext ?? operation) !== undefined;
  if (isForFederation && space.federation?.holds(key) !== true) {
    return refusal("federation-refused");
  }
  const plain = operation === undefined ? NO_PREVIOUS : OPERATED;
  if (!prevKv && !ignoreValue && !ignoreLease) {
    write(request, request.value, request.lease, space);
    return plain;
  }
  const before = space.index.visible(key, space.revision + 1);
  if (before === undefined && (ignoreValue || ignoreLease)) return refusal("key-not-found");
  const row = before !== undefined && (prevKv || ignoreValue) ? rows.row(before) : undefined;
  const value = ignoreValue && row !== undefined ? valueInRow(row) : request.value;
  const lease = ignoreLease && before !== undefined ? before.lease : request.lease;
  write(request, value, lease, space);
  if (!prevKv || before === undefined || row === undefined) return plain;
  return { ...plain, prevKv: keyValueOf({ key, version: before }, row) };
}
