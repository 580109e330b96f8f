// Which record a damaged key gets (federation 17): that of most regions, or of a source that an operator names; whole,
// with its own dots, through the log. A key is never deleted because others lack it: that is reported, and left.
import type { Key } from "../base/index.ts";
import { sameHash128 } from "./hash128.ts";
import type { Hash128 } from "./hash128.ts";
import { recordHash } from "./merkle-tree.ts";
import type { OriginId } from "./dot.ts";
import type { FederationBug } from "./planted.ts";
import { isCompared, steppedRecord } from "./record-step.ts";
import type { RecordContent } from "./record-step.ts";
import { covers, hasDot } from "./vector.ts";
import type { Vector } from "./vector.ts";
import type { Transaction } from "./transaction.ts";

/** A region's record of the key, and what it had applied when it read it. */
export interface RecordCopy {
  readonly region: OriginId;
  readonly record: RecordContent;
  readonly applied: Vector;
  /** What it was hashed to when it was made, where that is not what is found: it is damaged, and has no vote. */
  readonly expected?: Hash128;
}

/**
 * - `replace`: with `from`'s. - `keep`: ours is what most have, or what the named source has.
 * - `report`: nothing is done by itself; `why` says what people have to decide.
 */
export type Repair =
  | { readonly action: "replace"; readonly from: RecordCopy }
  | { readonly action: "keep" }
  | { readonly action: "report"; readonly why: "no-majority" | "absent-elsewhere" | "no-source" };

/** `copies`: of all regions that answered, this one's among them; `regionCount`: of the members. */
export function repairOf(
  key: Key,
  self: OriginId,
  copies: readonly RecordCopy[],
  options: {
    readonly regionCount: number;
    readonly source?: OriginId;
    readonly planted?: FederationBug;
  },
): Repair {
  const ours = copies.find(({ region }) => region === self);
  const sound = copies.filter(({ expected }) => expected === undefined);
  const good =
    options.source === undefined
      ? (asExpected(key, ours, sound) ?? ofMost(key, sound, options.regionCount))
      : sound.find(({ region }) => region === options.source);
  if (good === undefined) {
    return { action: "report", why: options.source === undefined ? "no-majority" : "no-source" };
  }
  const isSound = ours !== undefined && ours.expected === undefined;
  if (isSound && sameRecord(key, ours.record, good.record)) return { action: "keep" };
  if (!isCompared(good.record) && options.planted !== "merkle-deletes") {
    return { action: "report", why: "absent-elsewhere" };
  }
  return { action: "replace", from: good };
}

/** Of a copy that is known to be damaged here, and what it was: whoever has just that. */
function asExpected(
  key: Key,
  ours: RecordCopy | undefined,
  sound: readonly RecordCopy[],
): RecordCopy | undefined {
  const expected = ours?.expected;
  if (expected === undefined) return undefined;
  return sound.find(({ record }) => {
    const hash = recordHash(key, record);
    return hash !== undefined && sameHash128(hash, expected);
  });
}

function ofMost(
  key: Key,
  copies: readonly RecordCopy[],
  regionCount: number,
): RecordCopy | undefined {
  return copies.find(({ record }) => {
    const alike = copies.filter((other) => sameRecord(key, record, other.record));
    return alike.length * 2 > regionCount;
  });
}

function sameRecord(key: Key, left: RecordContent, right: RecordContent): boolean {
  const leftHash = recordHash(key, left);
  const rightHash = recordHash(key, right);
  if (leftHash === undefined || rightHash === undefined) return leftHash === rightHash;
  return sameHash128(leftHash, rightHash);
}

/**
 * The record to write here. `later`: what this region has applied beyond the copy's vector, in the order in which it
 * did. Undefined: the copy holds what this region has not applied; wait until it has.
 */
export function repairedRecord(
  key: Key,
  copy: RecordCopy,
  here: { readonly applied: Vector; readonly later: readonly Transaction[] },
): RecordContent | undefined {
  if (!covers(here.applied, copy.applied)) return undefined;
  let { record } = copy;
  for (const transaction of here.later) {
    if (hasDot(copy.applied, transaction)) continue;
    for (const operation of transaction.operations) {
      if (operation.key === key) record = steppedRecord(record, transaction, operation);
    }
  }
  return record;
}
