// What KV calls ask beyond their region (federation 13): before a read, after a write, and at the leader, which alone
// knows what other regions have. A region that is in no federation refuses instead of ignoring it.
import { KvError } from "../base/index.ts";
import type { Revision } from "../base/index.ts";
import { Reader, clampedNumberOf, etcdserverpb } from "../proto/index.ts";
import type { KeyRange, Request, TxnRequest } from "../store/index.ts";
import type { Backend, Header, RegionRead, Regions } from "./backend.ts";
import type { ForwardedPath } from "./forwarded.ts";
import { isFromMember } from "./service.ts";
import type { Call, ForwardToLeader, Reply } from "./service.ts";

interface Asker {
  readonly backend: Backend;
  readonly forwardToLeader: ForwardToLeader;
}

/** How a call came, for whoever hands it on. */
interface Route {
  readonly path: ForwardedPath;
  readonly bytes: Uint8Array;
  readonly call: Call;
  readonly reply: Reply;
}

/** `go` once the applied state has what is asked for; its argument is what the answer's header gets. */
export function beforeRead(
  { backend, forwardToLeader }: Asker,
  asked: RegionRead,
  { path, bytes, call, reply }: Route,
  go: (withToken: (header: Header) => Header) => void,
): void {
  const regions = federated(backend);
  const refused = regions.refusesRead(asked);
  if (refused !== undefined) throw refused;
  const asksOthers = asked.readRegions > 1 && !regions.leads && !isFromMember(call);
  if (asksOthers && forwardToLeader(path, bytes, call, reply)) return;
  regions.beforeRead(asked, call, (error) => {
    if (error !== undefined) reply(error);
    else go((header) => ({ ...header, causalToken: regions.token() }));
  });
}

/**
 * False: the write is not for here, and `reply` will be called. `isLeased`: it is under a home that the leader alone
 * knows to be still this region's.
 */
export function isWrittenHere(
  { backend, forwardToLeader }: Asker,
  request: Request,
  { writeRegions, isLeased }: { readonly writeRegions?: number; readonly isLeased: boolean },
  { path, bytes, call, reply }: Route,
): boolean {
  const regions = federated(backend);
  if (writeRegions !== undefined) {
    const refused = regions.refusesWrite({ ranges: rangesOfWrite(request), writeRegions });
    if (refused !== undefined) throw refused;
  }
  const isLeaders = isLeased || (writeRegions ?? 0) > 1;
  if (!isLeaders || regions.leads || isFromMember(call)) return true;
  // Whoever is answered here finds here what was written (decision 9).
  const applied: Reply = (result) => {
    if (!(result instanceof Uint8Array)) reply(result);
    else regions.whenApplied(revisionIn(result), call, () => reply(result));
  };
  return !forwardToLeader(path, bytes, call, applied);
}

/** Of the header, which every answer to a write begins with. */
function revisionIn(answer: Uint8Array): Revision {
  const reader = new Reader(answer);
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag !== ((1 << 3) | 2)) reader.pass(tag);
    else return clampedNumberOf(reader.nested(readHeader).revision ?? 0) as Revision;
  }
  return 0 as Revision;
}

function readHeader(reader: Reader): etcdserverpb.ResponseHeader.$Shape {
  return etcdserverpb.ResponseHeader.decode(reader);
}

/** Called as the write is applied. */
export function afterWrite(
  { backend }: Asker,
  request: Request,
  writeRegions: number,
  call: Call,
  header: Header,
  done: (header: Header) => void,
): void {
  const regions = federated(backend);
  const causalToken = regions.token();
  regions.afterWrite({ ranges: rangesOfWrite(request), writeRegions }, call, (reach) => {
    done({ ...header, causalToken, reach });
  });
}

function federated({ regions }: Backend): Regions {
  if (regions !== undefined) return regions;
  const problem = "this region is in no federation, and other regions are asked for";
  throw new KvError("federation-refused", "not-applied", problem);
}

/** In the order of the request, whichever branch of a transaction is taken. */
export function rangesOfWrite(request: Request): readonly KeyRange[] {
  if (request.kind === "put") return [{ key: request.put.key }];
  if (request.kind === "delete-range") return [request.deleteRange];
  return request.kind === "txn" ? rangesIn(request.txn) : [];
}

function rangesIn({ success, failure }: TxnRequest): readonly KeyRange[] {
  return [...success, ...failure].flatMap((operation) => {
    switch (operation.kind) {
      case "put":
        return [{ key: operation.put.key }];
      case "delete-range":
        return [operation.deleteRange];
      case "txn":
        return rangesIn(operation.txn);
      case "range":
        return [];
    }
  });
}
