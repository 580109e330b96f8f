// A change of the federation as the body of a log entry, and back. The leader of the region writes it; it is read where
// it is applied, and what cannot be read is refused there, the same on every member.
import { unreachable } from "../base/index.ts";
import type { Key, WallMs } from "../base/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { readChunk, writeChunk } from "./chunk-codec.ts";
import { CHANGE_LIMITS } from "./change.ts";
import type { FederationChange } from "./change.ts";
import { CONFIG_LIMITS } from "./config.ts";
import { originId, sequence } from "./dot.ts";
import type { Dot, OriginId } from "./dot.ts";
import { readKindOperation, writeKindOperation } from "./kind-codec.ts";
import type { KindOperation } from "./kind.ts";
import type { AskedOperation } from "./kind-minting.ts";
import { TransactionError, decodeTransaction } from "./transaction-codec.ts";
import { TRANSACTION_LIMITS } from "./transaction-rules.ts";
import { readVector, writeVector } from "./vector-codec.ts";

/** Codes in the log: never reused, only added to. */
const CODES = {
  apply: 1,
  configure: 2,
  anchor: 3,
  collect: 4,
  settle: 5,
  resolve: 6,
  operate: 7,
  import: 8,
  release: 9,
  mark: 10,
  forked: 11,
  stage: 12,
  "apply-staged": 13,
} as const satisfies Readonly<Record<FederationChange["change"], number>>;

const ORIGIN_MAX = 2 ** 32 - 1;
const WALL_MS_MAX = 2 ** 48 - 1;
const DOT_BYTES_MIN = 2;
/** Of an operation on a key of a kind: as it is shipped, or the delete that such a key never has. */
const ASKED = { operation: 0, neverDeleted: 1 } as const;

/** What stood where a change was expected. */
class ChangeError extends Error {
  override readonly name = "ChangeError";
}

/** The transactions of an `apply` as the bytes that they were shipped in. */
export function encodeChange(change: FederationChange): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(CODES[change.change]);
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
    case "configure":
      writer.count(change.wallMs);
      writer.count(change.self ?? 0);
      writer.bytes(change.document);
      break;
    case "anchor":
      writer.count(change.wallMs);
      break;
    case "collect":
      writer.count(change.epoch);
      writeVector(writer, change.cut);
      writeVector(writer, change.through);
      writer.u8(change.full ? 1 : 0);
      break;
    case "settle":
      writer.count(change.epoch);
      writeVector(writer, change.stable);
      writer.count(change.keys.length);
      for (const key of change.keys) writer.key(key);
      break;
    case "resolve":
      writer.key(change.key);
      writeDots(writer, change.dots);
      writer.u8(change.resolution.action === "value" ? 1 : 0);
      if (change.resolution.action === "value") writer.bytes(change.resolution.value);
      break;
    case "operate":
      writer.count(change.operations.length);
      for (const { key, asked } of change.operations) {
        writer.key(key);
        writeAsked(writer, asked);
      }
      break;
    case "import":
    case "release":
      writer.key(change.prefix);
      writer.u8(change.after === undefined ? 0 : 1);
      if (change.after !== undefined) writer.key(change.after);
      break;
    case "mark":
      writer.count(change.epoch);
      break;
    case "forked":
      writer.count(change.origin);
      break;
    default:
      unreachable(change);
  }
  return writer.written().slice();
}

/** Views into `body`. @throws {ChangeError | TransactionError} naming what is wrong, whatever the bytes. */
export function decodeChange(body: Uint8Array): FederationChange {
  const reader = new ByteReader(body, (message) => new ChangeError(message));
  const change = readChange(reader);
  reader.end();
  return change;
}

/** Whether it is what `decodeChange` throws of bytes that are no change. */
export function isChangeFlaw(error: unknown): error is ChangeError | TransactionError {
  return error instanceof ChangeError || error instanceof TransactionError;
}

