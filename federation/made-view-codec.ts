// What a handler made, in the log and in the row of its key.
import { bytesOf, keyOf } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import type { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { CHANGE_LIMITS } from "./change-limits.ts";
import { readDots, writeDots } from "./dot-codec.ts";
import type { Made, MadeView } from "./made-view.ts";

const HASH_LENGTH_MAX = 64;
const FORM = { delete: 0, value: 1 } as const;

export function writeMade(writer: ByteWriter, made: Made): void {
  writer.u8(FORM[made.action]);
  if (made.action === "value") writer.bytes(made.value);
}

export function readMade(reader: ByteReader): Made {
  if (reader.count("what became of the siblings", 0, FORM.value) === FORM.delete) {
    return { action: "delete" };
  }
  return { action: "value", value: reader.bytes("a value", CHANGE_LIMITS.valueBytesMax) };
}

export function writeMadeView(writer: ByteWriter, { handler, dots, resolution }: MadeView): void {
  writer.bytes(bytesOf(handler as Key));
  writeDots(writer, dots);
  writeMade(writer, resolution);
}

export function readMadeView(reader: ByteReader): MadeView {
  return {
    handler: keyOf(reader.bytes("a handler's hash", HASH_LENGTH_MAX)),
    dots: readDots(reader),
    resolution: readMade(reader),
  };
}

export function encodeMadeView(view: MadeView): Uint8Array {
  const writer = new ByteWriter(128);
  writeMadeView(writer, view);
  return writer.written().slice();
}
