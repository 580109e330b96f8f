// v3lockpb.Lock and v3electionpb.Election over one recipe and one bound on who waits.
import type { Key } from "../base/index.ts";
import { BackendCalls } from "./backend-calls.ts";
import type { BackendCallsOptions } from "./backend-calls.ts";
import type { CallLeaseOptions } from "./call-lease.ts";
import { electionTable } from "./election-service.ts";
import { KeyQueue } from "./key-queue.ts";
import { KeyWaits } from "./key-waits.ts";
import type { KeyWaitsOptions } from "./key-waits.ts";
import { lockTable } from "./lock-service.ts";
import type { ServiceTable } from "./service.ts";

export type QueueServicesOptions = BackendCallsOptions & CallLeaseOptions & KeyWaitsOptions;

export function queueTables(options: QueueServicesOptions): ServiceTable {
  const { backend } = options;
  const calls = new BackendCalls(options);
  const isFederated = (key: Key): boolean => backend.regions?.holds(key) === true;
  const queue = new KeyQueue({ ...options, calls, waits: new KeyWaits(options), isFederated });
  return { ...lockTable(queue, calls), ...electionTable({ backend, calls, queue }) };
}
