// A codec that is none, for calls by @grpc/grpc-js: what is called with is bytes already.
import type { ServiceError } from "@grpc/grpc-js";
import type { KvError } from "../base/index.ts";
import { errorOf } from "./status.ts";

export function bytesIn(bytes: Buffer): Uint8Array {
  return bytes;
}

/** grpc-js copies from a Buffer. */
export function bytesOut(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The error behind a call that failed at another member. */
export function errorIn({ code, details, metadata }: ServiceError): KvError {
  return errorOf(code, details, (name) => {
    const value = metadata.get(name)[0];
    return typeof value === "string" ? value : undefined;
  });
}