function readChange(reader: ByteReader): FederationChange {
  const code = reader.u8("the change");
  switch (code) {
    case CODES.apply: {
      const count = reader.length("the count of transactions", CHANGE_LIMITS.transactionsMax);
      const transactions = Array.from({ length: count }, () =>
        decodeTransaction(reader.bytes("a transaction", TRANSACTION_LIMITS.bytesMax)),
      );
      return { change: "apply", transactions };
    }
    case CODES.configure: {
      const wallMs = readWallMs(reader);
      const self = reader.count("this region's origin", 0, ORIGIN_MAX);
      const document = reader.bytes("a document", CONFIG_LIMITS.documentBytesMax);
      return { change: "configure", document, wallMs, ...(self > 0 && { self: originId(self) }) };
    }
    case CODES.stage:
      return { change: "stage", chunk: readChunk(reader) };
    case CODES["apply-staged"]: {
      const [dot, ...others] = readDots(reader);
      if (dot === undefined || others.length > 0) throw reader.failure("not one dot");
      return { change: "apply-staged", dot };
    }
    case CODES.anchor:
      return { change: "anchor", wallMs: readWallMs(reader) };
    case CODES.collect: {
      const epoch = reader.count("the epoch", 1);
      const cut = readVector(reader, "the cut");
      const through = readVector(reader, "what is dropped");
      return { change: "collect", epoch, cut, through, full: reader.count("full", 0, 1) === 1 };
    }
    case CODES.settle: {
      const epoch = reader.count("the epoch", 1);
      const stable = readVector(reader, "the cut");
      return { change: "settle", epoch, stable, keys: readKeys(reader) };
    }
    case CODES.resolve:
      return readResolve(reader);
    case CODES.operate: {
      const count = reader.length("the count of operations", CHANGE_LIMITS.keysMax);
      const operations = Array.from({ length: count }, () => ({
        key: readKey(reader),
        asked: readAsked(reader),
      }));
      return { change: "operate", operations };
    }
    case CODES.import:
      return { change: "import", ...readStep(reader) };
    case CODES.release:
      return { change: "release", ...readStep(reader) };
    case CODES.mark:
      return { change: "mark", epoch: reader.count("the epoch", 1) };
    case CODES.forked:
      return { change: "forked", origin: readOrigin(reader) };
    default:
      throw reader.failure(`change ${code} is none`);
  }
}

function readStep(reader: ByteReader): { readonly prefix: Key; readonly after?: Key } {
  const prefix = readKey(reader);
  const isFurther = reader.count("whether a step came before", 0, 1) === 1;
  return isFurther ? { prefix, after: readKey(reader) } : { prefix };
}

function readResolve(reader: ByteReader): FederationChange {
  const key = readKey(reader);
  const dots = readDots(reader);
  const isValue = reader.count("what became of the siblings", 0, 1) === 1;
  if (!isValue) return { change: "resolve", key, dots, resolution: { action: "delete" } };
  const value = reader.bytes("a value", CHANGE_LIMITS.valueBytesMax);
  return { change: "resolve", key, dots, resolution: { action: "value", value } };
}

function writeAsked(writer: ByteWriter, asked: AskedOperation): void {
  const operation = loggedForm(asked);
  writer.u8(operation === undefined ? ASKED.neverDeleted : ASKED.operation);
  if (operation !== undefined) writeKindOperation(writer, operation);
}

/** Undefined: the delete of a bounded counter. What a counter's reset has seen is found where it is applied. */
function loggedForm(asked: AskedOperation): KindOperation | undefined {
  const { kind, action } = asked;
  if (action === "reset") return { kind, action, seen: [] };
  if (action !== "delete") return asked;
  if (kind === "counter") return { kind, action, seen: [] };
  return kind === "bounded-counter" ? undefined : { kind, action };
}

function readAsked(reader: ByteReader): AskedOperation {
  const form = reader.count("the form of an operation", 0, ASKED.neverDeleted);
  if (form === ASKED.neverDeleted) return { kind: "bounded-counter", action: "delete" };
  const operation = readKindOperation(reader);
  if (operation.kind === "counter" && operation.action !== "add") {
    return { kind: "counter", action: operation.action };
  }
  return operation;
}

function readWallMs(reader: ByteReader): WallMs {
  return reader.count("the clock", 0, WALL_MS_MAX) as WallMs;
}

function readOrigin(reader: ByteReader): OriginId {
  return originId(reader.count("an origin", 1, ORIGIN_MAX));
}

function readKey(reader: ByteReader): Key {
  return reader.key("a key", TRANSACTION_LIMITS.bytesMax);
}

function readKeys(reader: ByteReader): readonly Key[] {
  const count = reader.length("the count of keys", CHANGE_LIMITS.keysMax, 2);
  return Array.from({ length: count }, () => readKey(reader));
}

export function writeDots(writer: ByteWriter, dots: readonly Dot[]): void {
  writer.count(dots.length);
  for (const { origin, sequence: at } of dots) {
    writer.count(origin);
    writer.count(at);
  }
}

export function readDots(reader: ByteReader): readonly Dot[] {
  const count = reader.length("the count of dots", CHANGE_LIMITS.dotsMax, DOT_BYTES_MIN);
  return Array.from({ length: count }, () => {
    const origin = readOrigin(reader);
    return { origin, sequence: sequence(reader.count("a dot's sequence", 1)) };
  });
}
