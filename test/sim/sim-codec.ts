// Requests and responses as JSON bytes: what the edge does with protobuf in production, plain to read in a
// trace. Bytes and 64-bit numbers become marked strings.
import { assert, bytesOf, checkedKey, keyOf } from "../../base/index.ts";
import type { RequestCodec } from "../../store/machine.ts";
import type { Request, RequestKind } from "../../store/request.ts";
import type { Response } from "../../store/response.ts";

const toUtf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

const BYTES_MARK = "bytes:";
const BIG_MARK = "big:";

export function encodeRequest(request: Request): Uint8Array {
  return encode(request);
}

export const SIM_CODEC: RequestCodec = {
  decodeRequest(kind: RequestKind, body: Uint8Array): Request {
    const request = decode(body) as Request;
    assert(request.kind === kind, `a ${request.kind} was framed as ${kind}`);
    return request;
  },
  encodeResponse: (response: Response): Uint8Array => encode(response),
  decodeResponse: (bytes: Uint8Array): Response => decode(bytes) as Response,
};

function encode(value: unknown): Uint8Array {
  return toUtf8.encode(
    JSON.stringify(value, (_name, field: unknown) => {
      if (typeof field === "bigint") return BIG_MARK + field.toString(16);
      if (field instanceof Uint8Array) return BYTES_MARK + keyOf(field);
      return field;
    }),
  );
}

function decode(bytes: Uint8Array): unknown {
  return JSON.parse(fromUtf8.decode(bytes), (_name, field: unknown) => {
    if (typeof field !== "string") return field;
    if (field.startsWith(BIG_MARK)) return BigInt(`0x${field.slice(BIG_MARK.length)}`);
    if (field.startsWith(BYTES_MARK)) return bytesOf(checkedKey(field.slice(BYTES_MARK.length)));
    return field;
  });
}
