// The store's RequestCodec: logged request bytes to typed requests, and remembered answers to bytes and
// back. One value of it serves every replica: it has no state.
import { KvError } from "../base/index.ts";
import type { KvErrorCode, Revision, SessionId } from "../base/index.ts";
import {
  Writer,
  bigintOf,
  clampedNumberOf,
  exactNumberOf,
  isWireErrorCode,
} from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import type { KeptResponse, Request, RequestCodec, RequestKind } from "../store/index.ts";
import { readAlarm } from "./alarm-codec.ts";
import { readAuthChange } from "./auth-change-codec.ts";
import { decoded, invalid } from "./decode.ts";
import {
  readDeleteRangeAnswer,
  readPutAnswer,
  readTxnAnswer,
  writeDeleteRange,
  writePut,
  writeTxn,
} from "./kv-answer.ts";
import { readCompaction, readDeleteRangeCall, readPutCall } from "./kv-request.ts";
import { readLeaseGrant, readLeaseId, readLeaseIds } from "./lease-codec.ts";
import { readTxnCall } from "./txn-request.ts";

export const storeCodec: RequestCodec = { decodeRequest, encodeResponse, decodeResponse };

/** @throws {KvError} if the bytes are no such request. */
function decodeRequest(kind: RequestKind, body: Uint8Array): Request {
  switch (kind) {
    case "put":
      return { kind, ...decoded(body, readPutCall) };
    case "delete-range":
      return { kind, ...decoded(body, readDeleteRangeCall) };
    case "txn":
      return { kind, ...decoded(body, readTxnCall) };
    case "compaction":
      return { kind, compaction: decoded(body, readCompaction) };
    case "session-open":
      return { kind, ttlMs: decoded(body, readSessionOpen) };
    case "session-close":
      return { kind, session: decoded(body, readSessionClose) };
    case "lease-grant": {
      const { id, ttlS } = decoded(body, readLeaseGrant);
      if (id === 0n || ttlS <= 0) throw invalid("a lease is logged with an id and a time to live");
      return { kind, id, ttlMs: ttlS * 1000 };
    }
    case "lease-revoke":
      return { kind, id: decoded(body, readLeaseId) };
    case "lease-renew":
      return { kind, ids: decoded(body, readLeaseIds) };
    case "lease-expire":
      return { kind };
    case "alarm":
    case "alarm-finding": {
      const { action, member, alarm } = decoded(body, readAlarm);
      if (action === "get") throw invalid("a question about alarms is not logged");
      return { kind, action, member, alarm };
    }
    case "federation":
      return { kind, body };
    case "auth":
      return { kind, change: decoded(body, readAuthChange) };
  }
}

function readSessionOpen(reader: Reader): number {
  let ttlMs = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) ttlMs = clampedNumberOf(reader.int64());
    else reader.pass(tag);
  }
  if (ttlMs < 0) throw new KvError("invalid-argument", "not-applied", "hansa: ttl_ms is negative");
  return ttlMs;
}

function readSessionClose(reader: Reader): SessionId {
  let session = 0n;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) session = bigintOf(reader.uint64());
    else reader.pass(tag);
  }
  return session as SessionId;
}

/** Field numbers of StoredResponse.response. */
const FIELDS: Readonly<Record<KeptResponse["kind"], number>> = {
  put: 2,
  "delete-range": 3,
  txn: 4,
  compaction: 5,
  "session-open": 6,
  "session-close": 7,
  refused: 8,
};

function encodeResponse(response: KeptResponse): Uint8Array {
  const writer = new Writer();
  writer.uint32(1 << 3).int64(response.revision);
  writer.uint32((FIELDS[response.kind] << 3) | 2).fork();
  switch (response.kind) {
    case "put":
      writePut(writer, response.put);
      break;
    case "delete-range":
      writeDeleteRange(writer, response.deleteRange);
      break;
    case "txn":
      writeTxn(writer, response.txn, response.revision);
      break;
    case "session-open":
      writer.uint32(1 << 3).uint64(response.session);
      writer.uint32(2 << 3).int64(response.ttlMs);
      break;
    case "refused":
      writer.uint32((1 << 3) | 2).string(response.code);
      writer.uint32((2 << 3) | 2).string(response.message);
      break;
    case "compaction":
    case "session-close":
      break;
  }
  writer.ldelim();
  return plain(writer.finish());
}

/** Without Buffer's own idea of `slice`, for code that knows byte arrays only. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** @throws {KvError} if `encodeResponse` did not make the bytes. */
function decodeResponse(bytes: Uint8Array): KeptResponse {
  return decoded(bytes, readStored);
}

function readStored(reader: Reader): KeptResponse {
  let revision = 0 as Revision;
  let body: StoredBody | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    const read = tag === 1 << 3 ? undefined : BODIES.get(tag);
    if (tag === 1 << 3) revision = exactNumberOf(reader.int64(), "revision") as Revision;
    else if (read !== undefined) body = reader.nested(read);
    else reader.pass(tag);
  }
  if (body === undefined) throw new RangeError("a stored response is empty");
  return { ...body, revision };
}

type Unversioned<R> = R extends KeptResponse ? Omit<R, "revision"> : never;
type StoredBody = Unversioned<KeptResponse>;

const BODIES: ReadonlyMap<number, (reader: Reader) => StoredBody> = new Map<
  number,
  (reader: Reader) => StoredBody
>([
  [tagOf("put"), (reader) => ({ kind: "put", put: readPutAnswer(reader) })],
  [
    tagOf("delete-range"),
    (reader) => ({ kind: "delete-range", deleteRange: readDeleteRangeAnswer(reader) }),
  ],
  [tagOf("txn"), (reader) => ({ kind: "txn", txn: readTxnAnswer(reader) })],
  [tagOf("compaction"), (reader) => empty(reader, "compaction")],
  [tagOf("session-open"), readStoredSession],
  [tagOf("session-close"), (reader) => empty(reader, "session-close")],
  [tagOf("refused"), readStoredRefusal],
]);

function tagOf(kind: KeptResponse["kind"]): number {
  return (FIELDS[kind] << 3) | 2;
}

function empty(reader: Reader, kind: "compaction" | "session-close"): StoredBody {
  while (reader.pos < reader.len) reader.pass(reader.tag());
  return { kind };
}

function readStoredSession(reader: Reader): StoredBody {
  let session = 0n as SessionId;
  let ttlMs = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) session = bigintOf(reader.uint64()) as SessionId;
    else if (tag === 2 << 3) ttlMs = exactNumberOf(reader.int64(), "ttl_ms");
    else reader.pass(tag);
  }
  return { kind: "session-open", session, ttlMs };
}

function readStoredRefusal(reader: Reader): StoredBody {
  let code = "";
  let message = "";
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | 2)) code = reader.string();
    else if (tag === ((2 << 3) | 2)) message = reader.string();
    else reader.pass(tag);
  }
  if (!isWireErrorCode(code)) throw new RangeError(`stored refusal ${code} is unknown`);
  return { kind: "refused", code: code satisfies KvErrorCode, message };
}
