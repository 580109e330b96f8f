// hansa.v1.Pipeline/Exchange: batches of KV calls over one stream. Each call is the unary method's own
// handler; what is ready in one turn leaves in one message.
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { ERROR_TRAILER, OUTCOME_TRAILER, Writer } from "../proto/index.ts";
import type { Int64, MethodPath, Reader } from "../proto/index.ts";
import type { Caller } from "../store/index.ts";
import { decoded, invalid } from "./decode.ts";
import { stream } from "./service.ts";
import type {
  Call,
  Reply,
  ServiceTable,
  StreamSink,
  StreamSource,
  UnaryHandler,
} from "./service.ts";
import { statusOf } from "./status.ts";
import type { Status } from "./status.ts";

export interface PipelineOptions {
  /** Has the unary KV methods. */
  readonly kv: ServiceTable;
  readonly monotonicMs: () => MonotonicMs;
  /** The server's own limit of a call, and the default of `timeout_ms`. */
  readonly callTimeoutMs: number;
  /** Calls open on one stream at which it is no longer read; twice as many, and more are refused. */
  readonly openCallsMax: number;
  /** Runs once, after the inputs that this turn still holds. */
  readonly endOfTurn: (run: () => void) => void;
}

/** Field numbers of Call.request and Reply.response, which agree. */
const METHODS: ReadonlyMap<number, MethodPath> = new Map<number, MethodPath>([
  [2, "/etcdserverpb.KV/Range"],
  [3, "/etcdserverpb.KV/Put"],
  [4, "/etcdserverpb.KV/DeleteRange"],
  [5, "/etcdserverpb.KV/Txn"],
  [6, "/etcdserverpb.KV/Compact"],
]);
const FAILURE_FIELD = 15;

export function pipelineTable(options: PipelineOptions): ServiceTable {
  const handlers = new Map<number, UnaryHandler>();
  for (const [field, path] of METHODS) {
    const method = options.kv[path];
    if (method?.kind === "unary") handlers.set(field, method.handle);
  }
  return {
    "/hansa.v1.Pipeline/Exchange": stream((sink, call) => {
      return new Exchange(options, handlers, sink, call);
    }),
  };
}

/** One call of a batch as it came: `request` is a view into the batch. */
interface PipelinedCall {
  readonly id: Int64;
  readonly field: number;
  readonly request: Uint8Array;
  readonly timeoutMs: number;
}

class Exchange implements StreamSource {
  readonly #options: PipelineOptions;
  readonly #handlers: ReadonlyMap<number, UnaryHandler>;
  readonly #sink: StreamSink;
  readonly #call: Call;
  #replies: { id: Int64; field: number; result: Uint8Array | Status }[] = [];
  #open = 0;
  #paused = false;
  #full = false;
  #flushing = false;
  #ended = false;

  constructor(
    options: PipelineOptions,
    handlers: ReadonlyMap<number, UnaryHandler>,
    sink: StreamSink,
    call: Call,
  ) {
    this.#options = options;
    this.#handlers = handlers;
    this.#sink = sink;
    this.#call = call;
  }

  onMessage(message: Uint8Array): void {
    for (const pipelined of decoded(message, readBatch)) this.#begin(pipelined);
    this.#regulate();
  }

  onEnd(): void {
    this.#ended = true;
    this.#endIfDone();
  }

  onDrain(): void {
    this.#full = false;
    this.#flush();
  }

  /** Calls still open end by themselves; their replies have nowhere to go. */
  onClose(): void {
    this.#full = true;
    this.#replies = [];
  }

  #begin(pipelined: PipelinedCall): void {
    const { id, field, request } = pipelined;
    this.#open += 1;
    const reply: Reply = (result) => this.#reply(id, field, result);
    const handle = this.#handlers.get(field);
    try {
      if (handle === undefined) throw invalid(`call ${id} has no request`);
      if (this.#open > 2 * this.#options.openCallsMax) {
        throw new KvError("too-many-requests", "not-applied", `${this.#open} calls are open`);
      }
      handle(request, this.#contextOf(pipelined), reply);
    } catch (cause) {
      if (!(cause instanceof KvError)) throw cause;
      reply(cause);
    }
  }

