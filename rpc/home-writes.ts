// A client's write whose keys have their home elsewhere (federation 12): judged by the rights that it has here, used up
// under its number, handed on once, and answered when this member has it too, so that its client reads it here.
import { randomBytes } from "node:crypto";
import { KvError, bytesOf, present } from "../base/index.ts";
import type { HomeRoute } from "../federation/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { Request, RequestOp, TxnRequest } from "../store/index.ts";
import type { Backend, Homes } from "./backend.ts";
import { handedOnRequest, numberingOf, reheaded, withoutRequestId } from "./home-codec.ts";
import { rangesOfWrite } from "./region-quorum.ts";
import type { Call, Reply } from "./service.ts";

const MARK_BYTES = 16;

/** Where the write goes. @throws {KvError} `federation-refused`, naming why it goes nowhere. */
export function homeOf(
  homes: Homes,
  request: Request,
  { forwarded }: Call,
): Exclude<HomeRoute, { readonly to: "nowhere" }> {
  const route = homes.routeOf(request);
  if (route.to === "nowhere") {
    throw new KvError("federation-refused", "not-applied", route.why);
  }
  // Whoever handed it on took this region for the home: it goes round no further.
  if (route.to === "region" && forwarded) {
    const why = `its home is region ${route.region}`;
    throw new KvError("federation-refused", "not-applied", why);
  }
  return route;
}

export interface HomewardWrite {
  readonly request: Request;
  readonly path: MethodPath;
  readonly bytes: Uint8Array;
  readonly call: Call;
  readonly reply: Reply;
}

/** @throws {KvError} where it is refused before anything is sent. */
export function handOnWrite(
  backend: Backend,
  homes: Homes,
  region: string,
  { request, path, bytes, call, reply }: HomewardWrite,
): void {
  const { view } = backend.authority;
  const refused = view.refusesTxn(call.caller, asTxn(request));
  if (refused !== undefined) throw new KvError(refused.code, "not-applied", refused.message);
  const send = (plain: Uint8Array): void => {
    homes.handOn({ region, method: path, request: plain }, call, (result) => {
      if (result instanceof KvError) reply(result);
      else reply(reheaded(result.response, backend.header(), region));
    });
  };
  if (!("requestId" in request) || request.requestId === undefined) send(bytes);
  else {
    useUp(backend, request, call, (fault) => {
      if (fault === undefined) send(withoutRequestId(bytes));
      else reply(fault);
    });
  }
}

/**
 * The number is used up in this region's log before anything is sent on: a repetition meets the mark of the first, at
 * any member, and is not sent a second time. What became of the first nobody here can tell.
 */
function useUp(
  backend: Backend,
  request: Extract<Request, { readonly requestId?: unknown }>,
  call: Call,
  done: (fault: KvError | undefined) => void,
): void {
  const { key } = present(rangesOfWrite(request)[0], "what has its home elsewhere writes a key");
  const body = numberingOf(request, bytesOf(key), randomBytes(MARK_BYTES));
  const numbering = handedOnRequest("/etcdserverpb.KV/Txn", body);
  backend.write(numbering, body, call, (answer) => {
    if (!answer.ok) done(unsent(answer.error));
    else if (answer.value.kind !== "refused") done(undefined);
    else done(numberFault(answer.value.code, answer.value.message));
  });
}

/** Whether the number is used up is not known; the write itself was not sent, and is not under this number. */
function unsent(error: KvError): KvError {
  if (error.outcome === "not-applied") return error;
  const why = `the number of the write was not confirmed: ${error.message}`;
  return new KvError("home-unreachable", "not-applied", why, { cause: error });
}

function numberFault(code: KvError["code"], message: string): KvError {
  if (code !== "session-mismatch") return new KvError(code, "not-applied", message);
  const why = "it was handed on to its home before, and what became of it is not known here";
  return new KvError("home-unreachable", "unknown", why);
}

/** What rights are asked about. */
function asTxn(request: Request): TxnRequest {
  const operation = operationOf(request);
  return operation?.kind === "txn"
    ? operation.txn
    : { compare: [], success: operation === undefined ? [] : [operation], failure: [] };
}

function operationOf(request: Request): RequestOp | undefined {
  switch (request.kind) {
    case "put":
      return { kind: "put", put: request.put };
    case "delete-range":
      return { kind: "delete-range", deleteRange: request.deleteRange };
    case "txn":
      return { kind: "txn", txn: request.txn };
    default:
      return undefined;
  }
}
