// Changes that bring what other regions minted or keep, as bytes in the log: transactions, whole or in chunks, copies for
// repairs, and the word of a fork.
import { unreachable } from "../base/index.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { CHANGE_LIMITS } from "./change-limits.ts";
import type { FederationChange } from "./change.ts";
import { readChunk, writeChunk } from "./chunk-codec.ts";
import { readDots, readOrigin, writeDots } from "./dot-codec.ts";
import { decodeContent, encodeContent } from "./record-codec.ts";
import { decodeTransaction } from "./transaction-codec.ts";
import { TRANSACTION_LIMITS } from "./transaction-rules.ts";
import { readVector, writeVector } from "./vector-codec.ts";

export type ForeignChange = Extract<
  FederationChange,
  { readonly change: "apply" | "stage" | "apply-staged" | "forked" | "rolled-back" | "repair" }
>;

/** The transactions of an `apply` as the bytes that they were shipped in. */
export function writeForeignChange(writer: ByteWriter, change: ForeignChange): void {
  switch (change.change) {
    case "apply":
      writer.count(change.transactions.length);
      for (const { bytes } of change.transactions) writer.bytes(bytes);
      break;
    case "stage":
      writeChunk(writer, change.chunk);
      break;
    case "apply-staged":
      writeDots(writer, [change.dot]);
      break;
    case "forked":
      writer.count(change.origin);
      break;
    case "rolled-back":
      writer.count(change.origin);
      writer.count(change.sequence);
      break;
    case "repair":
      writer.key(change.key);
      writer.count(change.from);
      writeVector(writer, change.copy.applied);
      writer.bytes(encodeContent(change.copy.content));
      break;
    default:
      unreachable(change);
  }
}

/** Fails as the reader does, or with a TransactionError. */
export function readForeignChange(
  reader: ByteReader,
  name: ForeignChange["change"],
): ForeignChange {
  switch (name) {
    case "apply": {
      const count = reader.length("the count of transactions", CHANGE_LIMITS.transactionsMax);
      const transactions = Array.from({ length: count }, () =>
        decodeTransaction(reader.bytes("a transaction", TRANSACTION_LIMITS.bytesMax)),
      );
      return { change: "apply", transactions };
    }
    case "stage":
      return { change: "stage", chunk: readChunk(reader) };
    case "apply-staged": {
      const [dot, ...others] = readDots(reader);
      if (dot === undefined || others.length > 0) throw reader.failure("not one dot");
      return { change: "apply-staged", dot };
    }
    case "forked":
      return { change: "forked", origin: readOrigin(reader) };
    case "rolled-back":
      return {
        change: "rolled-back",
        origin: readOrigin(reader),
        sequence: reader.count("how many another region has"),
      };
    case "repair":
      return readRepair(reader);
    default:
      return unreachable(name);
  }
}

function readRepair(reader: ByteReader): ForeignChange {
  const key = reader.key("a key", TRANSACTION_LIMITS.bytesMax);
  const from = readOrigin(reader);
  const applied = readVector(reader, "what the copy has seen");
  const bytes = reader.bytes("a copy", TRANSACTION_LIMITS.bytesMax);
  const content = decodeContent(bytes, (message) => reader.failure(`a copy: ${message}`));
  return { change: "repair", key, from, copy: { applied, content } };
}
