// Carries a table of services over gRPC, by @grpc/grpc-js: bytes in, bytes out, no codec of its own. It
// knows connections, deadlines, limits and draining, and nothing of what the services do.
import { Server, ServerCredentials, logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import type {
  ChannelOptions,
  MethodDefinition,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedHandleCall,
  sendUnaryData,
} from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { METHOD_PATHS, streamingOf } from "../proto/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { GrpcCall, GrpcSink, bytesIn, bytesOut, failureOf } from "./grpc-call.ts";
import type { Bytes } from "./grpc-call.ts";
import { unary } from "./service.ts";
import type { Method, ServiceTable, StreamHandler, UnaryHandler } from "./service.ts";

/** etcd's grpcOverheadBytes: what a message may be above --max-request-bytes before gRPC refuses it. */
const OVERHEAD_BYTES = 512 * 1024;

// What it would print reaches the owner as an error.
setLogVerbosity(logVerbosity.NONE);

export interface GrpcCarrierOptions {
  readonly services: ServiceTable;
  readonly monotonicMs: () => MonotonicMs;
  /** The server's own limit of a call; a client's shorter deadline counts, a longer one does not. */
  readonly callTimeoutMs: number;
  /** etcd's --max-request-bytes. A little more is read, so that the service can name the fault. */
  readonly requestBytesMax: number;
  /** Of one connection. */
  readonly concurrentStreamsMax: number;
  /** A connection without traffic is pinged after this, and closed `keepaliveTimeoutMs` later. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** A handler threw what is no KvError: the owner stops the process. */
  readonly onBug: (cause: unknown) => void;
}

export class GrpcCarrier {
  readonly #options: GrpcCarrierOptions;
  readonly #server: Server;
  readonly #sinks = new Set<GrpcSink>();

  constructor(options: GrpcCarrierOptions) {
    this.#options = options;
    this.#server = new Server(serverOptions(options));
    for (const path of METHOD_PATHS) {
      const method = options.services[path] ?? unimplemented(path);
      this.#server.addService(...this.#bound(path, method));
    }
  }

  /**
   * Starts to serve; resolves with the bound port (0 picks a free one).
   *
   * @throws {Error} when the address cannot be bound; `message` says why, and holds EADDRINUSE when it is
   * taken.
   */
  async listen(host: string, port: number): Promise<number> {
    const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
      });
    });
  }

  /** Takes no new calls, ends all streams, and waits for open calls, for at most `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    const stopped = new KvError("server-stopped", "not-applied", "etcdserver: server stopped");
    await new Promise<void>((resolve) => {
      // With channelz off grpc-js does not find the sessions it should force: calls that are still open
      // then end with the process.
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, timeoutMs);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
      for (const sink of this.#sinks) sink.end(stopped);
    });
  }

  #bound(path: MethodPath, method: Method): [ServiceDefinition, Record<string, UntypedHandleCall>] {
    const streaming = streamingOf(path);
    const definition: MethodDefinition<Bytes, Bytes> = {
      path,
      requestStream: streaming === "both" || streaming === "client",
      responseStream: streaming === "both" || streaming === "server",
      requestSerialize: bytesOut,
      requestDeserialize: bytesIn,
      responseSerialize: bytesOut,
      responseDeserialize: bytesIn,
    };
    const handler =
      method.kind === "unary"
        ? this.#unary(method.handle)
        : this.#stream(method.open, definition.requestStream);
    return [{ [path]: definition }, { [path]: handler }];
  }

  #unary(handle: UnaryHandler): UntypedHandleCall {
    const { monotonicMs, callTimeoutMs, onBug } = this.#options;
    return (call: ServerUnaryCall<Bytes, Bytes>, callback: sendUnaryData<Bytes>): void => {
      const reply = (result: Uint8Array | Parameters<typeof failureOf>[0]): void => {
        if (result instanceof Uint8Array) callback(null, result);
        else callback(failureOf(result));
      };
      try {
        handle(call.request, new GrpcCall(call, monotonicMs(), callTimeoutMs), reply);
      } catch (cause) {
        if (cause instanceof KvError) reply(cause);
        else onBug(cause);
      }
    };
  }

  #stream(open: StreamHandler, requestStream: boolean): UntypedHandleCall {
    return (
      stream: ServerDuplexStream<Bytes, Bytes> | ServerWritableStream<Bytes, Bytes>,
    ): void => {
      const { monotonicMs, callTimeoutMs } = this.#options;
      // What comes over a long stream has deadlines of its own.
      const limitMs = requestStream ? Infinity : callTimeoutMs;
      const sink = new GrpcSink(stream);
      const guard = (run: () => void): void => {
        try {
          run();
        } catch (cause) {
          if (cause instanceof KvError) sink.end(cause);
          else this.#options.onBug(cause);
        }
      };
      guard(() => {
        const source = open(sink, new GrpcCall(stream, monotonicMs(), limitMs));
        this.#sinks.add(sink);
        stream.on("drain", () => guard(() => source.onDrain()));
        stream.once("cancelled", () => {
          this.#sinks.delete(sink);
          guard(() => source.onClose());
        });
        if (requestStream) {
          stream.on("data", (message: Bytes) => guard(() => source.onMessage(message)));
          stream.on("end", () => guard(() => source.onEnd()));
        } else if ("request" in stream) {
          guard(() => source.onMessage(stream.request));
          guard(() => source.onEnd());
        }
      });
    };
  }
}

function serverOptions(options: GrpcCarrierOptions): ChannelOptions {
  return {
    "grpc.max_receive_message_length": options.requestBytesMax + OVERHEAD_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": options.concurrentStreamsMax,
    "grpc.keepalive_time_ms": options.keepaliveMs,
    "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs,
    "grpc.enable_channelz": 0,
    // In megabytes: what is queued is bounded by the services, a session's own limit resets streams.
    "grpc-node.max_session_memory": Number.MAX_SAFE_INTEGER,
  };
}

function unimplemented(path: MethodPath): Method {
  const refuse = (): never => {
    throw new KvError("unimplemented", "not-applied", `${path.slice(1)} is not implemented`);
  };
  return streamingOf(path) === "unary" ? unary(refuse) : { kind: "stream", open: refuse };
}
