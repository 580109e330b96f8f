// One version of one key: what the index knows of it without its value, and the value's row if it is in
// memory. A hundred bytes each, so every field earns its place.
import { assert } from "../base/index.ts";
import type { LeaseId } from "../base/index.ts";

export const NO_LEASE = 0n as LeaseId;

/** Where a version's row is: in the engine alone, in memory alone, or in both. */
export type Residence = 0 | 1 | 2 | 3;
export const ABSENT = 0;
/** Not in the engine yet: must stay in memory. */
export const PINNED = 1;
export const CACHED = 2;
/** Cached, and read since the cache last looked: it gets another round. */
export const CACHED_AND_READ = 3;

const RESIDENCES = 4;
const RESIDENCE_BITS = RESIDENCES - 1;
/** Sub-revisions share a 32-bit field with the residence. */
const SUB_MAX = 2 ** 29 - 1;

export class Version {
  /** Main revision of the write. */
  readonly mod: number;
  /** Main revision of the put that made this generation of the key; 0 for a tombstone. */
  readonly create: number;
  /** Puts since creation, from 1; 0 for a tombstone. */
  readonly count: number;
  readonly lease: LeaseId;
  /** The version that this one replaced, until compaction takes it. */
  older: Version | undefined;
  /** Owned by the value cache. The mvccpb.KeyValue bytes. */
  row: Uint8Array | undefined;
  #packed: number;

  constructor(
    mod: number,
    sub: number,
    create: number,
    count: number,
    lease: LeaseId,
    older: Version | undefined,
  ) {
    assert(sub <= SUB_MAX, `sub-revision ${sub} does not fit`);
    this.mod = mod;
    this.create = create;
    this.count = count;
    this.lease = lease;
    this.older = older;
    this.row = undefined;
    this.#packed = sub * RESIDENCES + ABSENT;
  }

  /** Position among the writes of the same main revision, from 0. */
  get sub(): number {
    return this.#packed >>> 2;
  }

  /** Owned by the value cache. */
  get residence(): Residence {
    return (this.#packed & RESIDENCE_BITS) as Residence;
  }

  set residence(residence: Residence) {
    this.#packed = (this.#packed & ~RESIDENCE_BITS) | residence;
  }
}

/** The newest version at or before main revision `at`, tombstones included. */
export function versionAt(newest: Version | undefined, at: number): Version | undefined {
  let version = newest;
  while (version !== undefined && version.mod > at) version = version.older;
  return version;
}

export function isTombstone(version: Version): boolean {
  return version.count === 0;
}
