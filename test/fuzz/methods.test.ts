// Hostile bytes into the messages of every method of the wire, found by walking the table of methods: a message
// that a service gains is attacked from its first day. A value or one typed error comes out, nothing else.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KvError } from "../../base/index.ts";
import * as codecs from "../../proto/index.ts";
import { METHOD_PATHS, Writer, methodShapeOf } from "../../proto/index.ts";
import type { FieldShape, MessageShape, Reader } from "../../proto/index.ts";
import { decoded } from "../../rpc/decode.ts";

const RUNS = { numRuns: 40 };
/** Messages within messages; what is below is left out. */
const DEPTH_MAX = 3;

interface Codec {
  decode(reader: Reader): unknown;
  encode(message: object, writer?: Writer): Writer;
}

/** By the name in the .proto file, as `hansa.v1.MemberState`. */
function codecOf(name: string): Codec {
  let found: unknown = codecs;
  for (const part of name.replace(/^\./, "").split(".")) {
    found = isHolder(found) ? Reflect.get(found, part) : undefined;
  }
  if (!isCodec(found)) throw new Error(`no codec of ${name}`);
  return found;
}

function isHolder(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function isCodec(value: unknown): value is Codec {
  return typeof value === "function" && "decode" in value && "encode" in value;
}

const SHAPES = new Map<string, MessageShape>(
  METHOD_PATHS.flatMap((path) => {
    const { request, response } = methodShapeOf(path);
    return [request, response].map((shape): [string, MessageShape] => [shape.name, shape]);
  }),
);

/** Bytes of a message of this shape: its fields in every order, as often as one likes, with every value. */
function messageBytes(shape: MessageShape, depth = 0): fc.Arbitrary<Uint8Array> {
  const fields = shape.fields.filter(({ type }) => type.kind !== "message" || depth < DEPTH_MAX);
  if (fields.length === 0) return fc.constant(new Uint8Array(0));
  return fc
    .array(fc.oneof(...fields.map((field) => fieldBytes(field, depth))), { maxLength: 4 })
    .map((parts) => Uint8Array.from(Buffer.concat(parts)));
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;

function fieldBytes({ id, type }: FieldShape, depth: number): fc.Arbitrary<Uint8Array> {
  const tagged = (wireType: number, write: (writer: Writer) => Writer): Uint8Array =>
    write(new Writer().uint32(((id << 3) | wireType) >>> 0)).finish();
  switch (type.kind) {
    case "message":
      return fc
        .memo((at) => messageBytes(type.shape, depth + at))(1)
        .map((bytes) => tagged(DELIMITED, (writer) => writer.bytes(bytes)));
    case "bytes":
    case "string":
      return fc
        .uint8Array({ maxLength: 20 })
        .map((bytes) => tagged(DELIMITED, (writer) => writer.bytes(bytes)));
    case "double":
    case "fixed64":
      return fc.double().map((value) => tagged(FIXED64, (writer) => writer.double(value)));
    case "bool":
    case "enum":
    case "int32":
    case "uint32":
    case "int64":
    case "uint64":
      return fc
        .bigInt({ min: 0n, max: 2n ** 64n - 1n })
        .map((value) => tagged(VARINT, (writer) => writer.uint64(value)));
  }
}

/** Whether decoding ended in a value; throws on anything but a value or a KvError that says nothing was done. */
function accepts(codec: Codec, bytes: Uint8Array): boolean {
  try {
    decoded(bytes, (reader) => codec.decode(reader));
    return true;
  } catch (error) {
    if (error instanceof KvError && error.outcome === "not-applied") return false;
    throw error;
  }
}

/** A few bytes changed, cut out or put in. */
function mutated(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 2 }));
  return fc
    .tuple(valid, fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([bytes, changes]) => {
      const result = [...bytes];
      for (const [at, value, how] of changes) {
        const where = at % (result.length + 1);
        result.splice(where, how === 2 ? 0 : 1, ...(how === 1 ? [] : [value]));
      }
      return Uint8Array.from(result);
    });
}

test("every method of every service is walked", () => {
  expect(METHOD_PATHS.length).toBeGreaterThan(55);
  expect(SHAPES.size).toBeGreaterThan(80);
});

test("packed 64-bit numbers keep all their bits", () => {
  const values = [5, 2n ** 53n, 2n ** 62n, 2n ** 64n - 1n];
  const bytes = codecs.hansa.peer.v1.Membership.encode({ learners_next: values }).finish();
  expect(codecs.hansa.peer.v1.Membership.decode(bytes).learners_next).toEqual(values);
});

describe.each([...SHAPES])("%s", (name, shape) => {
  const codec = codecOf(name);
  const valid = messageBytes(shape);

  test("ends hostile bytes in a value or a typed error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated(valid)), (bytes) => {
        accepts(codec, bytes);
      }),
      RUNS,
    );
  });

  test("what is accepted is written and read again", () => {
    fc.assert(
      fc.property(valid, (bytes) => {
        if (!accepts(codec, bytes)) return;
        const message = decoded(bytes, (reader) => codec.decode(reader)) as object;
        const again = codec.encode(message, new Writer()).finish();
        expect(decoded(again, (reader) => codec.decode(reader))).toEqual(message);
      }),
      RUNS,
    );
  });
});
