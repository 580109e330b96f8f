// From a caller's options to the wire's messages. Fields at their default are left out.
import { KvError } from "../base/index.ts";
import type { etcdserverpb, Int64 } from "../proto/index.ts";
import { readModeNumber } from "./answer.ts";
import { bytesFrom, wireRangeOf } from "./bytes.ts";
import type { Bytes, KeySelector } from "./bytes.ts";
import { readIssues } from "./options.ts";
import type {
  KeyReadOptions,
  OnMiss,
  PutOptions,
  RangeOptions,
  ReadMode,
  ReadOptions,
  ResolveOptions,
  SortBy,
} from "./options.ts";
import type { KindOperation } from "./kind-operation.ts";
import type { RegionWriteOptions } from "./regions.ts";

/** The wire's numbers (kv.proto, read.proto). */
const SORT_TARGET: Readonly<Record<SortBy, number>> = {
  key: 0,
  version: 1,
  create: 2,
  mod: 3,
  value: 4,
};
const SORT_ORDER = { ascend: 1, descend: 2 } as const;
const ON_MISS: Readonly<Record<OnMiss, number>> = { wait: 1, forward: 2, fail: 3 };

/** The settled consistency of one read. */
export interface ReadPlan {
  readonly mode: ReadMode;
  readonly onMiss: OnMiss;
  readonly maxStalenessMs: number | undefined;
  /** 0: any. */
  readonly minRevision: number;
}

/**
 * The call's options over the client's defaults. `seenRevision` is what a monotonic client has seen, 0
 * otherwise.
 *
 * @throws {KvError} `invalid-argument`
 */
export function readPlanOf(
  options: ReadOptions,
  defaults: ReadOptions & { readonly mode: ReadMode; readonly onMiss: OnMiss },
  seenRevision: number,
): ReadPlan {
  const issues = readIssues(options);
  if (issues.length > 0) throw new KvError("invalid-argument", "not-applied", issues.join("; "));
  return {
    mode: options.mode ?? defaults.mode,
    onMiss: options.onMiss ?? defaults.onMiss,
    maxStalenessMs: options.maxStalenessMs ?? defaults.maxStalenessMs,
    minRevision: Math.max(options.minRevision ?? defaults.minRevision ?? 0, seenRevision),
  };
}

/**
 * Part of a range request that says which keys.
 *
 * @throws {KvError} `key-not-provided`, `invalid-argument`
 */
export function rangeRequestOf(
  selector: KeySelector,
  options: RangeOptions,
): etcdserverpb.IRangeRequest {
  const { key, rangeEnd } = wireRangeOf(selector);
  const request: etcdserverpb.IRangeRequest = { key };
  if (rangeEnd.length > 0) request.range_end = rangeEnd;
  if (options.limit !== undefined) request.limit = checkedCount("limit", options.limit);
  if (options.revision !== undefined) {
    request.revision = checkedCount("revision", options.revision);
  }
  setOrder(request, options);
  if (options.keysOnly === true) request.keys_only = true;
  if (options.countOnly === true) request.count_only = true;
  setRevisionFilters(request, options);
  return request;
}

function setOrder(request: etcdserverpb.IRangeRequest, options: RangeOptions): void {
  if (options.order === undefined && options.sortBy === undefined) return;
  const target = options.sortBy ?? "key";
  const order = options.order ?? "ascend";
  // Ascending by key is the order that an unsorted range has: asking for a sort would only cost one.
  if (target === "key" && order === "ascend") return;
  request.sort_target = SORT_TARGET[target];
  request.sort_order = SORT_ORDER[order];
}

function setRevisionFilters(request: etcdserverpb.IRangeRequest, options: RangeOptions): void {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = options;
  if (minModRevision !== undefined) {
    request.min_mod_revision = checkedCount("minModRevision", minModRevision);
  }
  if (maxModRevision !== undefined) {
    request.max_mod_revision = checkedCount("maxModRevision", maxModRevision);
  }
  if (minCreateRevision !== undefined) {
    request.min_create_revision = checkedCount("minCreateRevision", minCreateRevision);
  }
  if (maxCreateRevision !== undefined) {
    request.max_create_revision = checkedCount("maxCreateRevision", maxCreateRevision);
  }
}

