// A change of the federation as the body of a log entry, and back. The leader of the region writes it; it is read where
// it is applied, and what cannot be read is refused there, the same on every member.
import { unreachable } from "../base/index.ts";
import type { Key, WallMs } from "../base/index.ts";
import { readAsked, writeAsked } from "./asked-codec.ts";
import { readBootstrapChange, writeBootstrapChange } from "./bootstrap-change-codec.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CHANGE_LIMITS } from "./change-limits.ts";
import type { FederationChange } from "./change.ts";
import { CONFIG_LIMITS } from "./config.ts";
import { originId } from "./dot.ts";
import { ORIGIN_MAX, readDots, writeDots } from "./dot-codec.ts";
import { readForeignChange, writeForeignChange } from "./foreign-change-codec.ts";
import { readMade, readMadeView, writeMade, writeMadeView } from "./made-view-codec.ts";
import { TransactionError } from "./transaction-codec.ts";
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
  show: 14,
  repair: 20,
  allocate: 30,
  bootstrap: 40,
  install: 41,
  unstage: 42,
  draw: 43,
  discard: 44,
  "rolled-back": 45,
} as const satisfies Readonly<Record<FederationChange["change"], number>>;

const WALL_MS_MAX = 2 ** 48 - 1;

/** What stood where a change was expected. */
class ChangeError extends Error {
  override readonly name = "ChangeError";
}

const NAMES: ReadonlyMap<number, FederationChange["change"]> = new Map(
  (Object.keys(CODES) as FederationChange["change"][]).map((name) => [CODES[name], name]),
);

export function encodeChange(change: FederationChange): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(CODES[change.change]);
  switch (change.change) {
    case "apply":
    case "stage":
    case "apply-staged":
    case "forked":
    case "rolled-back":
    case "repair":
      writeForeignChange(writer, change);
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
      writeKeys(writer, change.keys);
      break;
    case "resolve":
      writeResolve(writer, change);
      break;
    case "show":
      writer.key(change.key);
      writeMadeView(writer, change.view);
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
      writeStep(writer, change);
      break;
    case "mark":
      writer.count(change.epoch);
      break;
    case "bootstrap":
    case "install":
    case "unstage":
    case "draw":
    case "discard":
      writeBootstrapChange(writer, change);
      break;
    case "allocate":
      writer.count(change.count);
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
  const name = NAMES.get(code);
  switch (name) {
    case "apply":
    case "stage":
    case "apply-staged":
    case "forked":
    case "rolled-back":
    case "repair":
      return readForeignChange(reader, name);
    case "configure": {
      const wallMs = readWallMs(reader);
      const self = reader.count("this region's origin", 0, ORIGIN_MAX);
      const document = reader.bytes("a document", CONFIG_LIMITS.documentBytesMax);
      return { change: "configure", document, wallMs, ...(self > 0 && { self: originId(self) }) };
    }
    case "anchor":
      return { change: "anchor", wallMs: readWallMs(reader) };
    case "collect": {
      const epoch = reader.count("the epoch", 1);
      const cut = readVector(reader, "the cut");
      const through = readVector(reader, "what is dropped");
      return { change: "collect", epoch, cut, through, full: reader.count("full", 0, 1) === 1 };
    }
    case "settle": {
      const epoch = reader.count("the epoch", 1);
      const stable = readVector(reader, "the cut");
      return { change: "settle", epoch, stable, keys: readKeys(reader) };
    }
    case "resolve":
      return {
        change: "resolve",
        epoch: reader.count("the epoch", 1),
        stable: readVector(reader, "the cut"),
        key: readKey(reader),
        dots: readDots(reader),
        resolution: readMade(reader),
      };
    case "show":
      return { change: "show", key: readKey(reader), view: readMadeView(reader) };
    case "operate": {
      const count = reader.length("the count of operations", CHANGE_LIMITS.keysMax);
      const operations = Array.from({ length: count }, () => ({
        key: readKey(reader),
        asked: readAsked(reader),
      }));
      return { change: "operate", operations };
    }
    case "import":
      return { change: "import", ...readStep(reader) };
    case "release":
      return { change: "release", ...readStep(reader) };
    case "mark":
      return { change: "mark", epoch: reader.count("the epoch", 1) };
    case "allocate":
      return { change: "allocate", count: reader.count("the count of ids") };
    case "bootstrap":
    case "install":
    case "unstage":
    case "draw":
    case "discard":
      return readBootstrapChange(reader, name);
    case undefined:
      throw reader.failure(`change ${code} is none`);
  }
}

type Resolve = Extract<FederationChange, { readonly change: "resolve" }>;

function writeResolve(writer: ByteWriter, change: Resolve): void {
  writer.count(change.epoch);
  writeVector(writer, change.stable);
  writer.key(change.key);
  writeDots(writer, change.dots);
  writeMade(writer, change.resolution);
}

interface Step {
  readonly prefix: Key;
  readonly after?: Key;
}

function writeStep(writer: ByteWriter, { prefix, after }: Step): void {
  writer.key(prefix);
  writer.u8(after === undefined ? 0 : 1);
  if (after !== undefined) writer.key(after);
}

function readStep(reader: ByteReader): Step {
  const prefix = readKey(reader);
  const isFurther = reader.count("whether a step came before", 0, 1) === 1;
  return isFurther ? { prefix, after: readKey(reader) } : { prefix };
}

function readWallMs(reader: ByteReader): WallMs {
  return reader.count("the clock", 0, WALL_MS_MAX) as WallMs;
}

function readKey(reader: ByteReader): Key {
  return reader.key("a key", TRANSACTION_LIMITS.bytesMax);
}

function writeKeys(writer: ByteWriter, keys: readonly Key[]): void {
  writer.count(keys.length);
  for (const key of keys) writer.key(key);
}

function readKeys(reader: ByteReader): readonly Key[] {
  const count = reader.length("the count of keys", CHANGE_LIMITS.keysMax, 2);
  return Array.from({ length: count }, () => readKey(reader));
}
