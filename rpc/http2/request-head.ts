// A request's header list, judged: by RFC 9113 section 8.3 (else the stream is reset), by HTTP (else a status
// of HTTP's), and read for what gRPC says in it.
import { timeoutMsOf } from "../timeout-header.ts";
import { ErrorCode, StreamFault } from "./fault.ts";
import type { FieldRole, HeaderField } from "./hpack-table.ts";

export interface RequestHead {
  readonly fields: readonly HeaderField[];
  readonly path: string;
  /** What is no gRPC call is answered by this and nothing else. */
  readonly refusal: 405 | 415 | undefined;
  /** Infinity: none is asked for. Undefined: what is asked for is no duration. */
  readonly timeoutMs: number | undefined;
  readonly encoding: string;
  /** Undefined: none is declared. */
  readonly contentBytes: number | undefined;
}

const PSEUDO: ReadonlySet<FieldRole> = new Set<FieldRole>([
  "method",
  "scheme",
  "authority",
  "path",
]);
/** As many digits as a number keeps exactly. */
const LENGTH = /^\d{1,15}$/;
/** @throws {StreamFault} PROTOCOL_ERROR: a malformed request. */
export function requestHead(streamId: number, fields: readonly HeaderField[]): RequestHead {
  let method: string | undefined;
  let scheme: string | undefined;
  let authority: string | undefined;
  let path: string | undefined;
  let contentType = "";
  let timeout: string | undefined;
  let encoding = "identity";
  let contentLength: string | undefined;
  let regular = false;
  for (const { name, value, role } of fields) {
    if (role === "forbidden") throw malformed(streamId, `field ${name}`);
    if (!PSEUDO.has(role)) regular = true;
    else if (regular) throw malformed(streamId, `${name} after other fields`);
    switch (role) {
      case "method":
        method = once(streamId, name, method, value);
        break;
      case "scheme":
        scheme = once(streamId, name, scheme, value);
        break;
      case "authority":
        authority = once(streamId, name, authority, value);
        break;
      case "path":
        path = once(streamId, name, path, value);
        break;
      case "content-type":
        contentType = value;
        break;
      case "content-length":
        contentLength = once(streamId, name, contentLength, value);
        break;
      case "grpc-timeout":
        timeout ??= value;
        break;
      case "grpc-encoding":
        encoding = value;
        break;
      case "te":
      case "regular":
        break;
    }
  }
  if (method === undefined || scheme === undefined || path === undefined || path === "") {
    throw malformed(streamId, "no method, scheme or path");
  }
  const refusal = method !== "POST" ? 405 : isGrpc(contentType) ? undefined : 415;
  const contentBytes = lengthOf(streamId, contentLength);
  return { fields, path, refusal, timeoutMs: timeoutMsOf(timeout), encoding, contentBytes };
}

/** Fields after the request's body. */
export function checkTrailers(streamId: number, fields: readonly HeaderField[]): void {
  for (const { name, role } of fields) {
    if (role === "forbidden" || PSEUDO.has(role)) throw malformed(streamId, `trailer ${name}`);
  }
}

function once(streamId: number, name: string, before: string | undefined, value: string): string {
  if (before !== undefined) throw malformed(streamId, `two ${name}`);
  return value;
}

function isGrpc(contentType: string): boolean {
  return (
    contentType === "application/grpc" ||
    contentType.startsWith("application/grpc+") ||
    contentType.startsWith("application/grpc;")
  );
}

function lengthOf(streamId: number, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!LENGTH.test(text)) throw malformed(streamId, `content-length ${text}`);
  return Number(text);
}

function malformed(streamId: number, what: string): StreamFault {
  return new StreamFault(streamId, ErrorCode.PROTOCOL_ERROR, `malformed request: ${what}`);
}
