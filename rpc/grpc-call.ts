// One gRPC call or stream of @grpc/grpc-js in the form that services know.
import { Metadata } from "@grpc/grpc-js";
import type { ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import type { Call, StreamSink } from "./service.ts";
import { errorOf, statusOf } from "./status.ts";
import type { Status } from "./status.ts";

export type Bytes = Uint8Array;
type ServerStream = ServerWritableStream<Bytes, Bytes>;
type BidiStream = ServerDuplexStream<Bytes, Bytes>;

/** What every kind of grpc-js call has. */
interface AnyCall {
  readonly cancelled: boolean;
  readonly metadata: Metadata;
  getDeadline(): Date | number;
  once(event: "cancelled", listener: () => void): unknown;
}

export class GrpcCall implements Call {
  readonly deadlineAtMs: MonotonicMs;
  readonly forwarded = false;
  readonly #call: AnyCall;
  #abort: AbortController | undefined;

  constructor(call: AnyCall, nowMs: MonotonicMs, callTimeoutMs: number) {
    this.#call = call;
    const deadline = Number(call.getDeadline());
    const leftMs = deadline === Infinity ? callTimeoutMs : deadline - Date.now();
    this.deadlineAtMs = (nowMs + Math.min(leftMs, callTimeoutMs)) as MonotonicMs;
  }

  /** Made when first asked for: most calls end without anybody asking. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      if (this.#call.cancelled) abort.abort();
      else this.#call.once("cancelled", () => abort.abort());
      this.#abort = abort;
    }
    return this.#abort.signal;
  }

  header(name: string): string | undefined {
    const value = this.#call.metadata.get(name)[0];
    return typeof value === "string" ? value : undefined;
  }
}

/** What grpc-js takes for a failed call. */
export interface GrpcFailure {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

export function failureOf(error: KvError | Status): GrpcFailure {
  const { code, message, trailers } = error instanceof KvError ? statusOf(error) : error;
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return { code, details: message, metadata };
}

export class GrpcSink implements StreamSink {
  readonly #stream: ServerStream | BidiStream;
  #ended = false;

  constructor(stream: ServerStream | BidiStream) {
    this.#stream = stream;
  }

  write(message: Uint8Array): boolean {
    if (this.#ended || this.#stream.cancelled) return false;
    return this.#stream.write(message);
  }

  end(error?: KvError | Status): void {
    if (this.#ended || this.#stream.cancelled) return;
    this.#ended = true;
    // grpc-js takes a stream's status from an emitted error.
    if (error === undefined) this.#stream.end();
    else this.#stream.emit("error", failureOf(error));
  }

  pause(): void {
    if ("pause" in this.#stream) this.#stream.pause();
  }

  resume(): void {
    if ("resume" in this.#stream) this.#stream.resume();
  }
}

/** A codec that is none: services read and write bytes. */
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
export function errorIn({ code, details, metadata }: GrpcFailure): KvError {
  return errorOf(code, details, (name) => {
    const value = metadata.get(name)[0];
    return typeof value === "string" ? value : undefined;
  });
}
