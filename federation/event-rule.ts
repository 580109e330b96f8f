// When a change of siblings takes a revision, and which event it makes (federation 6). Version and create revision
// follow from the event as in any store: visible to visible goes on, absent to visible begins again.
import { compareBytes } from "../base/index.ts";
import { sameDot } from "./dot.ts";
import type { Dot } from "./dot.ts";
import type { FederationBug } from "./planted.ts";
import type { Siblings } from "./sibling.ts";
import type { ViewRules } from "./view-rules.ts";

/** `none`: no revision, no event. */
export type Change = "none" | "put" | "delete";

/** One key on one side of a step: what is kept of it, and what a client sees of it. */
export interface Shown {
  readonly siblings: Siblings;
  /** Absent: there is no such key. */
  readonly value?: Uint8Array;
}

/**
 * `local`: a client of this region put or deleted it, and always learns what came of it. Under `siblings`, `merge` and
 * `resolver` any change of the set counts, the value possibly equal, so that a compare on the mod revision
 * protects what its client has not seen.
 */
export function changeOf(
  policy: ViewRules["policy"],
  before: Shown,
  after: Shown,
  options: { readonly local: boolean; readonly planted?: FederationBug } = { local: false },
): Change {
  if (after.value === undefined) return before.value === undefined ? "none" : "delete";
  if (before.value === undefined || options.local) return "put";
  if (compareBytes(before.value, after.value) !== 0) return "put";
  if (options.planted === "revision-hides-sibling" || !COUNTS_SIBLINGS.has(policy)) return "none";
  return sameWrites(before.siblings, after.siblings) ? "none" : "put";
}

const COUNTS_SIBLINGS: ReadonlySet<ViewRules["policy"]> = new Set([
  "siblings",
  "merge",
  "resolver",
]);

/** Both by ascending dot. */
export function sameWrites(
  left: readonly { readonly dot: Dot }[],
  right: readonly { readonly dot: Dot }[],
): boolean {
  if (left.length !== right.length) return false;
  return left.every((one, at) => {
    const other = right[at];
    return other !== undefined && sameDot(one.dot, other.dot);
  });
}
