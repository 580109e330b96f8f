// One command's effect on the keys, and its answer: a main revision that is written whole or not at all.
import { unreachable } from "../base/index.ts";
import type { LogIndex, Revision } from "../base/index.ts";
import type { AlarmCommand } from "./alarms.ts";
import type { AuthRequest } from "./auth-change.ts";
import { deleteRange, needDeleteRange } from "./delete-range.ts";
import type { KeySpace } from "./key-space.ts";
import type { LeaseCommand } from "./lease-commands.ts";
import { checkKept, checkLease, needPut, put } from "./put.ts";
import { isRefusal, refused } from "./refusal.ts";
import type { PutRequest, Request, TxnRequest } from "./request.ts";
import type { KeptResponse, Refusal } from "./response.ts";
import type { RowSet } from "./row-set.ts";
import { checkPuts, checkRanges, needTxn, pathOf, runPath, viewOf } from "./txn.ts";

/** The commands that concern keys. */
export type KeyCommand = Exclude<
  Request,
  | AlarmCommand
  | AuthRequest
  | LeaseCommand
  | { readonly kind: "federation" }
  | { readonly kind: "session-open" }
  | { readonly kind: "session-close" }
>;

export interface WriteContext {
  readonly space: KeySpace;
  readonly rows: RowSet;
  /** Of the entry being applied. */
  readonly index: LogIndex;
}

/** Names the rows that `runCommand` may read, on the state as it is. */
export function needCommand(request: Request, space: KeySpace, rows: RowSet): void {
  if (request.kind === "federation") space.federation?.need(request.body, rows);
  else if (request.kind === "put") needPut(request.put, space, rows);
  else if (request.kind === "delete-range") needDeleteRange(request.deleteRange, space, rows);
  else if (request.kind === "txn") needTxn(request.txn, space, rows);
}

export function runCommand(request: KeyCommand, context: WriteContext): KeptResponse {
  const { space, rows } = context;
  switch (request.kind) {
    case "put":
      return runPut(request.put, context);
    case "delete-range": {
      space.begin();
      const response = ended(deleteRange(request.deleteRange, space, rows), space);
      if (isRefusal(response)) return refused(response, revisionOf(space));
      return { kind: "delete-range", revision: revisionOf(space), deleteRange: response };
    }
    case "txn":
      return runTxn(request.txn, context);
    case "compaction": {
      const fault = space.compact(request.compaction.revision, context.index);
      if (fault !== undefined) return refused(fault, revisionOf(space));
      return { kind: "compaction", revision: revisionOf(space) };
    }
    default:
      return unreachable(request);
  }
}

function runPut(request: PutRequest, { space, rows }: WriteContext): KeptResponse {
  const fault = checkLease(request, space) ?? checkKept(request, space);
  if (fault !== undefined) return refused(fault, revisionOf(space));
  space.begin();
  const response = ended(put(request, space, rows), space);
  if (isRefusal(response)) return refused(response, revisionOf(space));
  return { kind: "put", revision: revisionOf(space), put: response };
}

function runTxn(request: TxnRequest, { space, rows }: WriteContext): KeptResponse {
  const path = pathOf(request, viewOf(space, space.revision, rows));
  const fault = checkPuts(path, space) ?? checkRanges(path, space);
  if (fault !== undefined) return refused(fault, revisionOf(space));
  space.begin();
  const response = ended(runPath(path, space, rows), space);
  if (isRefusal(response)) return refused(response, revisionOf(space));
  return { kind: "txn", revision: revisionOf(space), txn: response };
}

/** Commits the open revision, or takes it back if the command or the federation refused it. */
function ended<R extends object>(response: R | Refusal, space: KeySpace): R | Refusal {
  const fault = isRefusal(response) ? response : space.federation?.fault;
  if (fault === undefined) space.commit();
  else space.rollback();
  return fault ?? response;
}

function revisionOf(space: KeySpace): Revision {
  return space.revision as Revision;
}
