// The bytes of what a key of a kind holds, as a row and as Merkle trees hash it: one form, so equal states have equal
// bytes in every region.
import { unreachable } from "../base/index.ts";
import type { Hlc } from "../base/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { originId, sequence } from "./dot.ts";
import type { Dot, OriginId } from "./dot.ts";
import type {
  CounterRecord,
  KindState,
  KindWrite,
  MapState,
  RightsRecord,
  SetState,
} from "./kind.ts";

const TAGS = { counter: 1, "bounded-counter": 2, set: 3, map: 4, register: 5, flag: 6 } as const;

const ORIGIN_MAX = 2 ** 32 - 1;
const DOT_BYTES_MIN = 2;
const WRITE_BYTES_MIN = 11;
const COUNTER_BYTES_MIN = 35;
const RIGHTS_BYTES_MIN = 19;
const GIVEN_BYTES_MIN = 9;
/** The length of its name, and of the list of what stands behind it. */
const NAMED_BYTES_MIN = 2;
/** A row is within a transaction's bounds, and each thing in it takes a byte at least. */
const ITEMS_MAX = 2 ** 26;

/** What stood where a kind's state was expected. */
export class KindStateError extends Error {
  override readonly name = "KindStateError";
}

export function encodeKindState(state: KindState): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(TAGS[state.kind]);
  switch (state.kind) {
    case "counter":
      writeList(writer, state.records, writeCounterRecord);
      break;
    case "bounded-counter":
      writeList(writer, state.records, writeRightsRecord);
      break;
    case "set":
      writeList(writer, state.elements, (to, { element, dots }) => {
        to.key(element);
        writeList(to, dots, writeDot);
      });
      break;
    case "map":
      writeList(writer, state.fields, (to, { field, writes }) => {
        to.key(field);
        writeList(
          to,
          writes,
          writeWrite((value) => to.key(value)),
        );
      });
      break;
    case "register":
      writeList(
        writer,
        state.writes,
        writeWrite((value) => writer.bytes(value)),
      );
      break;
    case "flag":
      writeList(
        writer,
        state.writes,
        writeWrite((value) => writer.u8(value ? 1 : 0)),
      );
      break;
    default:
      return unreachable(state);
  }
  return writer.written().slice();
}

/** @throws {KindStateError} naming what is wrong. */
export function decodeKindState(bytes: Uint8Array): KindState {
  const reader = new ByteReader(bytes, (message) => new KindStateError(message));
  const state = readState(reader);
  reader.end();
  return state;
}

function readState(reader: ByteReader): KindState {
  const tag = reader.u8("the kind");
  switch (tag) {
    case TAGS.counter:
      return { kind: "counter", records: readList(reader, COUNTER_BYTES_MIN, readCounterRecord) };
    case TAGS["bounded-counter"]:
      return {
        kind: "bounded-counter",
        records: readList(reader, RIGHTS_BYTES_MIN, readRightsRecord),
      };
    case TAGS.set:
      return { kind: "set", elements: readList(reader, NAMED_BYTES_MIN, readElement) };
    case TAGS.map:
      return { kind: "map", fields: readList(reader, NAMED_BYTES_MIN, readField) };
    case TAGS.register:
      return {
        kind: "register",
        writes: readWrites(reader, () => reader.bytes("a value", ITEMS_MAX).slice()),
      };
    case TAGS.flag:
      return { kind: "flag", writes: readWrites(reader, () => reader.count("a flag", 0, 1) === 1) };
    default:
      throw reader.failure(`${tag} is no kind`);
  }
}

function readElement(reader: ByteReader): SetState["elements"][number] {
  const element = reader.text("an element");
  return { element, dots: readList(reader, DOT_BYTES_MIN, readDot) };
}

function readField(reader: ByteReader): MapState["fields"][number] {
  const field = reader.text("a field");
  return { field, writes: readWrites(reader, () => reader.text("a field's value")) };
}

function writeCounterRecord(writer: ByteWriter, record: CounterRecord): void {
  writer.count(record.origin);
  writer.count(record.last);
  writer.u64(record.plus);
  writer.u64(record.minus);
  writer.u64(record.basePlus);
  writer.u64(record.baseMinus);
  writer.count(record.deletedTo);
}

function readCounterRecord(reader: ByteReader): CounterRecord {
  return {
    origin: readOrigin(reader),
    last: reader.count("the last operation"),
    plus: reader.u64("what was added"),
    minus: reader.u64("what was taken away"),
    basePlus: reader.u64("the base of what was added"),
    baseMinus: reader.u64("the base of what was taken away"),
    deletedTo: reader.count("where it was deleted"),
  };
}

function writeRightsRecord(writer: ByteWriter, record: RightsRecord): void {
  writer.count(record.origin);
  writer.count(record.last);
  writer.u64(record.added);
  writer.u64(record.taken);
  writeList(writer, record.given, (to, given) => {
    to.count(given.to);
    to.u64(given.amount);
  });
}

function readRightsRecord(reader: ByteReader): RightsRecord {
  return {
    origin: readOrigin(reader),
    last: reader.count("the last operation", 1),
    added: reader.u64("what was added"),
    taken: reader.u64("what was taken"),
    given: readList(reader, GIVEN_BYTES_MIN, () => {
      const to = readOrigin(reader);
      return { to, amount: reader.u64("what was given") };
    }),
  };
}

function writeWrite<Value>(
  writeValue: (value: Value) => void,
): (writer: ByteWriter, write: KindWrite<Value>) => void {
  return (writer, { dot, hlc, value }) => {
    writeDot(writer, dot);
    writer.u64(hlc);
    writeValue(value);
  };
}

function readWrites<Value>(
  reader: ByteReader,
  readValue: () => Value,
): readonly KindWrite<Value>[] {
  return readList(reader, WRITE_BYTES_MIN, () => {
    const dot = readDot(reader);
    const hlc = reader.u64("a stamp") as Hlc;
    return { dot, hlc, value: readValue() };
  });
}

function writeDot(writer: ByteWriter, { origin, sequence: at }: Dot): void {
  writer.count(origin);
  writer.count(at);
}

function readDot(reader: ByteReader): Dot {
  const origin = readOrigin(reader);
  return { origin, sequence: sequence(reader.count("a dot's sequence", 1)) };
}

function readOrigin(reader: ByteReader): OriginId {
  return originId(reader.count("an origin", 1, ORIGIN_MAX));
}

function writeList<Item>(
  writer: ByteWriter,
  items: readonly Item[],
  write: (writer: ByteWriter, item: Item) => void,
): void {
  writer.count(items.length);
  for (const item of items) write(writer, item);
}

function readList<Item>(
  reader: ByteReader,
  bytesEach: number,
  read: (reader: ByteReader) => Item,
): readonly Item[] {
  const length = reader.length("a count", ITEMS_MAX, bytesEach);
  return Array.from({ length }, () => read(reader));
}
