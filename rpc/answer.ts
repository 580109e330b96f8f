// Whole KV and session answers as bytes, header first.
import { KvError, unreachable } from "../base/index.ts";
import { Writer } from "../proto/index.ts";
import type { Response } from "../store/index.ts";
import { writeAlarms } from "./alarm-codec.ts";
import type { Header, RangeAnswer } from "./backend.ts";
import { writeHeader, writeProof } from "./header.ts";
import { writeSiblings } from "./sibling-codec.ts";
import { sizeOfKeyValues, writeDeleteRange, writePut, writeRange, writeTxn } from "./kv-answer.ts";

/** Header and proof. */
export const OVERHEAD_BYTES = 128;

export function rangeAnswerBytes(header: Header, answer: RangeAnswer): Uint8Array {
  const writer = new Writer().reserve(OVERHEAD_BYTES + sizeOfKeyValues(answer.range.kvs));
  writeHeader(writer, header, header.revision);
  writeRange(writer, answer.range);
  writeProof(writer, answer.proof);
  if (answer.siblings !== undefined) writeSiblings(writer, answer.siblings);
  return writer.finish(true);
}

/** The answer to a command: its response's bytes, or the refusal as an error. */
export function commandAnswer(header: Header, response: Response): Uint8Array | KvError {
  if (response.kind !== "refused") return responseBytes(header, response);
  return new KvError(response.code, "not-applied", response.message);
}

export function responseBytes(
  header: Header,
  response: Exclude<Response, { kind: "refused" }>,
): Uint8Array {
  const writer = new Writer();
  writeHeader(writer, header, response.revision);
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
      writer.uint32(2 << 3).uint64(response.session);
      writer.uint32(3 << 3).int64(response.ttlMs);
      break;
    case "lease-grant":
      writer.uint32(2 << 3).int64(response.id);
      writer.uint32(3 << 3).int64(response.ttlMs / 1000);
      break;
    case "alarm":
      writeAlarms(writer, response.alarms);
      break;
    case "auth":
    case "federation":
    case "compaction":
    case "session-close":
    case "lease-revoke":
    case "lease-renew":
    case "lease-expire":
      break;
    default:
      unreachable(response);
  }
  return writer.finish(true);
}
