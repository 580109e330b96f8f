// An operation on a key of a kind as a client's put carries it (federation 9): read where it is applied, where the
// region that receives rights is found by its name.
import { readAsked, writeAsked } from "./asked-codec.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { memberNamed } from "./config-standing.ts";
import type { FederationConfig, RegionName } from "./config.ts";
import type { AskedOperation } from "./kind-minting.ts";

type Transfer = Extract<AskedOperation, { readonly action: "transfer" }>;

export type ClientOperation =
  | Exclude<AskedOperation, { readonly action: "transfer" } | { readonly action: "delete" }>
  | (Omit<Transfer, "to"> & { readonly toRegion: RegionName });

export class ClientOperationError extends Error {
  override readonly name = "ClientOperationError";
}

const FORM = { asked: 0, transfer: 1 } as const;
const NAME_BYTES_MAX = 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeClientOperation(operation: ClientOperation): Uint8Array {
  const writer = new ByteWriter(64);
  if ("toRegion" in operation) {
    writer.u8(FORM.transfer);
    writer.bytes(encoder.encode(operation.toRegion));
    writer.u64(operation.amount);
  } else {
    writer.u8(FORM.asked);
    writeAsked(writer, operation);
  }
  return writer.written().slice();
}

/** @throws {ClientOperationError} naming what is wrong, whatever the bytes, and for a region that is no member. */
export function decodeClientOperation(bytes: Uint8Array, config: FederationConfig): AskedOperation {
  const reader = new ByteReader(bytes, (message) => new ClientOperationError(message));
  const form = reader.count("the form of an operation", 0, FORM.transfer);
  const asked = form === FORM.transfer ? readTransfer(reader, config) : readAsked(reader);
  reader.end();
  return asked;
}

function readTransfer(reader: ByteReader, config: FederationConfig): AskedOperation {
  const name: RegionName = decoder.decode(reader.bytes("a region's name", NAME_BYTES_MAX));
  const amount = reader.u64("an amount");
  const receiver = memberNamed(config, name);
  if (receiver === undefined) {
    throw new ClientOperationError(`no region is named ${JSON.stringify(name)}`);
  }
  return { kind: "bounded-counter", action: "transfer", to: receiver.origin, amount };
}
