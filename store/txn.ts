// Transactions, by etcd's rules: every condition, nested ones too, is judged on the state before; then
// everything that could be refused is refused; only then do the operations run, each seeing those before
// it. A refused transaction changes nothing (etcd#18667).
import { present, unreachable } from "../base/index.ts";
import { holds } from "./compare.ts";
import type { ReadView } from "./compare.ts";
import { deleteRange, needDeleteRange } from "./delete-range.ts";
import { overlap, spanOf } from "./key-range.ts";
import type { Span } from "./key-range.ts";
import type { KeySpace } from "./key-space.ts";
import { checkKept, checkLease, needPut, put } from "./put.ts";
import { RangeSelection } from "./range-selection.ts";
import { isRefusal, refusal } from "./refusal.ts";
import type { RangeRequest, RequestOp, TxnRequest } from "./request.ts";
import type { RangeResponse, Refusal, ResponseOp, TxnResponse } from "./response.ts";
import type { RowSet } from "./row-set.ts";

/** Whether it may write, whatever its conditions turn out to be. */
export function canWrite(txn: TxnRequest): boolean {
  return [...txn.success, ...txn.failure].some((operation) => {
    if (operation.kind === "txn") return canWrite(operation.txn);
    return operation.kind !== "range";
  });
}

/** Names every row that either branch could read, on the state as it is. */
export function needTxn(txn: TxnRequest, space: KeySpace, rows: RowSet): void {
  needNested(txn, space, rows, []);
}

/** `written`: spans that operations before it may write, which moves what a limit cuts. */
function needNested(txn: TxnRequest, space: KeySpace, rows: RowSet, written: Span[]): void {
  for (const compare of txn.compare) {
    if (compare.target !== "value") continue;
    space.index.visit(spanOf(compare), space.revision, Infinity, (_key, version) => {
      rows.want(version);
    });
  }
  for (const operation of [...txn.success, ...txn.failure]) {
    switch (operation.kind) {
      case "range":
        needRange(operation.range, space, rows, written);
        break;
      case "put":
        needPut(operation.put, space, rows);
        written.push(spanOf(operation.put));
        break;
      case "delete-range":
        needDeleteRange(operation.deleteRange, space, rows);
        written.push(spanOf(operation.deleteRange));
        break;
      case "txn":
        needNested(operation.txn, space, rows, written);
        break;
      default:
        unreachable(operation);
    }
  }
}

function needRange(
  request: RangeRequest,
  space: KeySpace,
  rows: RowSet,
  written: readonly Span[],
): void {
  if (space.checkRevision(request.revision) !== undefined) return;
  const span = spanOf(request);
  const moved = request.revision <= 0 && written.some((other) => overlap(span, other));
  const at = request.revision > 0 ? request.revision : space.revision;
  const selection = new RangeSelection(request, at, moved ? "uncut" : "cut");
  if (!selection.needsRows) return;
  selection.walk(space.index, Infinity);
  for (const { version } of selection.picks) rows.want(version);
}

/** A transaction with its conditions judged: the operations that will run. */
export interface Path {
  readonly succeeded: boolean;
  readonly steps: readonly Step[];
}

type Step =
  Exclude<RequestOp, { readonly kind: "txn" }> | { readonly kind: "txn"; readonly path: Path };

export function pathOf(txn: TxnRequest, view: ReadView): Path {
  const succeeded = txn.compare.every((compare) => holds(compare, view));
  const chosen = succeeded ? txn.success : txn.failure;
  const steps = chosen.map((operation): Step =>
    operation.kind === "txn" ? { kind: "txn", path: pathOf(operation.txn, view) } : operation,
  );
  return { succeeded, steps };
}

/** What the puts of the path are refused for; etcd judges them before the ranges. */
export function checkPuts(path: Path, space: KeySpace): Refusal | undefined {
  return firstFault(path, (step) =>
    step.kind === "put" ? (checkKept(step.put, space) ?? checkLease(step.put, space)) : undefined,
  );
}

/** Where the state stands that a path was judged on. */
export interface Standing {
  readonly revision: number;
  readonly floor: number;
}

/** Unlike a range by itself, one in a transaction is refused for a negative revision too (etcd). */
export function checkRanges(path: Path, { revision, floor }: Standing): Refusal | undefined {
  return firstFault(path, (step) => {
    if (step.kind !== "range" || step.range.revision === 0) return undefined;
    if (step.range.revision > revision) return refusal("future-revision");
    return step.range.revision < floor ? refusal("compacted") : undefined;
  });
}

function firstFault(path: Path, check: (step: Step) => Refusal | undefined): Refusal | undefined {
  for (const step of path.steps) {
    const fault = step.kind === "txn" ? firstFault(step.path, check) : check(step);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Runs the ranges of a path that writes nothing. */
export function readPath(path: Path, view: ReadView): TxnResponse {
  const responses = path.steps.map((step): ResponseOp => {
    if (step.kind === "txn") return { kind: "txn", txn: readPath(step.path, view) };
    const { range } = present(
      step.kind === "range" ? step : undefined,
      "a read in a read-only path",
    );
    return { kind: "range", range: readRange(range, view) };
  });
  return { succeeded: path.succeeded, responses };
}

/**
 * Runs a path in the open main revision; the caller commits, or rolls back if it is refused.
 */
export function runPath(path: Path, space: KeySpace, rows: RowSet): TxnResponse | Refusal {
  const responses: ResponseOp[] = [];
  for (const step of path.steps) {
    const response = runStep(step, space, rows);
    if (isRefusal(response)) return response;
    responses.push(response);
  }
  return { succeeded: path.succeeded, responses };
}

function runStep(step: Step, space: KeySpace, rows: RowSet): ResponseOp | Refusal {
  switch (step.kind) {
    case "range": {
      const view = viewOf(space, space.revision + 1, rows);
      return { kind: "range", range: readRange(step.range, view) };
    }
    case "put": {
      const response = put(step.put, space, rows);
      return isRefusal(response) ? response : { kind: "put", put: response };
    }
    case "delete-range": {
      const response = deleteRange(step.deleteRange, space, rows);
      return isRefusal(response) ? response : { kind: "delete-range", deleteRange: response };
    }
    case "txn": {
      const response = runPath(step.path, space, rows);
      return isRefusal(response) ? response : { kind: "txn", txn: response };
    }
    default:
      return unreachable(step);
  }
}

export function viewOf(space: KeySpace, at: number, rows: RowSet): ReadView {
  return { index: space.index, at, row: (version) => rows.row(version) };
}

function readRange(request: RangeRequest, view: ReadView): RangeResponse {
  const selection = new RangeSelection(request, request.revision > 0 ? request.revision : view.at);
  selection.walk(view.index, Infinity);
  return selection.answer((at) =>
    view.row(present(selection.picks[at], "a pick of the selection").version),
  );
}
