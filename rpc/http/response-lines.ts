// A stream over HTTP: objects of the body in as they come, answers out as lines, each a chunk of its own, for there
// are clients that take a chunk for a line.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Streaming } from "../../proto/index.ts";
import { streamErrorText } from "./gateway-error.ts";
import type { Failure } from "./gateway-error.ts";
import type { GatewayStream, JsonLines } from "./gateway-stream.ts";
import { JSON_HEADERS } from "./gateway-unary.ts";
import type { GatewayOptions } from "./gateway-route.ts";
import { readValues } from "./stream-body.ts";

export interface LinesExchange extends GatewayOptions {
  readonly streaming: Streaming;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly begin: (lines: JsonLines) => GatewayStream;
}

export function serveLines(exchange: LinesExchange): void {
  const { request, response, begin } = exchange;
  const lines = new ResponseLines(request, response, exchange.limits.outputBytesMax);
  const stream = begin(lines);
  response.on("drain", () => stream.onDrain());
  response.on("close", () => stream.close());
  readValues(exchange, request, stream);
}

class ResponseLines implements JsonLines {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #outputBytesMax: number;

  constructor(request: IncomingMessage, response: ServerResponse, outputBytesMax: number) {
    this.#request = request;
    this.#response = response;
    this.#outputBytesMax = outputBytesMax;
  }

  write(text: string): boolean {
    const response = this.#response;
    if (response.destroyed) return false;
    if (!response.headersSent) response.writeHead(200, JSON_HEADERS);
    const taken = response.write(`${text}\n`);
    if (response.writableLength > this.#outputBytesMax) response.destroy();
    return taken;
  }

  end(failure?: Failure): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (failure === undefined) {
      if (!response.headersSent) response.writeHead(200, JSON_HEADERS);
      response.end();
      return;
    }
    if (!response.headersSent) {
      const headers = { ...failure.headers, "content-type": "application/json" };
      response.writeHead(failure.httpStatus, headers);
    }
    response.end(`${streamErrorText(failure)}\n`);
  }

  pause(): void {
    this.#request.pause();
  }

  resume(): void {
    this.#request.resume();
  }
}
