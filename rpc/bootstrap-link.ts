// The asking side of hansa.region.v1.States: one attempt at one member of the donor's region. What comes is handed on as
// it comes, and is held up while `pause` says so.
import { Metadata } from "@grpc/grpc-js";
import type { Client, ClientReadableStream } from "@grpc/grpc-js";
import { KvError } from "../base/index.ts";
import { BOOTSTRAP_LIMITS } from "../federation/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { decodeStatePart, takeStateBytes } from "./bootstrap-codec.ts";
import type { StatePart, TakeState } from "./bootstrap-codec.ts";
import { bytesIn, bytesOut } from "./grpc-bytes.ts";
import type { PeerDialer } from "./peer-dial.ts";

const TAKE: MethodPath = "/hansa.region.v1.States/Take";
/** Of a message beside its chunk. */
const MESSAGE_BYTES = 1024;

export interface BootstrapLinkOptions {
  readonly url: string;
  readonly dialer: PeerDialer;
  readonly asked: TakeState;
  readonly onPart: (part: StatePart) => void;
  /** Once; nothing comes after it, nor after `close`. */
  readonly onLost: (reason: string) => void;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

export class BootstrapLink {
  readonly #options: BootstrapLinkOptions;
  readonly #client: Client;
  readonly #stream: ClientReadableStream<Uint8Array>;
  #ended = false;

  constructor(options: BootstrapLinkOptions) {
    this.#options = options;
    const { dialer, url, asked, keepaliveMs, keepaliveTimeoutMs } = options;
    this.#client = dialer.clientTo(url, {
      "grpc.max_receive_message_length": BOOTSTRAP_LIMITS.chunkBytesMax + MESSAGE_BYTES,
      "grpc.keepalive_time_ms": keepaliveMs,
      "grpc.keepalive_timeout_ms": keepaliveTimeoutMs,
    });
    const metadata = new Metadata();
    this.#stream = this.#client.makeServerStreamRequest(
      TAKE,
      bytesOut,
      bytesIn,
      takeStateBytes(asked),
      metadata,
      {},
    );
    this.#stream.on("data", (bytes: Uint8Array) => this.#onData(bytes));
    this.#stream.on("error", (error) => this.#lost(error.message));
    this.#stream.on("end", () => this.#lost("the donor ended the stream"));
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#ended = true;
    this.#stream.cancel();
    this.#client.close();
  }

  #onData(bytes: Uint8Array): void {
    if (this.#ended) return;
    try {
      const part = decodeStatePart(bytes);
      if (part !== undefined) this.#options.onPart(part);
    } catch (cause) {
      if (!(cause instanceof KvError)) throw cause;
      this.#lost(cause.message);
    }
  }

  #lost(reason: string): void {
    if (this.#ended) return;
    this.close();
    this.#options.onLost(reason);
  }
}
