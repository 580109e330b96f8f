// A message's bytes into JSON as grpc-gateway writes it: names as in the .proto file and in its order, 64-bit
// integers as strings, bytes as base64, enumerations by name, and nothing that is zero.
import type { FieldShape, FieldType, MessageShape, Reader } from "../../proto/index.ts";
import { NESTING_MAX, decoded, invalid } from "../decode.ts";

interface Fields {
  readonly byId: ReadonlyMap<number, { readonly field: FieldShape; readonly at: number }>;
  readonly enumNames: ReadonlyMap<FieldShape, ReadonlyMap<number, string>>;
}

const WIRE_BYTES = 2;

const fieldsOf = new WeakMap<MessageShape, Fields>();

/** @throws {KvError} invalid-argument if the bytes are no such message. */
export function jsonOfMessage(shape: MessageShape, bytes: Uint8Array): string {
  return decoded(bytes, (reader) => readMessage(reader, shape, 0));
}

function readMessage(reader: Reader, shape: MessageShape, depth: number): string {
  if (depth > NESTING_MAX) throw invalid(`messages nest deeper than ${NESTING_MAX}`);
  const { byId, enumNames } = fieldLookup(shape);
  const values: (string[] | undefined)[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    const known = byId.get(tag >>> 3);
    if (known === undefined) {
      reader.pass(tag);
      continue;
    }
    const { field, at } = known;
    const { type } = field;
    const names = type.kind === "enum" ? enumNames.get(field) : undefined;
    if (!field.repeated) {
      const value = readValue(reader, type, names, depth);
      // The last one counts; a zero only where its being there says something.
      values[at] =
        value === undefined && field.oneof === undefined ? undefined : [value ?? zeroOf(type)];
      continue;
    }
    const list = (values[at] ??= []);
    if ((tag & 7) === WIRE_BYTES && isPackable(type)) {
      reader.nested((packed) => {
        while (packed.pos < packed.len) {
          list.push(readValue(packed, type, names, depth) ?? zeroOf(type));
        }
      });
    } else list.push(readValue(reader, type, names, depth) ?? zeroOf(type));
  }
  return objectText(shape, values);
}

function objectText(
  shape: MessageShape,
  values: readonly (readonly string[] | undefined)[],
): string {
  let text = "{";
  values.forEach((value, at) => {
    const field = shape.fields[at];
    if (value === undefined || field === undefined) return;
    text += `${text.length > 1 ? "," : ""}"${field.name}":`;
    text += field.repeated ? `[${value.join(",")}]` : (value[0] ?? "null");
  });
  return `${text}}`;
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
      return reader.nested((inner) => readMessage(inner, shape, depth + 1));
    }
    case "enum": {
      const number = reader.int32();
      const name = enumNames?.get(number);
      if (number === 0) return undefined;
      return name === undefined ? String(number) : `"${name}"`;
    }
    case "bytes": {
      const bytes = reader.bytes();
      if (bytes.length === 0) return undefined;
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      return `"${view.toString("base64")}"`;
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
  return BigInt(value) === 0n ? undefined : `"${value}"`;
}

function isPackable({ kind }: FieldType): boolean {
  return kind !== "bytes" && kind !== "string" && kind !== "message";
}

function fieldLookup(shape: MessageShape): Fields {
  const known = fieldsOf.get(shape);
  if (known !== undefined) return known;
  const byId = new Map(shape.fields.map((field, at) => [field.id, { field, at }] as const));
  const enumNames = new Map<FieldShape, ReadonlyMap<number, string>>();
  for (const field of shape.fields) {
    if (field.type.kind !== "enum") continue;
    const names = [...field.type.values].map(([name, number]) => [number, name] as const);
    enumNames.set(field, new Map(names));
  }
  const fields = { byId, enumNames };
  fieldsOf.set(shape, fields);
  return fields;
}