/** Adds the consistency. etcd drops the fields it does not know; `serializable` is its word for local. */
export function withReadPlan(
  request: etcdserverpb.IRangeRequest,
  plan: ReadPlan,
): etcdserverpb.IRangeRequest {
  if (plan.mode === "local") request.serializable = true;
  if (plan.mode !== "default") request.read_mode = readModeNumber(plan.mode);
  if (plan.maxStalenessMs !== undefined) request.max_staleness_ms = plan.maxStalenessMs;
  if (plan.minRevision > 0) request.min_revision = plan.minRevision;
  request.on_miss = ON_MISS[plan.onMiss];
  return request;
}

/** Adds what is asked of other regions, and of siblings. @throws {KvError} `invalid-argument` */
export function withRegionRead(
  request: etcdserverpb.IRangeRequest,
  { readRegions, causalToken, siblings }: KeyReadOptions,
): etcdserverpb.IRangeRequest {
  if (readRegions !== undefined) request.read_regions = checkedCount("readRegions", readRegions);
  if (causalToken !== undefined) request.causal_token = causalToken;
  if (siblings === true) request.siblings = true;
  return request;
}

/** Adds what is asked of other regions. @throws {KvError} `invalid-argument` */
export function withRegionWrite<Request extends { write_regions?: number | null }>(
  request: Request,
  { writeRegions }: RegionWriteOptions,
): Request {
  if (writeRegions !== undefined) {
    request.write_regions = checkedCount("writeRegions", writeRegions);
  }
  return request;
}

/** @throws {KvError} `key-not-provided`, `value-provided`, `lease-provided` */
export function putRequestOf(
  key: Bytes,
  value: Bytes,
  options: PutOptions,
): etcdserverpb.IPutRequest {
  const request: etcdserverpb.IPutRequest = { key: bytesFrom(key), value: bytesFrom(value) };
  if (key.length === 0) throw new KvError("key-not-provided", "not-applied", "the key is empty");
  if (options.ignoreValue === true) {
    if (value.length > 0) {
      throw new KvError("value-provided", "not-applied", "ignoreValue goes with an empty value");
    }
    request.ignore_value = true;
  }
  if (options.ignoreLease === true) {
    if (options.lease !== undefined && options.lease !== 0n) {
      throw new KvError("lease-provided", "not-applied", "ignoreLease goes without a lease");
    }
    request.ignore_lease = true;
  }
  if (options.lease !== undefined) request.lease = wireId(options.lease);
  if (options.prevKv === true) request.prev_kv = true;
  if (options.siblingContext !== undefined) request.sibling_context = options.siblingContext;
  return request;
}

/**
 * On a server that knows no kinds `ignore_value` keeps the value as it is, or refuses where there is none.
 *
 * @throws {KvError} `key-not-provided`
 */
export function operateRequestOf(key: Bytes, { wire }: KindOperation): etcdserverpb.IPutRequest {
  if (key.length === 0) throw new KvError("key-not-provided", "not-applied", "the key is empty");
  return { key: bytesFrom(key), ignore_value: true, operation: wire };
}

/** @throws {KvError} `key-not-provided`, `invalid-argument` */
export function deleteRequestOf(
  selector: KeySelector,
  options: ResolveOptions & { readonly prevKv?: boolean },
): etcdserverpb.IDeleteRangeRequest {
  const { key, rangeEnd } = wireRangeOf(selector);
  const request: etcdserverpb.IDeleteRangeRequest = { key };
  if (rangeEnd.length > 0) request.range_end = rangeEnd;
  if (options.prevKv === true) request.prev_kv = true;
  if (options.siblingContext !== undefined) request.sibling_context = options.siblingContext;
  return request;
}

/** An int64 field of 64 bits; leases are signed on the wire. */
export function wireId(id: bigint): Int64 {
  return BigInt.asIntN(64, id);
}

/** @throws {KvError} `invalid-argument` unless `value` is an integer in [0, 2^53). */
export function checkedCount(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new KvError("invalid-argument", "not-applied", `${name} is not an integer >= 0`);
}
