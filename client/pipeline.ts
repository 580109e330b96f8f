// One hansa.v1.Pipeline stream to one member: the calls of an event-loop turn leave as one batch and are
// answered in any order. Its bound is the client's gate: no more calls are open than it lets through.
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { assert, KvError, present } from "../base/index.ts";
import { hansa, Writer } from "../proto/index.ts";
import { cancelled, noAnswer, serverTimeoutMs } from "./deadline.ts";
import { failureOf, kvErrorOf, withOutcome } from "./failure.ts";

/** A batch leaves when it holds this many bytes of calls; a longer call is not pipelined. */
const BATCH_BYTES_MAX = 512 * 1024;
const BATCH_CALLS_MAX = 512;
/** ExchangeRequest.calls: field 1, length-delimited (pipeline.proto). */
const CALLS_TAG = (1 << 3) | 2;

export type PipelineStream = ClientDuplexStream<Uint8Array, hansa.v1.ExchangeResponse>;

/** Nothing of the call was done, and it can be made as a unary call. */
export class NotPipelined extends Error {
  override readonly name = "NotPipelined";
  readonly reason: "not-offered" | "too-long";

  constructor(reason: "not-offered" | "too-long", options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }
}

interface Open {
  /** Encoded `hansa.v1.Call`, until it is sent. */
  bytes: Uint8Array | undefined;
  readonly resolve: (reply: hansa.v1.Reply) => void;
  readonly reject: (error: Error) => void;
  readonly stopWaiting: () => void;
}

export class Pipeline {
  readonly #address: string;
  readonly #openStream: () => PipelineStream;
  readonly #open = new Map<number, Open>();
  readonly #unsent = new Set<number>();
  #stream: PipelineStream | undefined;
  #writable = true;
  #flushing = false;
  #retired = false;
  #lastId = 0;

  constructor(address: string, openStream: () => PipelineStream) {
    this.#address = address;
    this.#openStream = openStream;
  }

  /** Calls without an answer. */
  get openCount(): number {
    return this.#open.size;
  }

  /**
   * Sends one call and resolves with its answer.
   *
   * @throws {NotPipelined} the server does not offer the service, or the call is longer than a batch
   * @throws {KvError} the call's failure, `deadline-exceeded` after `timeoutMs`, `cancelled` by the signal,
   *   `unavailable` when the stream breaks
   */
  call(
    request: Omit<hansa.v1.ICall, "id" | "timeout_ms">,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<hansa.v1.Reply> {
    const id = this.#nextId();
    const timeout_ms = serverTimeoutMs(timeoutMs);
    const bytes = hansa.v1.Call.encode({ ...request, id, timeout_ms }).finish();
    if (bytes.length > BATCH_BYTES_MAX) return Promise.reject(new NotPipelined("too-long"));
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#fail(id, cancelled());
      };
      const timer = setTimeout(() => {
        this.#fail(id, noAnswer(timeoutMs, this.#address));
      }, timeoutMs);
      const stopWaiting = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#open.set(id, { bytes, resolve, reject, stopWaiting });
      this.#unsent.add(id);
      this.#flushSoon();
    });
  }

  /** Ends every open call with `error`, and the stream. */
  close(error: KvError): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#failAll((sent) => (sent ? error : withOutcome(error, "not-applied")));
    stream?.cancel();
  }

  /** No call will follow: the stream ends with the last of those that are open. */
  retire(): void {
    this.#retired = true;
    this.#endIfRetired();
  }

  #endIfRetired(): void {
    if (this.#retired && this.#open.size === 0) this.#stream?.end();
  }

  #nextId(): number {
    this.#lastId += 1;
    assert(Number.isSafeInteger(this.#lastId), "call ids of one pipeline are exact");
    return this.#lastId;
  }

  /** At the end of the turn, so that everything the turn asks leaves together. */
  #flushSoon(): void {
    if (this.#flushing || !this.#writable) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#unsent.size > 0 && this.#writable) {
      this.#stream ??= this.#start();
      this.#writable = this.#stream.write(this.#takeBatch());
    }
  }

  /** The next unsent calls, at least one, as one encoded ExchangeRequest. */
  #takeBatch(): Uint8Array {
    const writer = new Writer();
    let bytes = 0;
    let calls = 0;
    for (const id of this.#unsent) {
      const open = present(this.#open.get(id), "the open call of an unsent id");
      const call = present(open.bytes, "the bytes of an unsent call");
      const isFull = bytes + call.length > BATCH_BYTES_MAX || calls === BATCH_CALLS_MAX;
      if (calls > 0 && isFull) break;
      writer.uint32(CALLS_TAG).bytes(call);
      bytes += call.length;
      calls += 1;
      open.bytes = undefined;
      this.#unsent.delete(id);
    }
    return writer.finish();
  }

  #start(): PipelineStream {
    const stream = this.#openStream();
    stream.on("data", (response: hansa.v1.ExchangeResponse) => {
      if (stream === this.#stream) this.#onResponse(response);
    });
    stream.on("drain", () => {
      if (stream !== this.#stream) return;
      this.#writable = true;
      this.#flush();
    });
    stream.on("error", (error: ServiceError) => {
      if (stream === this.#stream) this.#onEnd(failureOf(error, this.#address));
    });
    // A server that stops ends the stream without an error.
    stream.on("end", () => {
      const message = `the stream was ended by the server (${this.#address})`;
      if (stream === this.#stream) this.#onEnd(new KvError("unavailable", "unknown", message));
    });
    return stream;
  }

  #onResponse(response: hansa.v1.ExchangeResponse): void {
    for (const reply of response.replies) {
      const id = Number(reply.id ?? 0);
      const open = this.#open.get(id);
      // A call that was cancelled or timed out here may still be answered.
      if (open === undefined) continue;
      this.#open.delete(id);
      open.stopWaiting();
      const failure = reply.failure;
      if (failure === null || failure === undefined) {
        open.resolve(reply as hansa.v1.Reply);
      } else {
        const parts = {
          grpcCode: failure.code ?? 0,
          message: failure.message ?? "",
          error: failure.error ?? "",
          outcome: failure.outcome ?? "",
        };
        open.reject(kvErrorOf(parts, this.#address));
      }
    }
    this.#endIfRetired();
  }

  #onEnd(error: KvError): void {
    this.#stream = undefined;
    this.#writable = true;
    if (error.code === "unimplemented") {
      this.#failAll(() => new NotPipelined("not-offered", { cause: error }));
      return;
    }
    this.#failAll((sent) => (sent ? error : withOutcome(error, "not-applied")));
  }

  #fail(id: number, error: KvError): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    this.#unsent.delete(id);
    open.stopWaiting();
    open.reject(open.bytes === undefined ? error : withOutcome(error, "not-applied"));
    this.#endIfRetired();
  }

  #failAll(errorOf: (sent: boolean) => Error): void {
    const all = [...this.#open.values()];
    this.#open.clear();
    this.#unsent.clear();
    for (const open of all) {
      open.stopWaiting();
      open.reject(errorOf(open.bytes === undefined));
    }
  }
}
