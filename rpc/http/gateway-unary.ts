// A call that answers once: one JSON object as the body, one as the answer, a long one part by part.
import type { IncomingMessage, ServerResponse } from "node:http";
import { KvError } from "../../base/index.ts";
import type { MethodShape } from "../../proto/index.ts";
import type { Status } from "../status.ts";
import type { GatewayCall } from "./gateway-call.ts";
import { failureOf, unaryErrorText } from "./gateway-error.ts";
import type { Failure } from "./gateway-error.ts";
import { sizeRefusal } from "./gateway-size.ts";
import type { GatewayOptions, UnaryMethod } from "./gateway-route.ts";
import { PART_BYTES, jsonParts } from "./json-parts.ts";
import { parseJson } from "./json-text.ts";
import { messageOfJson } from "./json-to-message.ts";
import { jsonOfMessage } from "./message-to-json.ts";
import { writeParts } from "./parted-answer.ts";
import { bodyBytesMaxOf, readBody } from "./request-body.ts";

export interface UnaryExchange {
  readonly options: GatewayOptions;
  readonly method: UnaryMethod;
  readonly shape: MethodShape;
  readonly call: GatewayCall;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export const JSON_HEADERS = {
  "content-type": "application/json",
  "grpc-metadata-content-type": "application/grpc",
} as const;

export function serveUnary(exchange: UnaryExchange): void {
  const { call, request, response } = exchange;
  const { messageBytesMax, limits, held, patience } = exchange.options;
  let answered = false;
  const answer = (result: Uint8Array | KvError | Status | Failure): void => {
    if (answered) return;
    answered = true;
    clearTimeout(timer);
    write(exchange, result);
  };
  const timer = call.atDeadline((late) => {
    answer(late);
    call.close();
  });
  response.on("close", () => {
    if (answered) return;
    answered = true;
    clearTimeout(timer);
    call.close();
  });
  const bytesMax = bodyBytesMaxOf(messageBytesMax);
  readBody(request, { bytesMax, held, patience, bodyMs: limits.bodyMs }, (body) => {
    if (typeof body === "string") run(exchange, body, answer);
    else answer(body);
  });
}

/** The request of a body; none is an empty one. @throws {KvError} invalid-argument */
function run(
  { options, method, shape, call }: UnaryExchange,
  body: string,
  answer: (result: Uint8Array | KvError | Status) => void,
): void {
  const { messageBytesMax, onBug } = options;
  try {
    const json = body.trim() === "" ? null : parseJson(body);
    const request = messageOfJson(shape.request, json);
    const oversize = sizeRefusal(request, messageBytesMax);
    if (oversize === undefined) method.handle(request, call, answer);
    else answer(oversize);
  } catch (cause) {
    if (cause instanceof KvError) answer(cause);
    else onBug(cause);
  }
}

function write(
  { options, shape, response }: UnaryExchange,
  result: Uint8Array | KvError | Status | Failure,
): void {
  if (!(result instanceof Uint8Array)) {
    answerFailure(response, "httpStatus" in result ? result : failureOf(result));
    return;
  }
  if (result.length > PART_BYTES) {
    const { patience, limits } = options;
    response.writeHead(200, JSON_HEADERS);
    writeParts(response, jsonParts(shape.response, result), { patience, stallMs: limits.stallMs });
    return;
  }
  const text = jsonOfMessage(shape.response, result);
  response.writeHead(200, { ...JSON_HEADERS, "content-length": Buffer.byteLength(text) });
  response.end(text);
}

export function answerFailure(response: ServerResponse, failure: Failure): void {
  const text = unaryErrorText(failure);
  response.writeHead(failure.httpStatus, {
    ...failure.headers,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}
