// The operation of a kind as bytes, inside a transaction (federation 9).
import { unreachable } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { originId } from "./dot.ts";
import type { CounterSeen, KindOperation } from "./kind.ts";
import { KIND_LIMITS } from "./kind-shape.ts";

const ORIGIN_MAX = 2 ** 32 - 1;
const SEEN_BYTES = 17;

const TAGS = {
  "counter add": 1,
  "counter reset": 2,
  "counter delete": 3,
  "bounded-counter add": 4,
  "bounded-counter take": 5,
  "bounded-counter transfer": 6,
  "set change": 7,
  "set delete": 8,
  "map change": 9,
  "map delete": 10,
  "register write": 11,
  "register delete": 12,
  "flag write": 13,
  "flag delete": 14,
} as const;

type Name = keyof typeof TAGS;

export function writeKindOperation(writer: ByteWriter, operation: KindOperation): void {
  writer.u8(TAGS[nameOf(operation)]);
  switch (operation.kind) {
    case "counter":
      if (operation.action === "add") writer.i64(operation.amount);
      else writeSeen(writer, operation.seen);
      return;
    case "bounded-counter":
      if (operation.action === "transfer") writer.count(operation.to);
      writer.u64(operation.amount);
      return;
    case "set":
      if (operation.action === "delete") return;
      writeKeys(writer, operation.add);
      writeKeys(writer, operation.remove);
      return;
    case "map":
      if (operation.action === "delete") return;
      writer.count(operation.put.length);
      for (const { field, value } of operation.put) {
        writer.key(field);
        writer.key(value);
      }
      writeKeys(writer, operation.remove);
      return;
    case "register":
      if (operation.action === "write") writer.bytes(operation.value);
      return;
    case "flag":
      if (operation.action === "write") writer.u8(operation.enabled ? 1 : 0);
      return;
    default:
      unreachable(operation);
  }
}

/** Fails as the reader does; kind-shape.ts judges what was read. */
export function readKindOperation(reader: ByteReader): KindOperation {
  const tag = reader.u8("the operation of a kind");
  switch (tag) {
    case TAGS["counter add"]:
      return { kind: "counter", action: "add", amount: reader.i64("an amount") };
    case TAGS["counter reset"]:
      return { kind: "counter", action: "reset", seen: readSeen(reader) };
    case TAGS["counter delete"]:
      return { kind: "counter", action: "delete", seen: readSeen(reader) };
    case TAGS["bounded-counter add"]:
      return { kind: "bounded-counter", action: "add", amount: reader.u64("an amount") };
    case TAGS["bounded-counter take"]:
      return { kind: "bounded-counter", action: "take", amount: reader.u64("an amount") };
    case TAGS["bounded-counter transfer"]: {
      const to = originId(reader.count("a receiver", 1, ORIGIN_MAX));
      const amount = reader.u64("an amount");
      return { kind: "bounded-counter", action: "transfer", to, amount };
    }
    case TAGS["set change"]: {
      const add = readKeys(reader, "elements added");
      return { kind: "set", action: "change", add, remove: readKeys(reader, "elements removed") };
    }
    case TAGS["map change"]: {
      const put = readPuts(reader);
      return { kind: "map", action: "change", put, remove: readKeys(reader, "fields removed") };
    }
    case TAGS["register write"]: {
      const value = reader.bytes("a register's value", Number.MAX_SAFE_INTEGER);
      return { kind: "register", action: "write", value };
    }
    case TAGS["flag write"]: {
      const enabled = reader.count("a flag", 0, 1) === 1;
      return { kind: "flag", action: "write", enabled };
    }
    case TAGS["set delete"]:
      return { kind: "set", action: "delete" };
    case TAGS["map delete"]:
      return { kind: "map", action: "delete" };
    case TAGS["register delete"]:
      return { kind: "register", action: "delete" };
    case TAGS["flag delete"]:
      return { kind: "flag", action: "delete" };
    default:
      throw reader.failure(`${tag} is the operation of no kind`);
  }
}

function nameOf(operation: KindOperation): Name {
  switch (operation.kind) {
    case "counter":
      return `${operation.kind} ${operation.action}`;
    case "bounded-counter":
      return `${operation.kind} ${operation.action}`;
    case "set":
    case "map":
      return operation.action === "delete"
        ? `${operation.kind} delete`
        : `${operation.kind} change`;
    case "register":
    case "flag":
      return operation.action === "delete" ? `${operation.kind} delete` : `${operation.kind} write`;
    default:
      return unreachable(operation);
  }
}

function writeSeen(writer: ByteWriter, seen: readonly CounterSeen[]): void {
  writer.count(seen.length);
  for (const { origin, plus, minus } of seen) {
    writer.count(origin);
    writer.u64(plus);
    writer.u64(minus);
  }
}

function readSeen(reader: ByteReader): readonly CounterSeen[] {
  const size = reader.length("the count of origins seen", KIND_LIMITS.itemsMax, SEEN_BYTES);
  return Array.from({ length: size }, () => {
    const origin = originId(reader.count("an origin", 1, ORIGIN_MAX));
    const plus = reader.u64("what was added");
    return { origin, plus, minus: reader.u64("what was taken away") };
  });
}

function writeKeys(writer: ByteWriter, keys: readonly Key[]): void {
  writer.count(keys.length);
  for (const key of keys) writer.key(key);
}

function readKeys(reader: ByteReader, what: string): readonly Key[] {
  const size = reader.length(`the count of ${what}`, KIND_LIMITS.itemsMax);
  return Array.from({ length: size }, () => reader.text(what));
}

function readPuts(reader: ByteReader): readonly { field: Key; value: Key }[] {
  const size = reader.length("the count of fields put", KIND_LIMITS.itemsMax, 2);
  return Array.from({ length: size }, () => {
    const field = reader.text("a field");
    return { field, value: reader.text("a field's value") };
  });
}
