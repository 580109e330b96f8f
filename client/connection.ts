// One member's gRPC channel: unary calls, and the pipeline when the member offers it. Repeats nothing.
import { Client as GrpcClient, connectivityState, Metadata } from "@grpc/grpc-js";
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { KvError, present } from "../base/index.ts";
import { hansa } from "../proto/index.ts";
import type { MethodPath, etcdserverpb } from "../proto/index.ts";
import type { ChannelSecurity } from "./channel-security.ts";
import { isStale } from "./credentials.ts";
import type { Credentials } from "./credentials.ts";
import { noAnswer, serverTimeoutMs } from "./deadline.ts";
import { failureOf } from "./failure.ts";
import { METHODS } from "./methods.ts";
import type { Method } from "./methods.ts";
import { NotPipelined, Pipeline } from "./pipeline.ts";
import { carryTrace, isTraced } from "./tracing.ts";

/** A call of the KV service, in the pipeline's form: one of its fields is set. */
export interface KvCall {
  readonly range?: etcdserverpb.IRangeRequest;
  readonly put?: etcdserverpb.IPutRequest;
  readonly delete_range?: etcdserverpb.IDeleteRangeRequest;
  readonly txn?: etcdserverpb.ITxnRequest;
  readonly compaction?: etcdserverpb.ICompactionRequest;
}

/** Its answer, in the same field. */
export interface KvReply {
  readonly range?: etcdserverpb.IRangeResponse | null;
  readonly put?: etcdserverpb.IPutResponse | null;
  readonly delete_range?: etcdserverpb.IDeleteRangeResponse | null;
  readonly txn?: etcdserverpb.ITxnResponse | null;
  readonly compaction?: etcdserverpb.ICompactionResponse | null;
}

const EXCHANGE_PATH: MethodPath = "/hansa.v1.Pipeline/Exchange";

/** etcd ends connections that ping more often than every 5 s. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;
/** Between attempts to connect; grpc-js's own start at 1 s, longer than a failover. */
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MAX_MS = 1_000;

export class Connection {
  readonly address: string;
  readonly #grpc: GrpcClient;
  readonly #credentials: Credentials | undefined;
  /** Of one token: another begins another. */
  #pipeline: Pipeline;
  /** Cancels one open unary call each: closing a grpc-js channel lets them run on. */
  readonly #unary = new Set<() => void>();
  #offersPipeline = true;

  constructor(
    address: string,
    security: ChannelSecurity,
    options: { readonly answerBytesMax: number; readonly credentials: Credentials | undefined },
  ) {
    const channel = security.channelTo(address);
    const { credentials } = options;
    this.address = address;
    this.#credentials = credentials;
    this.#grpc = new GrpcClient(channel.target, channel.credentials, {
      ...channel.options,
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
      "grpc.initial_reconnect_backoff_ms": RECONNECT_FIRST_MS,
      "grpc.min_reconnect_backoff_ms": RECONNECT_FIRST_MS,
      "grpc.max_reconnect_backoff_ms": RECONNECT_MAX_MS,
      "grpc.max_receive_message_length": options.answerBytesMax,
      // Its own connections: closing this client closes them, and none inherits another's backoff.
      "grpc.use_local_subchannel_pool": 1,
      interceptors: credentials ? [credentials.interceptor(() => this.#grpc, address)] : [],
    });
    this.#pipeline = this.#newPipeline();
  }

