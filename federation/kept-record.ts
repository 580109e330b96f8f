// What a region keeps of one federated key: its siblings, and what it holds if it is of a kind (federation 2, 9). The
// value of a live sibling that is alone and shown is not kept twice: it is in the key's newest version.
import { assert } from "../base/index.ts";
import type { KindState } from "./kind.ts";
import type { Sibling, Siblings } from "./sibling.ts";

export interface KeptRecord {
  readonly siblings: Siblings;
  /** At most one of each kind. The prefix says which is shown; what else there may be shows nothing. */
  readonly kinds: readonly KindState[];
}

export const NO_RECORD: KeptRecord = { siblings: [], kinds: [] };

/** Stands for the value of a sibling that is in the key's newest version. Compared by identity. */
export const IN_VERSION: Uint8Array = new Uint8Array(0);

export function isBlank({ siblings, kinds }: KeptRecord): boolean {
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
export function placed(siblings: Siblings, shown: Uint8Array | undefined): Siblings {
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
