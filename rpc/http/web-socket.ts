// The gateway's streams over WebSocket (RFC 6455), for pages in browsers, as etcd's wsproxy has them: a message is an
// object, in either direction. A page cannot set headers, so its token may come as a protocol: `Bearer, TOKEN`.
import { STATUS_CODES } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { isOriginAllowed } from "./cross-origin.ts";
import { streamErrorText } from "./gateway-error.ts";
import type { Failure } from "./gateway-error.ts";
import type { GatewayStream, JsonLines } from "./gateway-stream.ts";
import type { GatewayRoute, StreamMethod } from "./gateway-route.ts";
import type { Gateway } from "./gateway.ts";
import { bodyBytesMaxOf } from "./request-body.ts";
import { StreamBody } from "./stream-body.ts";
import type { ValuesOptions } from "./stream-body.ts";

export interface WebSocketOptions extends Omit<ValuesOptions, "streaming"> {
  readonly gateway: Gateway;
  /** Origins; `*` is any. */
  readonly corsOrigins: ReadonlySet<string>;
}

const BEARER = "Bearer";
/** What the client has not taken, from which on a service is held up. */
const WAITING_BYTES_MAX = 64 * 1024;
/** RFC 6455 7.4.1. */
const CLOSED_WELL = 1000;
const CLOSED_BY_ERROR = 1011;

export class WebSockets {
  readonly #options: WebSocketOptions;
  readonly #server: WebSocketServer;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: bodyBytesMaxOf(options.messageBytesMax),
      handleProtocols: (offered) => (offered.has(BEARER) ? BEARER : false),
    });
  }

  /** False: the request asks for no WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (request.headers.upgrade?.toLowerCase() !== "websocket") return false;
    const { gateway, corsOrigins } = this.#options;
    const { origin } = request.headers;
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const route = gateway.routeOf(path);
    if (origin !== undefined && !isOriginAllowed(corsOrigins, origin)) refuse(socket, 403);
    else if (route === undefined) refuse(socket, 404);
    else if (route.method.kind !== "stream") refuse(socket, 400);
    else {
      const { method } = route;
      request.headers.authorization ??= tokenIn(request);
      this.#server.handleUpgrade(request, socket, head, (webSocket) => {
        this.#serve({ ...route, method }, request, webSocket);
      });
    }
    return true;
  }

  #serve(route: GatewayRoute<StreamMethod>, request: IncomingMessage, webSocket: WebSocket): void {
    const { gateway, limits, patience } = this.#options;
    const lines = new SocketLines(webSocket, limits.outputBytesMax, () => stream.onDrain());
    const stream: GatewayStream = gateway.openStream(route, gateway.callOf(route, request), lines);
    const body = new StreamBody({ ...this.#options, streaming: route.streaming }, stream);
    let forget = (): void => undefined;
    let isHeard = true;
    const look = (): void => {
      if (!isHeard) webSocket.terminate();
      else {
        isHeard = false;
        webSocket.ping();
        forget = patience.wait(limits.idleMs, look);
      }
    };
    look();
    webSocket.on("pong", () => (isHeard = true));
    webSocket.on("message", (message: Buffer) => body.push(message));
    // The close that follows says what matters.
    webSocket.on("error", () => undefined);
    webSocket.on("close", () => {
      forget();
      body.close();
      stream.close();
    });
  }
}

class SocketLines implements JsonLines {
  readonly #webSocket: WebSocket;
  readonly #outputBytesMax: number;
  readonly #onDrain: () => void;
  #held = false;

  constructor(webSocket: WebSocket, outputBytesMax: number, onDrain: () => void) {
    this.#webSocket = webSocket;
    this.#outputBytesMax = outputBytesMax;
    this.#onDrain = onDrain;
  }

  write(text: string): boolean {
    const webSocket = this.#webSocket;
    if (webSocket.readyState !== webSocket.OPEN) return false;
    webSocket.send(text, () => this.#sent());
    if (webSocket.bufferedAmount > this.#outputBytesMax) webSocket.terminate();
    this.#held ||= webSocket.bufferedAmount > WAITING_BYTES_MAX;
    return !this.#held;
  }

  end(failure?: Failure): void {
    if (failure !== undefined) this.#webSocket.send(streamErrorText(failure));
    this.#webSocket.close(failure === undefined ? CLOSED_WELL : CLOSED_BY_ERROR);
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  #sent(): void {
    if (!this.#held || this.#webSocket.bufferedAmount > 0) return;
    this.#held = false;
    this.#onDrain();
  }
}

function tokenIn({ headers }: IncomingMessage): string | undefined {
  const [first, token] = (headers["sec-websocket-protocol"] ?? "").split(",");
  return first?.trim() === BEARER ? token?.trim() : undefined;
}

function refuse(socket: Duplex, status: number): void {
  const text = STATUS_CODES[status] ?? "";
  const head = `HTTP/1.1 ${status} ${text}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`;
  socket.end(head);
}