  #contextOf({ timeoutMs }: PipelinedCall): Call {
    const { monotonicMs, callTimeoutMs } = this.#options;
    const limitMs = timeoutMs === 0 ? callTimeoutMs : Math.min(timeoutMs, callTimeoutMs);
    return new PipelinedContext(this.#call, (monotonicMs() + limitMs) as MonotonicMs);
  }

  #reply(id: Int64, field: number, result: Uint8Array | KvError | Status): void {
    this.#open -= 1;
    const failed = !(result instanceof Uint8Array);
    this.#replies.push({
      id,
      field: failed ? FAILURE_FIELD : field,
      result: result instanceof KvError ? statusOf(result) : result,
    });
    if (this.#flushing) return;
    this.#flushing = true;
    this.#options.endOfTurn(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#full || this.#replies.length === 0) return;
    const writer = new Writer();
    for (const { id, field, result } of this.#replies) writeReply(writer, id, field, result);
    this.#replies = [];
    this.#full = !this.#sink.write(writer.finish(true));
    this.#regulate();
    this.#endIfDone();
  }

  /** What is open or waits to be written is bounded by not reading more. */
  #regulate(): void {
    const held = this.#open + this.#replies.length;
    const max = this.#options.openCallsMax;
    if (!this.#paused && held >= max) {
      this.#paused = true;
      this.#sink.pause();
    } else if (this.#paused && held <= max / 2) {
      this.#paused = false;
      this.#sink.resume();
    }
  }

  #endIfDone(): void {
    if (this.#ended && this.#open === 0 && this.#replies.length === 0) this.#sink.end();
  }
}

class PipelinedContext implements Call {
  readonly deadlineAtMs: MonotonicMs;
  readonly forwarded = false;
  readonly #stream: Call;

  constructor(call: Call, deadlineAtMs: MonotonicMs) {
    this.#stream = call;
    this.deadlineAtMs = deadlineAtMs;
  }

  get signal(): AbortSignal {
    return this.#stream.signal;
  }

  get caller(): Caller {
    return this.#stream.caller;
  }

  get certificateName(): string | undefined {
    return this.#stream.certificateName;
  }

  get remoteAddress(): string | undefined {
    return this.#stream.remoteAddress;
  }

  header(name: string): string | undefined {
    return this.#stream.header(name);
  }
}

function readBatch(reader: Reader): PipelinedCall[] {
  const calls: PipelinedCall[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === ((1 << 3) | 2)) calls.push(reader.nested(readCall));
    else reader.pass(tag);
  }
  return calls;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function readCall(reader: Reader): PipelinedCall {
  let id: Int64 = 0;
  let field = 0;
  let request = NO_BYTES;
  let timeoutMs = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) id = reader.uint64();
    else if (tag === 15 << 3) timeoutMs = reader.uint32();
    else if ((tag & 7) === 2 && METHODS.has(tag >>> 3)) {
      field = tag >>> 3;
      request = reader.bytes();
    } else reader.pass(tag);
  }
  return { id, field, request, timeoutMs };
}

function writeReply(writer: Writer, id: Int64, field: number, result: Uint8Array | Status): void {
  writer.uint32((1 << 3) | 2).fork();
  if (id !== 0) writer.uint32(1 << 3).uint64(id);
  writer.uint32((field << 3) | 2);
  if (result instanceof Uint8Array) writer.bytes(result);
  else writeFailure(writer.fork(), result);
  writer.ldelim();
}

function writeFailure(writer: Writer, status: Status): void {
  writer.uint32(1 << 3).uint32(status.code);
  writer.uint32((2 << 3) | 2).string(status.message);
  const error = status.trailers[ERROR_TRAILER];
  if (error !== undefined) writer.uint32((3 << 3) | 2).string(error);
  const outcome = status.trailers[OUTCOME_TRAILER];
  if (outcome !== undefined) writer.uint32((4 << 3) | 2).string(outcome);
  writer.ldelim();
}
