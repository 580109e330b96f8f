// Delete of a range, by etcd's rules: one tombstone a key, in key order, each with its sub-revision.
import { spanOf } from "./key-range.ts";
import type { KeySpace } from "./key-space.ts";
import { keyValueOf } from "./range-selection.ts";
import type { Pick } from "./range-selection.ts";
import type { DeleteRangeRequest } from "./request.ts";
import { refusal } from "./refusal.ts";
import type { DeleteRangeResponse, Refusal } from "./response.ts";
import type { RowSet } from "./row-set.ts";

/** `rows` names the values that the answer returns. */
export function needDeleteRange(request: DeleteRangeRequest, space: KeySpace, rows: RowSet): void {
  if (!request.prevKv && request.siblingContext === undefined) return;
  space.index.visit(spanOf(request), space.revision, Infinity, (_key, version) => {
    rows.want(version);
  });
}

/** Writes into the open main revision. */
export function deleteRange(
  request: DeleteRangeRequest,
  space: KeySpace,
  rows: RowSet,
): DeleteRangeResponse | Refusal {
  const { siblingContext } = request;
  if (siblingContext !== undefined) {
    const isOne = request.end === undefined && space.federation?.holds(request.key) === true;
    if (!isOne) return refusal("federation-refused");
  }
  const picks: Pick[] = [];
  space.index.visit(spanOf(request), space.revision + 1, Infinity, (key, version) => {
    picks.push({ key, version });
  });
  const prevKvs = request.prevKv
    ? picks.map((pick) => keyValueOf(pick, rows.row(pick.version)))
    : [];
  for (const { key } of picks) space.delete(key, siblingContext);
  // A key that is not shown has siblings all the same: who has read them settles them so.
  const isHidden = siblingContext !== undefined && picks.length === 0;
  if (isHidden) space.federation?.delete(request.key, siblingContext);
  return { deleted: picks.length, prevKvs };
}
