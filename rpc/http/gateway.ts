// The JSON gateway: methods of the service table under HTTP paths, in process. A unary call is one object in and one
// out; a stream is objects in, and lines `{"result": ...}` out.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { KvError } from "../../base/index.ts";
import { GRPC, methodShapeOf, streamingOf } from "../../proto/index.ts";
import { GatewayCall } from "./gateway-call.ts";
import { failureOf } from "./gateway-error.ts";
import { GATEWAY_PATHS, GATEWAY_PREFIXES } from "./gateway-paths.ts";
import type { GatewayMethod } from "./gateway-paths.ts";
import { GatewayStream } from "./gateway-stream.ts";
import type { JsonLines } from "./gateway-stream.ts";
import { answerFailure, serveUnary } from "./gateway-unary.ts";
import type { GatewayOptions, GatewayRoute, StreamMethod } from "./gateway-route.ts";
import { serveLines } from "./response-lines.ts";

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #routes = new Map<string, GatewayRoute>();
  readonly #streams = new Set<GatewayStream>();

  constructor(options: GatewayOptions) {
    this.#options = options;
    for (const [path, suffixes] of Object.entries(GATEWAY_PATHS)) {
      const method = options.services[path as GatewayMethod];
      if (method === undefined || suffixes.length === 0) continue;
      const streaming = streamingOf(path as GatewayMethod);
      const route = { method, streaming, shape: methodShapeOf(path as GatewayMethod) };
      for (const suffix of suffixes) {
        for (const prefix of GATEWAY_PREFIXES) this.#routes.set(prefix + suffix, route);
      }
    }
  }

  routeOf(path: string): GatewayRoute | undefined {
    return this.#routes.get(path);
  }

  serve(route: GatewayRoute, request: IncomingMessage, response: ServerResponse): void {
    const { method } = route;
    const call = this.callOf(route, request);
    if (call.clientTimeoutMs === undefined) {
      const message = `invalid grpc-timeout: ${String(request.headers["grpc-timeout"])}`;
      const failure = failureOf({ code: GRPC.INVALID_ARGUMENT, message, trailers: {} });
      answerFailure(response, failure);
    } else if (method.kind === "stream") {
      const begin = (lines: JsonLines): GatewayStream => {
        return this.openStream({ ...route, method }, call, lines);
      };
      serveLines({ ...this.#options, request, response, streaming: route.streaming, begin });
    } else {
      serveUnary({ options: this.#options, method, shape: route.shape, call, request, response });
    }
  }

  callOf({ streaming }: GatewayRoute, request: IncomingMessage): GatewayCall {
    const { monotonicMs, callTimeoutMs } = this.#options;
    return new GatewayCall({
      headers: request.headers,
      remoteAddress: request.socket.remoteAddress,
      nowMs: monotonicMs(),
      // What comes over a long stream has deadlines of its own.
      callTimeoutMs: streaming === "both" ? Infinity : callTimeoutMs,
    });
  }

  openStream(
    { method, shape }: GatewayRoute<StreamMethod>,
    call: GatewayCall,
    lines: JsonLines,
  ): GatewayStream {
    const { messageBytesMax, onBug } = this.#options;
    const stream: GatewayStream = new GatewayStream({
      ...{ method, shape, call, lines, messageBytesMax, onBug },
      onClose: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    stream.open();
    return stream;
  }

  /** Ends every stream with the reason. */
  drain(reason: KvError): void {
    for (const stream of [...this.#streams]) stream.end(reason);
  }
}
