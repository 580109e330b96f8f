// A codec that is none, for calls by @grpc/grpc-js: what is called with is bytes already.

export function bytesIn(bytes: Buffer): Uint8Array {
  return bytes;
}

/** grpc-js copies from a Buffer. */
export function bytesOut(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
