// A message's bytes into JSON as grpc-gateway writes it: names as in the .proto file and in its order, 64-bit
// integers as strings, bytes as base64, enumerations by name, and nothing that is zero.
import type { FieldShape, FieldType, MessageShape, Reader } from "../../proto/index.ts";
import { NESTING_MAX, decoded, invalid } from "../decode.ts";

/** A field with what is looked up for each of its values. */
export interface KnownField {
  readonly field: FieldShape;
  /** Its place in the .proto file. */
  readonly at: number;
  /** Its name as it stands before the value. */
  readonly head: string;
  /** Of an enumeration. */
  readonly names: ReadonlyMap<number, string> | undefined;
}

const WIRE_BYTES = 2;

const fieldsOf = new WeakMap<MessageShape, ReadonlyMap<number, KnownField>>();

/** @throws {KvError} invalid-argument if the bytes are no such message. */
export function jsonOfMessage(shape: MessageShape, bytes: Uint8Array): string {
  return decoded(bytes, (reader) => messageText(reader, shape, 0));
}

/** The message from where the reader stands to its end. */
function messageText(reader: Reader, shape: MessageShape, depth: number): string {
  checkDepth(depth);
  const byId = fieldsById(shape);
  const values: (string | undefined)[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    const known = byId.get(tag >>> 3);
    if (known === undefined) {
      reader.pass(tag);
      continue;
    }
    const { at, field } = known;
    if (!field.repeated) {
      // The last one counts.
      values[at] = valueText(reader, known, depth);
      continue;
    }
    const more = elementsText(reader, known, tag, depth);
    const before = values[at];
    values[at] = before === undefined || more === "" ? (before ?? more) : `${before},${more}`;
  }
  return objectText(byId, values);
}

export function checkDepth(depth: number): void {
  if (depth > NESTING_MAX) throw invalid(`messages nest deeper than ${NESTING_MAX}`);
}

function objectText(
  byId: ReadonlyMap<number, KnownField>,
  values: readonly (string | undefined)[],
): string {
  let text = "{";
  for (const { at, field, head } of byId.values()) {
    const value = values[at];
    if (value === undefined) continue;
    if (text.length > 1) text += ",";
    text += field.repeated ? `${head}[${value}]` : head + value;
  }
  return `${text}}`;
}

/** Of a field that is not repeated. Undefined: a zero, where its being there says nothing. */
export function valueText(reader: Reader, known: KnownField, depth: number): string | undefined {
  const { field, names } = known;
  const value = readValue(reader, field.type, names, depth);
  return value === undefined && field.oneof !== undefined ? zeroOf(field.type) : value;
}

/** What one tag brings of a repeated field: an element, or several that are packed. */
export function elementsText(
  reader: Reader,
  { field, names }: KnownField,
  tag: number,
  depth: number,
): string {
  const { type } = field;
  const element = (from: Reader): string => readValue(from, type, names, depth) ?? zeroOf(type);
  if ((tag & 7) !== WIRE_BYTES || !isPackable(type)) return element(reader);
  return reader.nested((packed) => {
    const elements: string[] = [];
    while (packed.pos < packed.len) elements.push(element(packed));
    return elements.join(",");
  });
}

/** Undefined: it is zero. */
function readValue(
  reader: Reader,
  type: FieldType,
  enumNames: ReadonlyMap<number, string> | undefined,
  depth: number,
): string | undefined {
  switch (type.kind) {
    case "message": {
      const { shape } = type;
      return reader.nested((inner) => messageText(inner, shape, depth + 1));
    }
    case "enum": {
      const number = reader.int32();
      const name = enumNames?.get(number);
      if (number === 0) return undefined;
      return name === undefined ? String(number) : `"${name}"`;
    }
    case "bytes": {
      const text = reader.base64();
      return text === "" ? undefined : `"${text}"`;
    }
    case "string": {
      const text = reader.string();
      return text === "" ? undefined : JSON.stringify(text);
    }
    case "bool":
      return reader.bool() ? "true" : undefined;
    case "double": {
      const number = reader.double();
      if (number === 0) return undefined;
      return Number.isFinite(number) ? String(number) : `"${number}"`;
    }
    case "int32":
      return nonZero(reader.int32());
    case "uint32":
      return nonZero(reader.uint32());
    case "int64":
      return quoted(reader.int64());
    case "uint64":
      return quoted(reader.uint64());
    case "fixed64":
      return quoted(reader.fixed64());
  }
}

function zeroOf(type: FieldType): string {
  switch (type.kind) {
    case "message":
      return "{}";
    case "bytes":
    case "string":
      return '""';
    case "bool":
      return "false";
    case "enum": {
      const zero = [...type.values].find(([, number]) => number === 0);
      return zero === undefined ? "0" : `"${zero[0]}"`;
    }
    case "double":
    case "int32":
    case "uint32":
      return "0";
    case "int64":
    case "uint64":
    case "fixed64":
      return '"0"';
  }
}

function nonZero(number: number): string | undefined {
  return number === 0 ? undefined : String(number);
}

function quoted(value: number | bigint): string | undefined {
  return value === 0 || value === 0n ? undefined : `"${value}"`;
}

function isPackable({ kind }: FieldType): boolean {
  return kind !== "bytes" && kind !== "string" && kind !== "message";
}

/** In the order of the .proto file. */
export function fieldsById(shape: MessageShape): ReadonlyMap<number, KnownField> {
  const known = fieldsOf.get(shape);
  if (known !== undefined) return known;
  const fields = new Map(
    shape.fields.map((field, at) => {
      const head = `"${field.name}":`;
      return [field.id, { field, at, head, names: enumNames(field.type) }] as const;
    }),
  );
  fieldsOf.set(shape, fields);
  return fields;
}

function enumNames(type: FieldType): ReadonlyMap<number, string> | undefined {
  if (type.kind !== "enum") return undefined;
  return new Map([...type.values].map(([name, number]) => [number, name] as const));
}
