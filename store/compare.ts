// A transaction's conditions, by etcd's rules: a range must hold for every key; where there is no key, the
// numbers are 0 and no value compares, not even as unequal.
import { compareBytes, unreachable } from "../base/index.ts";
import { spanOf } from "./key-range.ts";
import type { KeyIndex } from "./key-index.ts";
import type { Compare, CompareResult } from "./request.ts";
import { valueInRow } from "./rows.ts";
import { NO_LEASE } from "./version.ts";
import type { Version } from "./version.ts";

/** The state that conditions and reads are judged on. */
export interface ReadView {
  readonly index: KeyIndex;
  /** Main revision. */
  readonly at: number;
  /** Of a version that was named as needed. */
  row(version: Version): Uint8Array;
}

export function holds(compare: Compare, view: ReadView): boolean {
  let all = true;
  let found = false;
  view.index.visit(spanOf(compare), view.at, Infinity, (_key, version) => {
    found = true;
    all &&= fits(compare.result, order(compare, version, view));
  });
  if (found) return all;
  return compare.target !== "value" && fits(compare.result, order(compare, undefined, view));
}

/** How what is stored relates to what is given: negative, zero or positive. */
function order(compare: Compare, version: Version | undefined, view: ReadView): number {
  switch (compare.target) {
    case "version":
      return (version?.count ?? 0) - compare.version;
    case "create":
      return (version?.create ?? 0) - compare.createRevision;
    case "mod":
      return (version?.mod ?? 0) - compare.modRevision;
    case "lease":
      return (
        Number((version?.lease ?? NO_LEASE) > compare.lease) ||
        -Number((version?.lease ?? NO_LEASE) < compare.lease)
      );
    case "value":
      return version === undefined ? 0 : compareBytes(valueInRow(view.row(version)), compare.value);
    default:
      return unreachable(compare);
  }
}

function fits(result: CompareResult, order: number): boolean {
  switch (result) {
    case "equal":
      return order === 0;
    case "not-equal":
      return order !== 0;
    case "greater":
      return order > 0;
    case "less":
      return order < 0;
  }
}
