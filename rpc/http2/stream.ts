// One call: a stream of HTTP/2 from its request's head to its trailers, in the form that services know.
import { KvError } from "../../base/index.ts";
import type { MonotonicMs } from "../../base/index.ts";
import { GRPC } from "../../proto/index.ts";
import { NOBODY } from "../../store/index.ts";
import type { Call, Method, StreamSink, StreamSource } from "../service.ts";
import { statusOf } from "../status.ts";
import type { Status } from "../status.ts";
import { DeclaredLength } from "./declared-length.ts";
import { OK_TRAILERS, trailersOf, trailersOnlyOf } from "./hpack-encoder.ts";
import { ENCODINGS, inflateMessage } from "./inflation.ts";
import { ErrorCode, StreamFault } from "./fault.ts";
import { ReceiveWindow } from "./flow-window.ts";
import { MessageReader } from "./message-reader.ts";
import type { RequestHead } from "./request-head.ts";
import type { Route } from "./route.ts";
import { StreamOutput } from "./stream-output.ts";
import type { Transmission } from "./transmission.ts";

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly transmission: Transmission;
  /** As the call's. */
  readonly origin: Pick<Call, "certificate" | "certificateName" | "remoteAddress">;
  readonly monotonicMs: () => MonotonicMs;
  readonly callTimeoutMs: number;
  readonly messageBytesMax: number;
  readonly streamWindowBytes: number;
  /** Counts bytes of requests that are not whole; false: too many. */
  readonly holdPartial: (bytes: number) => boolean;
  readonly releasePartial: (bytes: number) => void;
  /** Bytes of DATA that are held no more. */
  readonly onConsumed: (bytes: number) => void;
  /** The handler of a unary call was called, and has replied, maybe after the stream was gone. */
  readonly onCalled: () => void;
  readonly onReplied: () => void;
  /** The answer has left. */
  readonly onAnswered: (stream: Http2Stream) => void;
  readonly onBug: (cause: unknown) => void;
}

const KEPT_BYTES_MIN = 4_096;

export class Http2Stream implements Call, StreamSink {
  readonly id: number;
  readonly deadlineAtMs: MonotonicMs;
  /** What the client asked for; the server's own limit is the services' to keep. */
  readonly clientDeadlineAtMs: number;
  readonly forwarded = false;
  /** The gate before the services says who it is. */
  readonly caller = NOBODY;
  readonly certificate: Call["certificate"];
  readonly certificateName: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly isUnary: boolean;
  readonly output: StreamOutput;
  readonly #owner: StreamOwner;
  readonly #head: RequestHead;
  readonly #route: Route | undefined;
  readonly #window: ReceiveWindow;
  readonly #length: DeclaredLength;
  #reader: MessageReader | undefined;
  #source: StreamSource | undefined;
  #request: Buffer | undefined;
  /** DATA that came while nothing may be handed on: at most the stream's window. */
  #kept: Buffer[] = [];
  #paused = false;
  #inflating = false;
  #remoteEnded = false;
  #endTold = false;
  #answered = false;
  #closed = false;
  #abort: AbortController | undefined;

  constructor(
    id: number,
    head: RequestHead,
    route: Route | undefined,
    windowBytes: number,
    owner: StreamOwner,
  ) {
    this.id = id;
    this.#head = head;
    this.#route = route;
    this.#owner = owner;
    const { certificate, certificateName, remoteAddress } = owner.origin;
    this.certificate = certificate;
    this.certificateName = certificateName;
    this.remoteAddress = remoteAddress;
    this.isUnary = route?.method.kind === "unary";
    this.#window = new ReceiveWindow(owner.streamWindowBytes);
    this.#length = new DeclaredLength(id, head.contentBytes);
    const nowMs = owner.monotonicMs();
    this.clientDeadlineAtMs = nowMs + (head.timeoutMs ?? Infinity);
    // What comes over a long stream has deadlines of its own.
    const longLived = route?.streaming === "both" || route?.streaming === "client";
    const limitAtMs = longLived ? Infinity : nowMs + owner.callTimeoutMs;
    this.deadlineAtMs = Math.min(this.clientDeadlineAtMs, limitAtMs) as MonotonicMs;
    this.output = new StreamOutput({
      streamId: id,
      windowBytes,
      transmission: owner.transmission,
      monotonicMs: owner.monotonicMs,
      onDrain: () => this.#guard(() => this.#source?.onDrain()),
      onEnd: () => owner.onAnswered(this),
    });
  }

  get remoteEnded(): boolean {
    return this.#remoteEnded;
  }