  #newPipeline(): Pipeline {
    return new Pipeline(this.address, () =>
      this.#grpc.makeBidiStreamRequest(
        EXCHANGE_PATH,
        bufferOf,
        (bytes) => hansa.v1.ExchangeResponse.decode(bytes) as hansa.v1.ExchangeResponse,
      ),
    );
  }

  /**
   * One unary call.
   *
   * @throws {KvError} as `failureOf`; `deadline-exceeded` after `timeoutMs`, `cancelled` by the signal
   */
  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      // The server is told its own, earlier deadline: grpc-js would end the call here at the same instant,
      // and the server's reason ("too stale") would never arrive.
      const metadata = new Metadata();
      metadata.set("grpc-timeout", `${serverTimeoutMs(timeoutMs)}m`);
      carryTrace(metadata);
      let expired = false;
      const call = this.#grpc.makeUnaryRequest(
        method.path,
        (message: Request) => bufferOf(method.request.encode(message).finish()),
        (bytes) => method.response.decode(bytes),
        request,
        metadata,
        (error: ServiceError | null, response?: Response) => {
          clearTimeout(timer);
          this.#unary.delete(cancel);
          signal?.removeEventListener("abort", cancel);
          if (error === null) resolve(present(response, "the answer of a call that did not fail"));
          else if (expired) reject(noAnswer(timeoutMs, this.address, error));
          else reject(failureOf(error, this.address));
        },
      );
      const cancel = (): void => {
        call.cancel();
      };
      const timer = setTimeout(() => {
        expired = true;
        call.cancel();
      }, timeoutMs);
      this.#unary.add(cancel);
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  /**
   * Opens a stream, which lives until either side ends it. `requireLeader`: the member ends it when it has been
   * without a leader for a while, so that its caller goes elsewhere.
   */
  stream<Request, Response>(
    method: Method<Request, Response>,
    options: { readonly requireLeader: boolean },
  ): ClientDuplexStream<Request, Response> {
    const metadata = new Metadata();
    carryTrace(metadata);
    if (options.requireLeader) metadata.set("hasleader", "true");
    return this.#grpc.makeBidiStreamRequest(
      method.path,
      (message: Request) => bufferOf(method.request.encode(message).finish()),
      (bytes) => method.response.decode(bytes),
      metadata,
    );
  }

  /**
   * One call of the KV service, by the pipeline when it can be.
   *
   * @throws {KvError} as `failureOf`
   */
  async kv(call: KvCall, timeoutMs: number, signal?: AbortSignal): Promise<KvReply> {
    // A batch has one set of headers: a call that is traced goes by itself.
    if (this.#offersPipeline && !isTraced()) {
      const pipeline = this.#pipeline;
      try {
        return await pipeline.call(call, timeoutMs, signal);
      } catch (error) {
        if (this.#credentials !== undefined && error instanceof KvError && isStale(error)) {
          throw this.#renewed(this.#credentials, pipeline, error);
        }
        if (!(error instanceof NotPipelined)) throw error;
        if (error.reason === "not-offered") this.#offersPipeline = false;
      }
    }
    return this.#kvUnary(call, timeoutMs, signal);
  }

  /** The stream began with a token that is worth nothing any more: the next call begins another. */
  #renewed(credentials: Credentials, stale: Pipeline, error: KvError): KvError {
    if (this.#pipeline === stale) {
      credentials.drop();
      this.#pipeline = this.#newPipeline();
      stale.retire();
    }
    return new KvError("invalid-token", error.outcome, error.message, { cause: error });
  }

  /**
   * Resolves once the channel is connected, so that what fails before is known not to have been sent.
   *
   * @throws {KvError} `unavailable`, `not-applied`, as soon as connecting fails, or after `timeoutMs`
   */
  connected(timeoutMs: number): Promise<void> {
    const channel = this.#grpc.getChannel();
    const deadline = Date.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      const refuse = (cause?: Error): void => {
        const message = `no connection to ${this.address}`;
        const options = cause === undefined ? {} : { cause };
        reject(new KvError("unavailable", "not-applied", message, options));
      };
      // The channel does not say why; a call on it, which does not leave, is told.
      const explain = (): void => {
        const leftMs = Math.max(1, deadline - Date.now());
        this.unary(METHODS.status, {}, leftMs).then(() => resolve(), reject);
      };
      const judge = (): void => {
        const state = channel.getConnectivityState(true);
        if (state === connectivityState.READY) resolve();
        else if (state === connectivityState.IDLE || state === connectivityState.CONNECTING) {
          channel.watchConnectivityState(state, deadline, (error) => {
            if (error === undefined) judge();
            else refuse(error);
          });
        } else explain();
      };
      judge();
    });
  }

  /** Whether it tries to connect, and has not yet. */
  get isConnecting(): boolean {
    const state = this.#grpc.getChannel().getConnectivityState(false);
    return state === connectivityState.CONNECTING;
  }

  /** Another takes its place: what waits here for the connection was never sent, and is told so. */
  abandon(): void {
    const message = `no connection to ${this.address}`;
    this.#pipeline.close(new KvError("unavailable", "not-applied", message));
    this.#grpc.close();
  }

  /** Ends every open call: those of the pipeline with `error`, unary ones with `cancelled`. */
  cancelCalls(error: KvError): void {
    this.#pipeline.close(error);
    for (const cancel of [...this.#unary]) cancel();
  }

  /** Ends the channel and every open call. */
  close(error: KvError): void {
    this.cancelCalls(error);
    this.#grpc.close();
  }

  async #kvUnary(call: KvCall, timeoutMs: number, signal?: AbortSignal): Promise<KvReply> {
    if (call.range !== undefined) {
      return { range: await this.unary(METHODS.range, call.range, timeoutMs, signal) };
    }
    if (call.put !== undefined) {
      return { put: await this.unary(METHODS.put, call.put, timeoutMs, signal) };
    }
    if (call.delete_range !== undefined) {
      const request = call.delete_range;
      return { delete_range: await this.unary(METHODS.deleteRange, request, timeoutMs, signal) };
    }
    if (call.txn !== undefined) {
      return { txn: await this.unary(METHODS.txn, call.txn, timeoutMs, signal) };
    }
    const request = present(call.compaction, "the request of a call");
    return { compaction: await this.unary(METHODS.compaction, request, timeoutMs, signal) };
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
