// hansa.peer.v1.Peer/Forward, both sides: a client's read handed to the leader, answered by its service as
// if the client had come there, and the bytes of the answer handed back.
import type { Client } from "@grpc/grpc-js";
import { Metadata } from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { Writer } from "../proto/index.ts";
import type { MethodPath, Reader } from "../proto/index.ts";
import { NOBODY } from "../store/index.ts";
import type { CallContext } from "./backend.ts";
import { decoded, invalid } from "./decode.ts";
import { bytesIn, bytesOut, errorIn } from "./grpc-bytes.ts";
import { unary } from "./service.ts";
import type { Call, Reply, ServiceTable } from "./service.ts";

/**
 * Reads, and changes of membership, which are compare-and-set: a forwarded write of data would need the
 * asker's own apply to answer it (peer-message.ts).
 */
const FORWARDED: ReadonlySet<string> = new Set<MethodPath>([
  "/etcdserverpb.KV/Range",
  "/etcdserverpb.Cluster/MemberAdd",
  "/etcdserverpb.Cluster/MemberRemove",
  "/etcdserverpb.Cluster/MemberUpdate",
  "/etcdserverpb.Cluster/MemberList",
  "/etcdserverpb.Cluster/MemberPromote",
]);

interface ForwardRequest {
  readonly method: string;
  readonly request: Uint8Array;
  readonly timeoutMs: number;
}

/** The asking side, of one peer. */
export class Forwarder {
  readonly #client: () => Client;
  readonly #monotonicMs: () => MonotonicMs;
  readonly #openMax: number;
  #open = 0;
  #onIdle: (() => void) | undefined;

  constructor(client: () => Client, monotonicMs: () => MonotonicMs, openMax: number) {
    this.#client = client;
    this.#monotonicMs = monotonicMs;
    this.#openMax = openMax;
  }

  forward(method: MethodPath, request: Uint8Array, context: CallContext, reply: Reply): void {
    if (this.#open >= this.#openMax) {
      reply(new KvError("too-many-requests", "not-applied", `${this.#open} calls are forwarded`));
      return;
    }
    const timeoutMs = Math.max(1, Math.ceil(context.deadlineAtMs - this.#monotonicMs()));
    this.#open += 1;
    const call = this.#client().makeUnaryRequest(
      "/hansa.peer.v1.Peer/Forward",
      bytesOut,
      bytesIn,
      encodeForward({ method, request, timeoutMs }),
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

/** The answering side: `services` are the clients' own. */
export function forwardTable(services: ServiceTable, monotonicMs: () => MonotonicMs): ServiceTable {
  return {
    "/hansa.peer.v1.Peer/Forward": unary((bytes, call, reply) => {
      const { method, request, timeoutMs } = decoded(bytes, readForward);
      const asked = FORWARDED.has(method) ? services[method as MethodPath] : undefined;
      if (asked?.kind !== "unary") throw invalid(`${method} is not forwarded`);
      const deadlineAtMs = Math.min(call.deadlineAtMs, monotonicMs() + timeoutMs) as MonotonicMs;
      asked.handle(request, forwardedCall(call, deadlineAtMs), (result) => {
        reply(result instanceof Uint8Array ? encodeAnswer(result) : result);
      });
    }),
  };
}

function forwardedCall(call: Call, deadlineAtMs: MonotonicMs): Call {
  return {
    deadlineAtMs,
    forwarded: true,
    get signal() {
      return call.signal;
    },
    // Until the asking member says who asks.
    caller: NOBODY,
    header: () => undefined,
  };
}

function encodeForward({ method, request, timeoutMs }: ForwardRequest): Uint8Array {
  return new Writer()
    .reserve(request.length + 64)
    .uint32((1 << 3) | 2)
    .string(method)
    .uint32((2 << 3) | 2)
    .bytes(request)
    .uint32(3 << 3)
    .uint32(timeoutMs)
    .finish(true);
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function readForward(reader: Reader): ForwardRequest {
  let method = "";
  let request = NO_BYTES;
  let timeoutMs = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | 2)) method = reader.string();
    else if (tag === ((2 << 3) | 2)) request = reader.bytes();
    else if (tag === 3 << 3) timeoutMs = reader.uint32();
    else reader.pass(tag);
  }
  return { method, request, timeoutMs };
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
