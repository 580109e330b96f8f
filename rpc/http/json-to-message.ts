// JSON into a message's bytes, by proto3's mapping as grpc-gateway reads it: names as in the .proto file or in
// lowerCamelCase, unknown ones passed over, null as absent. What cannot be meant is refused with its place.
import { Writer } from "../../proto/index.ts";
import type { FieldShape, FieldType, Int64, MessageShape, ScalarKind } from "../../proto/index.ts";
import { invalid } from "../decode.ts";
import { JsonNumber, shown } from "./json-text.ts";
import type { Json, JsonObject } from "./json-text.ts";

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;

interface Bounds {
  readonly min: bigint;
  readonly max: bigint;
}

const INTEGERS: Readonly<Partial<Record<ScalarKind, Bounds>>> = {
  int32: { min: -(2n ** 31n), max: 2n ** 31n - 1n },
  uint32: { min: 0n, max: 2n ** 32n - 1n },
  int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  uint64: { min: 0n, max: 2n ** 64n - 1n },
  fixed64: { min: 0n, max: 2n ** 64n - 1n },
};
const DIGITS = /^-?\d{1,20}$/;
/** 1e2 and 7.0 are whole too. */
const DECIMAL = /^-?\d{1,17}(?:\.\d{1,17})?(?:[eE][+-]?\d{1,2})?$/;
const NOT_FINITE: ReadonlySet<string> = new Set(["NaN", "Infinity", "-Infinity"]);
const BASE64 = /^[A-Za-z0-9+/]*$/;

const namesOf = new WeakMap<MessageShape, ReadonlyMap<string, FieldShape>>();

/**
 * The bytes of the message that `json` says; null is one without fields.
 *
 * @throws {KvError} invalid-argument, naming the field and what was expected.
 */
export function messageOfJson(shape: MessageShape, json: Json): Uint8Array {
  const writer = new Writer();
  if (json !== null) writeMessage(writer, shape, json, "the request");
  return writer.finish();
}

function writeMessage(writer: Writer, shape: MessageShape, json: Json, path: string): void {
  if (!(json instanceof Map)) throw expected(path, "an object", json);
  const given = new Map<string, string>();
  const names = fieldNames(shape);
  for (const [name, value] of json as JsonObject) {
    const field = names.get(name);
    if (field === undefined || value === null) continue;
    const place = path === "the request" ? name : `${path}.${name}`;
    // A oneof is one field in this: two that are set contradict each other.
    const slot = field.oneof ?? field.name;
    const before = given.get(slot);
    if (before !== undefined) throw invalid(`JSON: ${place} is given beside ${before}`);
    given.set(slot, name);
    writeField(writer, field, value, place);
  }
}

function fieldNames(shape: MessageShape): ReadonlyMap<string, FieldShape> {
  const known = namesOf.get(shape);
  if (known !== undefined) return known;
  const names = new Map<string, FieldShape>();
  for (const field of shape.fields) names.set(field.jsonName, field);
  for (const field of shape.fields) names.set(field.name, field);
  namesOf.set(shape, names);
  return names;
}

function writeField(writer: Writer, field: FieldShape, value: Json, place: string): void {
  if (!field.repeated) {
    writeValue(writer, field.id, field.type, value, place);
    return;
  }
  if (!Array.isArray(value)) throw expected(place, "an array", value);
  (value as readonly Json[]).forEach((element, at) => {
    writeValue(writer, field.id, field.type, element, `${place}[${at}]`);
  });
}

function writeValue(writer: Writer, id: number, type: FieldType, value: Json, place: string): void {
  switch (type.kind) {
    case "message":
      writer.uint32((id << 3) | WIRE_BYTES).fork();
      writeMessage(writer, type.shape, value, place);
      writer.ldelim();
      break;
    case "enum":
      writer.uint32((id << 3) | WIRE_VARINT).int32(enumNumber(type, value, place));
      break;
    case "bytes":
      writer.uint32((id << 3) | WIRE_BYTES).bytes(bytesOf(value, place));
      break;
    case "string":
      // By Buffer, which makes a lone surrogate U+FFFD: what is not UTF-8 must not get further.
      writer.uint32((id << 3) | WIRE_BYTES).bytes(Buffer.from(textOf(value, place)));
      break;
    case "bool":
      if (typeof value !== "boolean") throw expected(place, "true or false", value);
      writer.uint32((id << 3) | WIRE_VARINT).bool(value);
      break;
    case "double":
      writer.uint32((id << 3) | WIRE_FIXED64).double(doubleOf(value, place));
      break;
    case "fixed64":
      writer.uint32((id << 3) | WIRE_FIXED64).fixed64(integerOf(value, type.kind, place));
      break;
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
      writer.uint32((id << 3) | WIRE_VARINT).int64(integerOf(value, type.kind, place));
      break;
  }
}

function enumNumber(
  type: Extract<FieldType, { readonly kind: "enum" }>,
  value: Json,
  place: string,
): number {
  if (value instanceof JsonNumber) return Number(integerOf(value, "int32", place));
  const number = typeof value === "string" ? type.values.get(value) : undefined;
  if (number === undefined) {
    throw expected(place, `a number or one of ${[...type.values.keys()].join(", ")}`, value);
  }
  return number;
}

function textOf(value: Json, place: string): string {
  if (typeof value !== "string") throw expected(place, "a string", value);
  return value;
}

/** Base64 of either alphabet, padded or not, in one line or several. */
function bytesOf(value: Json, place: string): Uint8Array {
  const text = typeof value === "string" ? value : undefined;
  if (text === undefined) throw expected(place, "a string of base64", value);
  const lines = /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]/g, "") : text;
  const standard = /[-_]/.test(lines) ? lines.replaceAll("-", "+").replaceAll("_", "/") : lines;
  const digits = standard.replace(/={1,2}$/, "");
  const isWhole = digits.length % 4 !== 1;
  const isPadded = digits.length === standard.length || standard.length % 4 === 0;
  if (!isWhole || !isPadded || !BASE64.test(digits)) throw expected(place, "base64", value);
  return Buffer.from(digits, "base64");
}

function doubleOf(value: Json, place: string): number {
  if (value instanceof JsonNumber) return Number(value.text);
  if (typeof value === "string" && NOT_FINITE.has(value)) return Number(value);
  throw expected(place, "a number", value);
}

/** A number, or its digits as a string. */
function integerOf(value: Json, kind: ScalarKind, place: string): Int64 {
  const bounds = INTEGERS[kind];
  const text = value instanceof JsonNumber ? value.text : value;
  const exact = typeof text === "string" ? wholeOf(text) : undefined;
  if (bounds === undefined || exact === undefined || exact < bounds.min || exact > bounds.max) {
    throw expected(place, `a whole number of ${kind}`, value);
  }
  return exact;
}

function wholeOf(text: string): bigint | undefined {
  if (DIGITS.test(text)) return BigInt(text);
  if (!DECIMAL.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? BigInt(number) : undefined;
}

function expected(place: string, what: string, value: Json): Error {
  return invalid(`JSON: ${place} is ${named(value)}; expected ${what}`);
}

function named(value: Json): string {
  if (value === null) return "null";
  if (value instanceof JsonNumber) return shown(value.text).slice(1, -1);
  if (typeof value === "string") return shown(value);
  if (typeof value === "boolean") return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}
