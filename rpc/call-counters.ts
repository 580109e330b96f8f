// What services were asked and how they answered, as plain numbers for whoever exports metrics: a table of services
// goes in, the same comes out, counted. A call costs a few additions; its time is taken only where that is asked.
import { Buckets, KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { GRPC, METHOD_PATHS } from "../proto/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type {
  Call,
  Method,
  Reply,
  ServiceTable,
  StreamHandler,
  StreamSink,
  StreamSource,
  UnaryHandler,
} from "./service.ts";
import { statusOf } from "./status.ts";
import type { Status } from "./status.ts";

/** What gRPC puts before each message. */
const FRAME_BYTES = 5;
/** gRPC's codes are 0 to 16. */
const CODES = 17;
const OK = 0;
/** Prometheus's own, which etcd has for calls. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class MethodCounters {
  readonly path: MethodPath;
  started = 0;
  received = 0;
  sent = 0;
  /** With what gRPC puts before each message. */
  receivedBytes = 0;
  sentBytes = 0;
  /** By gRPC code. */
  readonly ended = new Array<number>(CODES).fill(0);
  readonly seconds: Buckets | undefined;
  readonly #now: () => MonotonicMs;

  constructor(path: MethodPath, now: () => MonotonicMs, timed: boolean) {
    this.path = path;
    this.#now = now;
    this.seconds = timed ? new Buckets(SECONDS) : undefined;
  }

  get open(): number {
    return this.started - this.ended.reduce((sum, count) => sum + count, 0);
  }

  /** @returns since when its time is taken. */
  begin(): number {
    this.started += 1;
    return this.seconds === undefined ? 0 : this.#now();
  }

  end(code: number, beganAtMs: number): void {
    this.ended[code] = (this.ended[code] ?? 0) + 1;
    this.seconds?.add((this.#now() - beganAtMs) / 1000);
  }

  tookIn(message: Uint8Array): void {
    this.received += 1;
    this.receivedBytes += message.length + FRAME_BYTES;
  }

  gaveOut(message: Uint8Array): void {
    this.sent += 1;
    this.sentBytes += message.length + FRAME_BYTES;
  }
}

export class CallCounters {
  readonly methods: ReadonlyMap<MethodPath, MethodCounters>;
  readonly timed: boolean;

  /** `timed`: each call's time is taken too. */
  constructor(now: () => MonotonicMs, options: { readonly timed: boolean }) {
    this.timed = options.timed;
    this.methods = new Map(
      METHOD_PATHS.map((path) => [path, new MethodCounters(path, now, options.timed)]),
    );
  }

  counted(table: ServiceTable): ServiceTable {
    const counted = Object.entries(table).map(([path, method]) => {
      const counters = this.methods.get(path as MethodPath);
      return [path, counters === undefined ? method : countedMethod(method, counters)];
    });
    return Object.fromEntries(counted) as ServiceTable;
  }
}

function countedMethod(method: Method, counters: MethodCounters): Method {
  return method.kind === "unary"
    ? { kind: "unary", handle: countedUnary(method.handle, counters) }
    : { kind: "stream", open: countedStream(method.open, counters) };
}

function countedUnary(handle: UnaryHandler, counters: MethodCounters): UnaryHandler {
  return (request, call, reply) => {
    const beganAtMs = counters.begin();
    counters.tookIn(request);
    const counting: Reply = (result) => {
      if (result instanceof Uint8Array) counters.gaveOut(result);
      counters.end(codeOfResult(result, call), beganAtMs);
      reply(result);
    };
    try {
      handle(request, call, counting);
    } catch (cause) {
      counters.end(codeOfThrown(cause), beganAtMs);
      throw cause;
    }
  };
}

function countedStream(open: StreamHandler, counters: MethodCounters): StreamHandler {
  return (sink, call) => {
    const counted = new CountedStream(sink, counters);
    try {
      counted.source = open(counted, call);
    } catch (cause) {
      counted.ended(codeOfThrown(cause));
      throw cause;
    }
    return counted;
  };
}

/** Both sides of one stream, seen from between. */
class CountedStream implements StreamSink, StreamSource {
  readonly #sink: StreamSink;
  readonly #counters: MethodCounters;
  readonly #beganAtMs: number;
  #isEnded = false;
  source: StreamSource | undefined;

  constructor(sink: StreamSink, counters: MethodCounters) {
    this.#sink = sink;
    this.#counters = counters;
    this.#beganAtMs = counters.begin();
  }

  ended(code: number): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#counters.end(code, this.#beganAtMs);
  }

  write(message: Uint8Array): boolean {
    this.#counters.gaveOut(message);
    return this.#sink.write(message);
  }

  end(error?: KvError | Status): void {
    this.ended(error === undefined ? OK : codeOf(error));
    this.#sink.end(error);
  }

  pause(): void {
    this.#sink.pause();
  }

  resume(): void {
    this.#sink.resume();
  }

  onMessage(message: Uint8Array): void {
    this.#counters.tookIn(message);
    try {
      this.source?.onMessage(message);
    } catch (cause) {
      this.ended(codeOfThrown(cause));
      throw cause;
    }
  }

  onEnd(): void {
    this.source?.onEnd();
  }

  onDrain(): void {
    this.source?.onDrain();
  }

  onClose(): void {
    this.ended(GRPC.CANCELLED);
    this.source?.onClose();
  }
}

/** Whoever has gone gets no answer, whatever it is. */
function codeOfResult(result: Parameters<Reply>[0], call: Call): number {
  if (call.signal.aborted) return GRPC.CANCELLED;
  return result instanceof Uint8Array ? OK : codeOf(result);
}

function codeOf(error: KvError | Status): number {
  return error instanceof KvError ? statusOf(error).code : error.code;
}

/** What is no KvError is a bug, which ends the process. */
function codeOfThrown(cause: unknown): number {
  return cause instanceof KvError ? statusOf(cause).code : GRPC.INTERNAL;
}