  /** Made when first asked for: most calls end without anybody asking. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#closed) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  header(name: string): string | undefined {
    for (const field of this.#head.fields) if (field.name === name) return field.value;
    return undefined;
  }

  /** The request's head has come: refuses what cannot be served, opens what reads as it comes. */
  begin(): void {
    const { path, timeoutMs, encoding } = this.#head;
    if (this.#route === undefined) {
      this.#fail(GRPC.UNIMPLEMENTED, `The server does not implement the method ${path}`);
    } else if (timeoutMs === undefined) {
      const value = this.header("grpc-timeout") ?? "";
      this.#fail(GRPC.INTERNAL, `Invalid grpc-timeout value "${value}"`);
    } else if (!ENCODINGS.has(encoding)) {
      const text = `Received message compressed with unsupported encoding "${encoding}"`;
      this.#fail(GRPC.UNIMPLEMENTED, text);
    } else if (this.#route.streaming === "both" || this.#route.streaming === "client") {
      this.#open();
    }
  }

  /**
   * DATA: the payload `bytes[from, until)`, of a frame that counts `flowBytes` with its padding.
   *
   * @throws {StreamFault} STREAM_CLOSED after the client's end, FLOW_CONTROL_ERROR above the window,
   *   PROTOCOL_ERROR above the declared length.
   */
  receive(bytes: Buffer, from: number, until: number, flowBytes: number): void {
    if (this.#remoteEnded) throw this.#fault(ErrorCode.STREAM_CLOSED, "DATA after the end");
    if (!this.#window.receive(flowBytes)) {
      throw this.#fault(ErrorCode.FLOW_CONTROL_ERROR, "DATA above the window");
    }
    this.#length.count(until - from);
    this.#consume(flowBytes - (until - from));
    if (this.#answered) this.#consume(until - from);
    else if (this.#mayRead) this.#read(bytes, from, until);
    else this.#keep(bytes, from, until);
  }

  /**
   * @throws {StreamFault} STREAM_CLOSED when the client has ended it before, PROTOCOL_ERROR below the declared
   *   length.
   */
  receiveEnd(): void {
    if (this.#remoteEnded) throw this.#fault(ErrorCode.STREAM_CLOSED, "a second end");
    this.#length.end();
    this.#remoteEnded = true;
    this.#tellEnd();
  }

  write(message: Uint8Array): boolean {
    if (this.#answered || this.#closed) return false;
    const taken = this.output.send(message);
    if (taken === "refused") this.end(tooMuchHeld());
    return taken === "sent";
  }

  end(error?: KvError | Status): void {
    if (this.#answered || this.#closed) return;
    this.#answered = true;
    this.#dropInput();
    if (error === undefined) {
      this.output.end(this.output.begun ? OK_TRAILERS : trailersOnlyOf(OK));
      return;
    }
    const status = error instanceof KvError ? statusOf(error) : error;
    this.output.end(this.output.begun ? trailersOf(status) : trailersOnlyOf(status));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // Not inside the call that resumes: what was kept is an input of its own.
    queueMicrotask(() => this.#readKept());
  }

  /** The stream is over, by whichever side. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#answered = true;
    this.#dropInput();
    this.output.close();
    this.#abort?.abort();
    const source = this.#source;
    if (source !== undefined) queueMicrotask(() => this.#run(() => source.onClose()));
  }

  get #mayRead(): boolean {
    return !this.#paused && !this.#inflating && this.#kept.length === 0;
  }

  #read(bytes: Buffer, from: number, until: number): void {
    this.#reader ??= this.#newReader();
    const read = this.#reader.read(bytes, from, until);
    if (read < until && !this.#answered)
      this.#kept.unshift(Buffer.from(bytes.subarray(read, until)));
    this.#consume((this.#answered ? until : read) - from);
  }

  /** Small frames share a buffer: what is kept costs about what it says. */
  #keep(bytes: Buffer, from: number, until: number): void {
    const last = this.#kept.at(-1);
    const added = bytes.subarray(from, until);
    if (last === undefined || last.length >= KEPT_BYTES_MIN) this.#kept.push(Buffer.from(added));
    else this.#kept[this.#kept.length - 1] = Buffer.concat([last, added]);
  }

  #readKept(): void {
    while (!this.#paused && !this.#inflating && !this.#answered) {
      const bytes = this.#kept.shift();
      if (bytes === undefined) break;
      this.#read(bytes, 0, bytes.length);
    }
    this.#tellEnd();
  }

  #newReader(): MessageReader {
    const { messageBytesMax, holdPartial, releasePartial } = this.#owner;
    return new MessageReader({
      messageBytesMax,
      hold: holdPartial,
      release: releasePartial,
      onMessage: (message, isCompressed) => {
        if (isCompressed) this.#inflate(message);
        else this.#onMessage(message);
        return !this.#paused && !this.#inflating && !this.#answered;
      },
      onFault: (fault, messageBytes) => {
        if (fault === "too-much-held") this.end(tooMuchHeld());
        else {
          const text = `Received message larger than max (${messageBytes} vs ${messageBytesMax})`;
          this.#fail(GRPC.RESOURCE_EXHAUSTED, text);
        }
      },
    });
  }

  #inflate(message: Buffer): void {
    const { messageBytesMax, holdPartial, releasePartial } = this.#owner;
    const { encoding } = this.#head;
    if (encoding === "identity") {
      this.#fail(GRPC.INTERNAL, "Received a compressed message without grpc-encoding");
      return;
    }
    // What it may become counts: it is bounded, but not known.
    const bytes = message.length + messageBytesMax;
    if (!holdPartial(bytes)) {
      this.end(tooMuchHeld());
      return;
    }
    this.#inflating = true;
    inflateMessage(encoding, message, messageBytesMax, (result) => {
      releasePartial(bytes);
      this.#inflating = false;
      if (this.#answered) return;
      if (Buffer.isBuffer(result)) this.#onMessage(result);
      else this.end(result);
      this.#readKept();
    });
  }

  #onMessage(message: Buffer): void {
    if (this.#source !== undefined) {
      const source = this.#source;
      this.#guard(() => source.onMessage(message));
    } else if (this.#request === undefined) {
      this.#request = message;
    } else {
      this.#fail(GRPC.UNIMPLEMENTED, "Received a second request message for a unary request");
    }
  }

  /** Once, after the last message. */
  #tellEnd(): void {
    if (!this.#remoteEnded || this.#endTold || this.#answered || !this.#mayRead) return;
    this.#endTold = true;
    if (this.#reader?.midway === true) {
      this.#fail(GRPC.INTERNAL, "The request ended within a message");
    } else if (this.#source !== undefined) {
      const source = this.#source;
      this.#guard(() => source.onEnd());
    } else if (this.#request === undefined) {
      this.#fail(GRPC.UNIMPLEMENTED, "Received no request message");
    } else if (this.#route?.method.kind === "unary") {
      this.#call(this.#route.method, this.#request);
    } else {
      this.#serve(this.#request);
    }
  }

  #call(method: Extract<Method, { kind: "unary" }>, request: Buffer): void {
    this.#owner.onCalled();
    try {
      method.handle(request, this, (result) => this.#reply(result));
    } catch (cause) {
      if (cause instanceof KvError) this.#reply(cause);
      else this.#owner.onBug(cause);
    }
  }

  #reply(result: Uint8Array | KvError | Status): void {
    this.#owner.onReplied();
    if (result instanceof Uint8Array) {
      // What it asked for may have happened: the answer alone is lost.
      if (!this.#answered && this.output.send(result) === "refused") this.end(tooMuchHeld());
      else this.end();
    } else this.end(result);
  }

  /** A server stream: its one request, then the end. */
  #serve(request: Buffer): void {
    this.#open();
    const source = this.#source;
    if (source === undefined) return;
    this.#guard(() => source.onMessage(request));
    this.#guard(() => source.onEnd());
  }

  #open(): void {
    const method = this.#route?.method;
    if (method?.kind !== "stream") return;
    this.#guard(() => {
      this.#source = method.open(this, this);
    });
    const source = this.#source;
    if (this.#closed && source !== undefined) {
      queueMicrotask(() => this.#run(() => source.onClose()));
    }
  }

  #consume(bytes: number): void {
    if (bytes === 0) return;
    this.#owner.onConsumed(bytes);
    if (this.#remoteEnded || this.#answered) return;
    const increment = this.#window.use(bytes);
    if (increment > 0) this.#owner.transmission.windowUpdate(this.id, increment);
  }

  #dropInput(): void {
    this.#reader?.close();
    for (const { length } of this.#kept) this.#owner.onConsumed(length);
    this.#kept = [];
    this.#request = undefined;
  }

  #guard(run: () => void): void {
    if (!this.#closed) this.#run(run);
  }

  #run(run: () => void): void {
    try {
      run();
    } catch (cause) {
      if (cause instanceof KvError) this.end(cause);
      else this.#owner.onBug(cause);
    }
  }

  #fail(code: number, message: string): void {
    this.end({ code, message, trailers: {} });
  }

  #fault(code: ErrorCode, message: string): StreamFault {
    return new StreamFault(this.id, code, message);
  }
}

const OK: Status = { code: 0, message: "", trailers: {} };

function tooMuchHeld(): KvError {
  return new KvError("too-many-requests", "unknown", "the connection holds too many bytes");
}
