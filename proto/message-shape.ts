// What messages are made of, by protobufjs's reflection over the .proto files that the codec comes from: for
// those who read and write them in another notation than the wire's.
import protobuf from "protobufjs/light";
import { schema } from "./generated/schema.js";
import type { MethodPath } from "./methods.ts";

export type ScalarKind =
  "bytes" | "string" | "bool" | "double" | "int32" | "uint32" | "int64" | "uint64" | "fixed64";

export type FieldType =
  | { readonly kind: ScalarKind }
  | { readonly kind: "enum"; readonly name: string; readonly values: ReadonlyMap<string, number> }
  | { readonly kind: "message"; readonly shape: MessageShape };

export interface FieldShape {
  readonly id: number;
  /** As in the .proto file. */
  readonly name: string;
  /** Its other name in JSON: lowerCamelCase. */
  readonly jsonName: string;
  readonly type: FieldType;
  readonly repeated: boolean;
  /** Of the fields that name the same one at most one is set, and it is there even when it is zero. */
  readonly oneof: string | undefined;
}

/** One message; its parts may be of its own kind. */
export interface MessageShape {
  /** With its package. */
  readonly name: string;
  /** In the order of the .proto file. */
  readonly fields: readonly FieldShape[];
}

export interface MethodShape {
  readonly request: MessageShape;
  readonly response: MessageShape;
}

const SCALARS: ReadonlySet<string> = new Set<ScalarKind>([
  "bytes",
  "string",
  "bool",
  "double",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "fixed64",
]);

let loaded: protobuf.Root | undefined;
const shapes = new Map<string, MessageShape>();

/** @throws {TypeError} when a message has a field of a kind that nothing here uses, such as a map. */
export function methodShapeOf(path: MethodPath): MethodShape {
  const [service = "", name = ""] = path.slice(1).split("/");
  const method = root().lookupService(service).methods[name];
  if (method === undefined) throw new TypeError(`no method ${path}`);
  method.resolve();
  const { resolvedRequestType, resolvedResponseType } = method;
  if (resolvedRequestType === null || resolvedResponseType === null) {
    throw new TypeError(`${path} has no messages`);
  }
  return { request: shapeOf(resolvedRequestType), response: shapeOf(resolvedResponseType) };
}

/** Made when first asked for: clients never ask. */
function root(): protobuf.Root {
  if (loaded === undefined) {
    loaded = protobuf.Root.fromJSON(schema);
    loaded.resolveAll();
  }
  return loaded;
}

function shapeOf(type: protobuf.Type): MessageShape {
  const name = type.fullName.slice(1);
  const known = shapes.get(name);
  if (known !== undefined) return known;
  const fields: FieldShape[] = [];
  const shape = { name, fields };
  // Before its fields: one of them may hold another of it.
  shapes.set(name, shape);
  for (const field of type.fieldsArray) {
    fields.push({
      id: field.id,
      name: field.name,
      jsonName: jsonNameOf(field.name),
      type: typeOf(field),
      repeated: field.repeated,
      oneof: field.partOf?.name,
    });
  }
  return shape;
}

function typeOf(field: protobuf.Field): FieldType {
  field.resolve();
  const { resolvedType } = field;
  if (field.map) throw new TypeError(`${field.fullName} is a map`);
  if (resolvedType instanceof protobuf.Enum) {
    const values = new Map(Object.entries(resolvedType.values));
    return { kind: "enum", name: resolvedType.fullName.slice(1), values };
  }
  if (resolvedType instanceof protobuf.Type) {
    return { kind: "message", shape: shapeOf(resolvedType) };
  }
  if (!isScalar(field.type)) throw new TypeError(`${field.fullName} is a ${field.type}`);
  return { kind: field.type };
}

function isScalar(name: string): name is ScalarKind {
  return SCALARS.has(name);
}

/** protoc's rule. */
function jsonNameOf(name: string): string {
  return name.replace(/_(.)/g, (_, next: string) => next.toUpperCase());
}
