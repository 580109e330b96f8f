// A client's write on its way to the region that is its keys' home, and the answer back (federation 12).
import { KvError } from "../base/index.ts";
import type { ExchangeHello } from "../federation/index.ts";
import { Reader, Writer, etcdserverpb, hansa } from "../proto/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { NAME_BYTES_MAX } from "../store/index.ts";
import type { Request } from "../store/index.ts";
import type { HandedOn, Header, RegionReach } from "./backend.ts";
import { decoded, invalid } from "./decode.ts";
import { writeHeader } from "./header.ts";
import { readDeleteRangeCall, readPutCall } from "./kv-request.ts";
import type { WriteOptions } from "./kv-request.ts";
import { helloOf, helloShape } from "./region-codec.ts";
import { readTxnCall } from "./txn-request.ts";

const wire = hansa.region.v1;
const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Of every write that may carry one. */
const REQUEST_ID_FIELD = 1001;
const LENGTH_DELIMITED = 2;

export interface HandOn {
  readonly hello: ExchangeHello;
  readonly method: MethodPath;
  /** The client's own bytes, without a request id: sessions are a region's own. */
  readonly request: Uint8Array;
  readonly timeoutMs: number;
  /** Empty: somebody who has not shown who they are. */
  readonly user: string;
}

export function handOnBytes({ hello, timeoutMs, ...rest }: HandOn): Uint8Array {
  return wire.HandOn.encode({ ...rest, hello: helloShape(hello), timeout_ms: timeoutMs }).finish();
}

/** @throws {KvError} `invalid-argument`, naming what is wrong. */
export function decodeHandOn(bytes: Uint8Array): HandOn {
  return decoded(bytes, (reader) => {
    const { hello, method, request, timeout_ms, user } = wire.HandOn.decode(reader);
    if (!hello) throw invalid("it has not said which region it is");
    if (user.length > NAME_BYTES_MAX) throw invalid("a name that long is no user's");
    return {
      ...{ request, user, timeoutMs: timeout_ms },
      hello: helloOf(hello),
      method: method as MethodPath,
    };
  });
}

export function handedOnBytes({ response, causalToken }: HandedOn): Uint8Array {
  return wire.HandedOn.encode({ response, causal_token: causalToken }).finish();
}

/** @throws {KvError} `invalid-argument`, of bytes that are no answer. */
export function decodeHandedOn(bytes: Uint8Array): HandedOn {
  const { response, causal_token } = decoded(bytes, (reader) => wire.HandedOn.decode(reader));
  return { response, causalToken: causal_token };
}

/** The write that `method` makes of the bytes. @throws {KvError} `invalid-argument` for any other method. */
export function handedOnRequest(method: MethodPath, bytes: Uint8Array): Request & WriteOptions {
  switch (method) {
    case "/etcdserverpb.KV/Put":
      return { kind: "put", ...decoded(bytes, readPutCall) };
    case "/etcdserverpb.KV/DeleteRange":
      return { kind: "delete-range", ...decoded(bytes, readDeleteRangeCall) };
    case "/etcdserverpb.KV/Txn":
      return { kind: "txn", ...decoded(bytes, readTxnCall) };
    default:
      throw invalid(`${method} is not handed on to another region`);
  }
}

/** The same write without its number. */
export function withoutRequestId(request: Uint8Array): Uint8Array {
  const reader = new Reader(request);
  const kept: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const from = reader.pos;
    const tag = reader.tag();
    reader.pass(tag);
    if (tag !== ((REQUEST_ID_FIELD << 3) | LENGTH_DELIMITED)) {
      kept.push(request.subarray(from, reader.pos));
    }
  }
  return Buffer.concat(kept);
}

/**
 * The home's answer under the header of this member: its revision is one that the client can use here. How far the
 * write came and what it has seen are the home's to say.
 */
export function reheaded(answer: Uint8Array, own: Header, home: string): Uint8Array | KvError {
  try {
    return decoded(answer, (reader) => {
      if (reader.tag() !== ((1 << 3) | LENGTH_DELIMITED)) throw invalid("it begins with no header");
      const { causal_token: token, regions } = reader.nested((header) =>
        etcdserverpb.ResponseHeader.decode(header, header.len - header.pos),
      );
      const body = answer.subarray(reader.pos);
      reader.pos = reader.len;
      const writer = new Writer().reserve(answer.length + 64);
      const header = {
        ...own,
        home,
        ...(token.length > 0 && { causalToken: token }),
        ...(regions && { reach: reachOf(regions) }),
      };
      writeHeader(writer, header, own.revision);
      return writer.raw(body).finish(true);
    });
  } catch (cause) {
    if (!(cause instanceof KvError)) throw cause;
    const why = "hansa: the write is done; the home's answer is malformed";
    return new KvError("internal", "applied", why, { cause });
  }
}

function reachOf(regions: hansa.v1.IRegions): RegionReach {
  const { asked, reached, sloppy, names } = regions;
  return {
    asked: asked ?? 0,
    reached: reached ?? 0,
    sloppy: sloppy ?? false,
    names: names ?? [],
  };
}

/**
 * A command of this region's log that does nothing but use up the number of a write that is handed on: who sends the
 * write again under it, to whatever member, is told that from the number. `mark` differs each time.
 */
export function numberingOf(
  request: Extract<Request, { readonly requestId?: unknown }>,
  key: Uint8Array,
  mark: Uint8Array,
): Uint8Array {
  const { requestId } = request;
  if (requestId === undefined) return NO_BYTES;
  const { session, sequence, acknowledgedBelow: acknowledged_below } = requestId;
  // What a transaction without a condition would do otherwise: never.
  return etcdserverpb.TxnRequest.encode({
    failure: [{ request_put: { key, value: mark } }],
    request_id: { session, sequence, acknowledged_below },
  }).finish();
}
