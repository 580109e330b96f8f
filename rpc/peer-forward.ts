// hansa.peer.v1.Peer/Forward, both sides: a client's read handed to the leader, answered by its service as
// if the client had come there, and the bytes of the answer handed back.
import type { Client } from "@grpc/grpc-js";
import { Metadata } from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { Writer } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import { NOBODY } from "../store/index.ts";
import type { Caller } from "../store/index.ts";
import type { CallContext } from "./backend.ts";
import { readCaller, writeCaller } from "./caller-codec.ts";
import { decoded, invalid } from "./decode.ts";
import { isForwarded } from "./forwarded.ts";
import type { ForwardedPath } from "./forwarded.ts";
import { bytesIn, bytesOut, errorIn } from "./grpc-bytes.ts";
import { helloBytes, readHello } from "./peer-codec.ts";
import type { Hello } from "./peer-codec.ts";
import { refusedPeer } from "./peer-identity.ts";
import { unary } from "./service.ts";
import type { Call, Reply, ServiceTable } from "./service.ts";

interface ForwardRequest {
  readonly method: string;
  readonly request: Uint8Array;
  readonly timeoutMs: number;
  /** Who hands it on. */
  readonly hello?: Hello;
  readonly caller: Caller;
}

export interface ForwarderOptions {
  readonly client: () => Client;
  /** Of this member to the peer. */
  readonly hello: Hello;
  readonly monotonicMs: () => MonotonicMs;
  /** Calls at a time; more are refused. */
  readonly openMax: number;
}

/** The asking side, of one peer. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  #open = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  forward(method: ForwardedPath, request: Uint8Array, context: CallContext, reply: Reply): void {
    const { client, hello, monotonicMs, openMax } = this.#options;
    if (this.#open >= openMax) {
      reply(new KvError("too-many-requests", "not-applied", `${this.#open} calls are forwarded`));
      return;
    }
    const timeoutMs = Math.max(1, Math.ceil(context.deadlineAtMs - monotonicMs()));
    this.#open += 1;
    const call = client().makeUnaryRequest(
      "/hansa.peer.v1.Peer/Forward",
      bytesOut,
      bytesIn,
      encodeForward({ method, request, timeoutMs, hello, caller: context.caller }),
      new Metadata(),
      { deadline: Date.now() + timeoutMs },
      (error, response) => {
        this.#open -= 1;
        if (this.#open === 0) this.#onIdle?.();
        context.signal.removeEventListener("abort", cancel);
        reply(error === null ? answerIn(response) : errorIn(error));
      },
    );
    const cancel = (): void => call.cancel();
    context.signal.addEventListener("abort", cancel);
    if (context.signal.aborted) cancel();
  }

  /** Calls `done` once no call is open, possibly at once; to be used when no other will be forwarded. */
  whenIdle(done: () => void): void {
    if (this.#open === 0) done();
    else this.#onIdle = done;
  }
}

/**
 * The answering side: `services` are the clients' own. What a member says of who asks is believed as far as the
 * rest of what it says: `faultOf` tells why a hello is no member's.
 */
export function forwardTable(
  services: ServiceTable,
  monotonicMs: () => MonotonicMs,
  faultOf: (hello: Hello) => string | undefined,
): ServiceTable {
  return {
    "/hansa.peer.v1.Peer/Forward": unary((bytes, call, reply) => {
      const { method, request, timeoutMs, hello, caller } = decoded(bytes, readForward);
      const fault = hello === undefined ? "it has not said who it is" : faultOf(hello);
      if (fault !== undefined && caller !== NOBODY) throw refusedPeer(fault);
      const asked = isForwarded(method) ? services[method] : undefined;
      if (asked?.kind !== "unary") throw invalid(`${method} is not forwarded`);
      const deadlineAtMs = Math.min(call.deadlineAtMs, monotonicMs() + timeoutMs) as MonotonicMs;
      asked.handle(request, forwardedCall(call, caller, deadlineAtMs), (result) => {
        reply(result instanceof Uint8Array ? encodeAnswer(result) : result);
      });
    }),
  };
}

function forwardedCall(call: Call, caller: Caller, deadlineAtMs: MonotonicMs): Call {
  return {
    deadlineAtMs,
    forwarded: true,
    get signal() {
      return call.signal;
    },
    caller,
    header: () => undefined,
  };
}

function encodeForward(asked: ForwardRequest): Uint8Array {
  const { method, request, timeoutMs, hello, caller } = asked;
  const writer = new Writer()
    .reserve(request.length + 64)
    .uint32((1 << 3) | 2)
    .string(method)
    .uint32((2 << 3) | 2)
    .bytes(request)
    .uint32(3 << 3)
    .uint32(timeoutMs);
  if (hello !== undefined) writer.uint32((4 << 3) | 2).bytes(helloBytes(hello));
  writeCaller(writer, 5, caller);
  return writer.finish(true);
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function readForward(reader: Reader): ForwardRequest {
  let method = "";
  let request = NO_BYTES;
  let timeoutMs = 0;
  let hello: Hello | undefined;
  let caller = NOBODY;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | 2)) method = reader.string();
    else if (tag === ((2 << 3) | 2)) request = reader.bytes();
    else if (tag === 3 << 3) timeoutMs = reader.uint32();
    else if (tag === ((4 << 3) | 2)) hello = reader.nested(readHello);
    else if (tag === ((5 << 3) | 2)) caller = reader.nested(readCaller);
    else reader.pass(tag);
  }
  return { method, request, timeoutMs, caller, ...(hello === undefined ? {} : { hello }) };
}

function encodeAnswer(response: Uint8Array): Uint8Array {
  return new Writer()
    .reserve(response.length + 8)
    .uint32((1 << 3) | 2)
    .bytes(response)
    .finish(true);
}

function answerIn(bytes: Uint8Array | undefined): Uint8Array | KvError {
  try {
    return decoded(bytes ?? NO_BYTES, readAnswer);
  } catch (cause) {
    return new KvError("internal", "not-applied", "hansa: the leader's answer is malformed", {
      cause,
    });
  }
}

function readAnswer(reader: Reader): Uint8Array {
  let response = NO_BYTES;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | 2)) response = reader.bytes();
    else reader.pass(tag);
  }
  return response;
}
