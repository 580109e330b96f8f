// A streaming method between a service and a client that speaks JSON: values in, values out, whatever carries them.
import { KvError } from "../../base/index.ts";
import type { MethodShape } from "../../proto/index.ts";
import type { Method, StreamSink, StreamSource } from "../service.ts";
import type { Status } from "../status.ts";
import { failureOf } from "./gateway-error.ts";
import type { Failure } from "./gateway-error.ts";
import type { GatewayCall } from "./gateway-call.ts";
import { sizeRefusal } from "./gateway-size.ts";
import { parseJson } from "./json-text.ts";
import { messageOfJson } from "./json-to-message.ts";
import { jsonOfMessage } from "./message-to-json.ts";

/** What carries the values. */
export interface JsonLines {
  /** False: the client takes it slowly; `GatewayStream.onDrain` says when it has all. */
  write(text: string): boolean;
  /** The last word: well, or with an error. */
  end(failure?: Failure): void;
  /** Asks for no more values; a few may still come. */
  pause(): void;
  resume(): void;
}

export interface GatewayStreamOptions {
  readonly method: Extract<Method, { readonly kind: "stream" }>;
  readonly shape: MethodShape;
  readonly call: GatewayCall;
  readonly lines: JsonLines;
  /** Of one request as protobuf. */
  readonly messageBytesMax: number;
  readonly onBug: (cause: unknown) => void;
  /** Once: nothing of it is left. */
  readonly onClose: () => void;
}

export class GatewayStream implements StreamSink {
  readonly #options: GatewayStreamOptions;
  #source: StreamSource | undefined;
  /** Values that came while none may be handed on: at most those of one chunk. */
  #queue: string[] = [];
  #paused = false;
  #endTaken = false;
  #endTold = false;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GatewayStreamOptions) {
    this.#options = options;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** Before anything else. */
  open(): void {
    const { method, call } = this.#options;
    this.#timer = call.atDeadline((late) => this.end(late));
    this.#guard(() => {
      this.#source = method.open(this, call);
    });
    // It may have ended inside the call.
    if (this.#over) this.#tellClose();
  }

  /** The next value of the client. */
  take(text: string): void {
    if (this.#over) return;
    this.#queue.push(text);
    this.#run();
  }

  /** The client has no more values. */
  takeEnd(): void {
    this.#endTaken = true;
    this.#run();
  }

  onDrain(): void {
    this.#guard(() => this.#source?.onDrain());
  }

  /** The client has gone. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#tellClose();
  }

  write(message: Uint8Array): boolean {
    if (this.#over) return false;
    const { lines, shape } = this.#options;
    return lines.write(`{"result":${jsonOfMessage(shape.response, message)}}`);
  }

  end(error?: KvError | Status): void {
    this.fail(error === undefined ? undefined : failureOf(error));
  }

  /** As `end`, with what HTTP says of it. */
  fail(failure: Failure | undefined): void {
    if (this.#over) return;
    this.#over = true;
    if (failure === undefined) this.#options.lines.end();
    else this.#options.lines.end(failure);
    if (this.#source !== undefined) this.#tellClose();
  }

  pause(): void {
    this.#paused = true;
    this.#options.lines.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // Not inside the call that resumes: what was kept is an input of its own.
    queueMicrotask(() => {
      this.#run();
      if (!this.#paused && !this.#over) this.#options.lines.resume();
    });
  }

  #run(): void {
    const { shape, messageBytesMax } = this.#options;
    while (!this.#paused && !this.#over) {
      const text = this.#queue.shift();
      if (text === undefined) break;
      this.#guard(() => {
        const request = messageOfJson(shape.request, parseJson(text));
        const oversize = sizeRefusal(request, messageBytesMax);
        if (oversize === undefined) this.#source?.onMessage(request);
        else this.end(oversize);
      });
    }
    if (!this.#endTaken || this.#endTold || this.#paused || this.#over) return;
    this.#endTold = true;
    this.#guard(() => this.#source?.onEnd());
  }

  #tellClose(): void {
    const { call, onClose } = this.#options;
    clearTimeout(this.#timer);
    this.#queue = [];
    call.close();
    onClose();
    const source = this.#source;
    if (source !== undefined) queueMicrotask(() => this.#call(() => source.onClose()));
  }

  #guard(run: () => void): void {
    if (!this.#over) this.#call(run);
  }

  #call(run: () => void): void {
    try {
      run();
    } catch (cause) {
      if (cause instanceof KvError) this.end(cause);
      else this.#options.onBug(cause);
    }
  }
}
