// What a region keeps of one federated key: its siblings, and what it holds if it is of a kind (federation 2, 9). The
// value of a live sibling that is alone and shown is not kept twice: it is in the key's newest version. A record is
// hashed as it is made, so that what is found later can be held against it (federation 17).
import { assert } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { sameWrites } from "./event-rule.ts";
import type { Hash128 } from "./hash128.ts";
import type { KindState } from "./kind.ts";
import type { MadeView } from "./made-view.ts";
import { merklePlaceOf, recordHash } from "./merkle-tree.ts";
import type { RecordContent } from "./record-step.ts";
import type { Sibling, Siblings } from "./sibling.ts";

/** Of a record with its values, as it was made. */
export interface RecordDigest {
  /** Of the key in a Merkle tree. */
  readonly place: number;
  readonly hash: Hash128;
}

export interface KeptRecord {
  readonly siblings: Siblings;
  /** At most one of each kind. The prefix says which is shown; what else there may be shows nothing. */
  readonly kinds: readonly KindState[];
  /** What a handler on read made of several siblings; what it made of others is dropped with them. */
  readonly made?: MadeView;
  /** Absent: regions do not compare it. */
  readonly digest?: RecordDigest;
}

export const NO_RECORD: KeptRecord = { siblings: [], kinds: [] };

/** Stands for the value of a sibling that is in the key's newest version. Compared by identity. */
export const IN_VERSION: Uint8Array = new Uint8Array(0);

/** `after` a step from `before`: what was made of the siblings stays where they do. */
export function carried({ siblings, made }: KeptRecord, after: RecordContent): KeptRecord {
  return made !== undefined && sameWrites(siblings, after.siblings) ? { ...after, made } : after;
}

/** The record to keep of `record`, all of whose values are loaded, once the key shows `shown`. */
export function keptOf(key: Key, record: KeptRecord, shown: Uint8Array | undefined): KeptRecord {
  const { siblings, kinds, made } = record;
  const kept = { siblings: placed(siblings, shown), kinds, ...(made && { made }) };
  return withDigest(key, kept, recordHash(key, record));
}

export function withDigest(key: Key, record: KeptRecord, hash: Hash128 | undefined): KeptRecord {
  return hash === undefined ? record : { ...record, digest: { place: merklePlaceOf(key), hash } };
}

export function isBlank({ siblings, kinds }: RecordContent): boolean {
  return siblings.length === 0 && kinds.length === 0;
}

/** Whether its one sibling is a tombstone, which a stable cut lets go. */
export function soleTombstone({ siblings, kinds }: KeptRecord): Sibling | undefined {
  const [only, ...others] = siblings;
  const isAlone = only !== undefined && others.length === 0 && kinds.length === 0;
  return isAlone && only.value === undefined ? only : undefined;
}

/** With the value of the newest version, where that has it. */
export function hydrated(siblings: Siblings, valueOfVersion: () => Uint8Array): Siblings {
  const [only] = siblings;
  if (only?.value !== IN_VERSION) return siblings;
  assert(siblings.length === 1, "a value is left to the version where it stands alone");
  return [{ ...only, value: valueOfVersion() }];
}

/**
 * As they are kept once the key shows `shown`: a value that is shown alone stays in the version, any other is copied out
 * of whatever it is a view into.
 */
function placed(siblings: Siblings, shown: Uint8Array | undefined): Siblings {
  const [only] = siblings;
  if (only === undefined) return siblings;
  if (siblings.length === 1 && only.value !== undefined && only.value === shown) {
    return [{ ...only, value: IN_VERSION }];
  }
  return siblings.map((sibling) => {
    const { value } = sibling;
    assert(value !== IN_VERSION, "a value that was left to a version has been loaded");
    return value === undefined || isOwned(value) ? sibling : { ...sibling, value: value.slice() };
  });
}

function isOwned(value: Uint8Array): boolean {
  return value.byteLength === value.buffer.byteLength;
}
