// Range requests from their bytes to the store's types in one pass, without a message object in between.
// Of a field given twice the last counts. A quantity beyond 2^53 is clamped: no revision or count gets there.
import { KvError } from "../base/index.ts";
import type { Key, Revision } from "../base/index.ts";
import { clampedNumberOf } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import { checkSortOption } from "../store/index.ts";
import type { RangeRequest, SortOrder, SortTarget } from "../store/index.ts";
import type { AskedReadMode, OnMiss, ReadOptions, RegionRead } from "./backend.ts";
import { invalid } from "./decode.ts";

const NO_KEY = "" as Key;

const SORT_ORDERS: readonly SortOrder[] = ["none", "ascend", "descend"];
const SORT_TARGETS: readonly SortTarget[] = ["key", "version", "create", "mod", "value"];
const READ_MODES: readonly AskedReadMode[] = [
  "default",
  "quorum",
  "index",
  "lease",
  "follower",
  "learner",
  "local",
];
const ON_MISS: readonly OnMiss[] = ["wait", "wait", "forward", "fail"];

export interface RangeCall {
  readonly range: RangeRequest;
  readonly options: ReadOptions;
  /** Absent: nothing is asked beyond this region. */
  readonly beyond?: RegionRead;
}

/** What `readRange` collects: the request and its options in one shape. */
interface RangeFields {
  key: Key;
  end: Key;
  limit: number;
  revision: number;
  sortOrder: number;
  sortTarget: number;
  serializable: boolean;
  keysOnly: boolean;
  countOnly: boolean;
  minModRevision: number;
  maxModRevision: number;
  minCreateRevision: number;
  maxCreateRevision: number;
  readMode: number;
  maxStalenessMs: number | undefined;
  minRevision: number;
  onMiss: number;
  causalToken: Uint8Array | undefined;
  readRegions: number;
  siblings: boolean;
}

/**
 * @throws {KvError} `invalid-sort-option` or `invalid-argument` for an enumeration's unknown number or a
 * negative bound.
 */
export function readRangeCall(reader: Reader): RangeCall {
  const fields = readRangeFields(reader);
  const { causalToken: token, readRegions } = fields;
  const range = rangeOf(fields);
  const parsed = { range, options: optionsOf(fields) };
  if (token === undefined && readRegions === 0) return parsed;
  return { ...parsed, beyond: { range, readRegions, ...(token === undefined ? {} : { token }) } };
}

/** Inside a transaction: read options have no meaning there and are ignored. */
export function readRange(reader: Reader): RangeRequest {
  return rangeOf(readRangeFields(reader));
}

function rangeOf(fields: RangeFields): RangeRequest {
  const refused = checkSortOption(fields.sortOrder, fields.sortTarget);
  // A missing key is named first, by the check of the whole request (etcd's order).
  if (refused !== undefined && fields.key !== NO_KEY)
    throw new KvError(refused.code, "not-applied", refused.message);
  return {
    key: fields.key,
    ...(fields.end === NO_KEY ? undefined : { end: fields.end }),
    limit: Math.max(0, fields.limit),
    revision: Math.max(0, fields.revision) as Revision,
    sortOrder: SORT_ORDERS[fields.sortOrder] ?? "none",
    sortTarget: SORT_TARGETS[fields.sortTarget] ?? "key",
    serializable: fields.serializable,
    keysOnly: fields.keysOnly,
    countOnly: fields.countOnly,
    minModRevision: fields.minModRevision,
    maxModRevision: fields.maxModRevision,
    minCreateRevision: fields.minCreateRevision,
    maxCreateRevision: fields.maxCreateRevision,
  };
}

function optionsOf(fields: RangeFields): ReadOptions {
  const { maxStalenessMs, minRevision } = fields;
  const mode = READ_MODES[fields.readMode];
  if (mode === undefined) throw invalid(`read mode ${fields.readMode} is unknown`);
  const onMiss = ON_MISS[fields.onMiss];
  if (onMiss === undefined) throw invalid(`on_miss ${fields.onMiss} is unknown`);
  if (minRevision < 0) throw invalid("min_revision is negative");
  const plain = { mode, minRevision: minRevision as Revision, onMiss };
  const options = fields.siblings ? { ...plain, siblings: true } : plain;
  if (fields.siblings && !isOneAsItIs(fields)) {
    throw invalid("siblings are those of one key, as it is: without a revision, with its value");
  }
  if (maxStalenessMs === undefined) return options;
  if (maxStalenessMs < 0) throw invalid("max_staleness_ms is negative");
  return { ...options, maxStalenessMs };
}

function isOneAsItIs({ end, revision, keysOnly, countOnly }: RangeFields): boolean {
  return end === NO_KEY && revision === 0 && !keysOnly && !countOnly;
}

function rangeFields(): RangeFields {
  return {
    key: NO_KEY,
    end: NO_KEY,
    limit: 0,
    revision: 0,
    sortOrder: 0,
    sortTarget: 0,
    serializable: false,
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
    readMode: 0,
    maxStalenessMs: undefined,
    minRevision: 0,
    onMiss: 0,
    causalToken: undefined,
    readRegions: 0,
    siblings: false,
  };
}

/** Cases are `field number << 3 | wire type`: a known field of another type is passed like an unknown one. */
function readRangeFields(reader: Reader): RangeFields {
  const fields = rangeFields();
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        fields.key = reader.latin1() as Key;
        break;
      case (2 << 3) | 2:
        fields.end = reader.latin1() as Key;
        break;
      case 3 << 3:
        fields.limit = clampedNumberOf(reader.int64());
        break;
      case 4 << 3:
        fields.revision = clampedNumberOf(reader.int64());
        break;
      case 5 << 3:
        fields.sortOrder = reader.int32();
        break;
      case 6 << 3:
        fields.sortTarget = reader.int32();
        break;
      case 7 << 3:
        fields.serializable = reader.bool();
        break;
      case 8 << 3:
        fields.keysOnly = reader.bool();
        break;
      case 9 << 3:
        fields.countOnly = reader.bool();
        break;
      default:
        readRareRangeField(reader, tag, fields);
    }
  }
  return fields;
}

function readRareRangeField(reader: Reader, tag: number, fields: RangeFields): void {
  switch (tag) {
    case 10 << 3:
      fields.minModRevision = clampedNumberOf(reader.int64());
      break;
    case 11 << 3:
      fields.maxModRevision = clampedNumberOf(reader.int64());
      break;
    case 12 << 3:
      fields.minCreateRevision = clampedNumberOf(reader.int64());
      break;
    case 13 << 3:
      fields.maxCreateRevision = clampedNumberOf(reader.int64());
      break;
    case 1001 << 3:
      fields.readMode = reader.int32();
      break;
    case 1002 << 3:
      fields.maxStalenessMs = clampedNumberOf(reader.int64());
      break;
    case 1003 << 3:
      fields.minRevision = clampedNumberOf(reader.int64());
      break;
    case 1004 << 3:
      fields.onMiss = reader.int32();
      break;
    case (1005 << 3) | 2:
      fields.causalToken = reader.bytes();
      break;
    case 1006 << 3:
      fields.readRegions = reader.uint32();
      break;
    case 1007 << 3:
      fields.siblings = reader.bool();
      break;
    default:
      reader.pass(tag);
  }
}
