// What a client asks of a key of a kind, as bytes in the region's log (federation 9): what a reset has seen is found where
// it is applied.
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { readKindOperation, writeKindOperation } from "./kind-codec.ts";
import type { KindOperation } from "./kind.ts";
import type { AskedOperation } from "./kind-minting.ts";

/** As it is shipped, or the delete that a bounded counter never has. */
const ASKED = { operation: 0, neverDeleted: 1 } as const;

export function writeAsked(writer: ByteWriter, asked: AskedOperation): void {
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

export function readAsked(reader: ByteReader): AskedOperation {
  const form = reader.count("the form of an operation", 0, ASKED.neverDeleted);
  if (form === ASKED.neverDeleted) return { kind: "bounded-counter", action: "delete" };
  const operation = readKindOperation(reader);
  if (operation.kind === "counter" && operation.action !== "add") {
    return { kind: "counter", action: operation.action };
  }
  return operation;
}
