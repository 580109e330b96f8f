// What the client of a stream sends: values as they come of a method that takes several, else the one, none being
// an empty one. Bounded in bytes, and in time from a value's beginning to its end.
import type { IncomingMessage } from "node:http";
import { KvError } from "../../base/index.ts";
import type { Streaming } from "../../proto/index.ts";
import { invalid } from "../decode.ts";
import type { GatewayStream } from "./gateway-stream.ts";
import type { HeldBytes } from "./held-bytes.ts";
import type { HttpLimits } from "./http-limits.ts";
import { JsonValues } from "./json-values.ts";
import type { Patience } from "./patience.ts";
import { bodyBytesMaxOf, readBody, tooLarge, tooMuchHeld, tooSlow } from "./request-body.ts";

export interface ValuesOptions {
  readonly streaming: Streaming;
  readonly messageBytesMax: number;
  readonly held: HeldBytes;
  readonly patience: Patience;
  readonly limits: HttpLimits;
}

/** Takes chunks of the body. */
export class StreamBody {
  readonly #options: ValuesOptions;
  readonly #stream: GatewayStream;
  readonly #values: JsonValues;
  #count = 0;
  #forget: (() => void) | undefined;

  constructor(options: ValuesOptions, stream: GatewayStream) {
    const { held, messageBytesMax } = options;
    const bytesMax = bodyBytesMaxOf(messageBytesMax);
    this.#options = options;
    this.#stream = stream;
    this.#values = new JsonValues({
      bytesMax,
      hold: (bytes) => held.hold(bytes),
      release: (bytes) => held.release(bytes),
      onValue: (text) => this.#take(text),
      onTooMuch: (fault, bytes) => {
        stream.fail(fault === "too-large" ? tooLarge(bytes, bytesMax) : tooMuchHeld());
      },
    });
  }

  push(chunk: Buffer): void {
    if (this.#stream.isOver) return;
    const before = this.#count;
    try {
      this.#values.push(chunk);
    } catch (cause) {
      if (!(cause instanceof KvError)) throw cause;
      this.#stream.end(cause);
    }
    if (this.#stream.isOver) this.close();
    else this.#time(this.#count > before);
  }

  end(): void {
    const midway = this.#values.midway;
    this.close();
    if (midway) {
      this.#stream.end(invalid("JSON: the body ends within an object"));
      return;
    }
    this.#stream.takeEnd();
  }

  /** Forgets what has come in part. */
  close(): void {
    this.#forget?.();
    this.#forget = undefined;
    this.#values.close();
  }

  #take(text: string): void {
    this.#count += 1;
    if (this.#count > 1 && this.#options.streaming === "server") {
      this.#stream.end(invalid("JSON: a second object; this method takes one"));
    } else this.#stream.take(text);
  }

  /** Each value has its own time, however many chunks it comes in. */
  #time(isAnother: boolean): void {
    const { patience, limits } = this.#options;
    if (isAnother || !this.#values.midway) {
      this.#forget?.();
      this.#forget = undefined;
    }
    if (!this.#values.midway) return;
    this.#forget ??= patience.wait(limits.bodyMs, () => {
      this.close();
      this.#stream.fail(tooSlow(limits.bodyMs));
    });
  }
}

/** The body of a request of HTTP. */
export function readValues(
  options: ValuesOptions,
  request: IncomingMessage,
  stream: GatewayStream,
): void {
  if (options.streaming === "server") readOne(options, request, stream);
  else {
    const body = new StreamBody(options, stream);
    request.on("data", (chunk: Buffer) => body.push(chunk));
    request.on("end", () => body.end());
    request.on("close", () => body.close());
  }
}

/** The one object of a method that takes no more. */
function readOne(
  { limits, messageBytesMax, held, patience }: ValuesOptions,
  request: IncomingMessage,
  stream: GatewayStream,
): void {
  const bytesMax = bodyBytesMaxOf(messageBytesMax);
  readBody(request, { bytesMax, held, patience, bodyMs: limits.bodyMs }, (body) => {
    if (typeof body !== "string") stream.fail(body);
    else {
      stream.take(body.trim() === "" ? "{}" : body);
      stream.takeEnd();
    }
  });
}
