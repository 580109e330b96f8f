// The stream to one neighbour of a federation: dialled at each of its addresses in turn, greeted, and opened again
// after jittered pauses. What comes is handed on as it comes; what is sent is bounded by who sends it.
import { Metadata } from "@grpc/grpc-js";
import type { Client, ClientDuplexStream } from "@grpc/grpc-js";
import { KvError, randomBetween } from "../base/index.ts";
import type { Random } from "../base/index.ts";
import type { ExchangeHello, PullMessage, ServeMessage } from "../federation/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { bytesIn, bytesOut } from "./grpc-bytes.ts";
import type { PeerDialer } from "./peer-dial.ts";
import { BATCH_BYTES_MAX } from "./region-batch.ts";
import { decodeServeMessage, pullMessageBytes } from "./region-codec.ts";

const PULL: MethodPath = "/hansa.region.v1.Exchange/Pull";

export interface RegionLinkLimits {
  /** Pauses between attempts double from the first to the second, each drawn from its upper half. */
  readonly pauseMinMs: number;
  readonly pauseMaxMs: number;
  /** From opening a stream to the other side's hello: a way around the world and back, and a handshake. */
  readonly greetingMs: number;
  /** A connection is pinged this often, and given up when a ping is not answered for this long. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Of HTTP/2: what may be on its way; its default of 64 KiB would be 430 KB/s over 150 ms. */
  readonly flowWindowBytes: number;
}

export const REGION_LINK_LIMITS_DEFAULT: RegionLinkLimits = {
  pauseMinMs: 100,
  pauseMaxMs: 5_000,
  greetingMs: 5_000,
  keepaliveMs: 2_000,
  keepaliveTimeoutMs: 4_000,
  flowWindowBytes: 16 * 1024 * 1024,
};

export interface RegionLinkOptions {
  /** URLs, tried in turn until one greets; at least one. */
  readonly urls: readonly string[];
  readonly dialer: PeerDialer;
  readonly limits: RegionLinkLimits;
  readonly random: Random;
  /** What this side says first; undefined: there is nothing to say yet, and it is asked again after a pause. */
  readonly hello: () => ExchangeHello | undefined;
  /** Why the other side's hello is refused; undefined: the stream is open, and `onMessage` may come. */
  readonly onHello: (hello: ExchangeHello) => string | undefined;
  readonly onMessage: (message: ServeMessage) => void;
  /** Once for each stream that was open, and for each attempt that failed. */
  readonly onLost: (reason: string, wasOpen: boolean) => void;
}

type Stream = ClientDuplexStream<Uint8Array, Uint8Array>;

type State =
  | { readonly kind: "greeting"; readonly stream: Stream; readonly timer: NodeJS.Timeout }
  | { readonly kind: "open"; readonly stream: Stream }
  /** `unheard`: behind an attempt that was not answered. */
  | { readonly kind: "pausing"; readonly timer: NodeJS.Timeout; readonly unheard: boolean }
  | { readonly kind: "closed" };

export class RegionLink {
  readonly #options: RegionLinkOptions;
  #client: Client | undefined;
  #state: State = { kind: "closed" };
  /** Attempts given up since the start: which address is tried next. */
  #turn = 0;
  #failures = 0;

  /** Begins to connect in a turn of its own: nothing is called back inside the constructor. */
  constructor(options: RegionLinkOptions) {
    this.#options = options;
    const timer = setTimeout(() => this.#connect(), 0);
    this.#state = { kind: "pausing", timer, unheard: false };
  }

  get isOpen(): boolean {
    return this.#state.kind === "open";
  }

  /** Lost without a word while the stream is not open. */
  send(message: PullMessage): void {
    if (this.#state.kind === "open") this.#state.stream.write(pullMessageBytes(message));
  }

  /** The neighbour has said what it may not say: another attempt is made after a pause. */
  giveUp(reason: string): void {
    const state = this.#state;
    if (state.kind === "greeting" || state.kind === "open") this.#lost(state.stream, reason);
  }

  /**
   * The neighbour is there again, for it dials: the next attempt is made at once, and those at its other addresses soon.
   * But not behind one that it answered: two that find fault with each other would go on without a pause.
   */
  hurry(): void {
    const state = this.#state;
    if (state.kind !== "pausing" || !state.unheard) return;
    this.#failures = 0;
    clearTimeout(state.timer);
    this.#connect();
  }

  /** Nothing is called back any more. */
  close(): void {
    const state = this.#state;
    this.#state = { kind: "closed" };
    if (state.kind === "greeting" || state.kind === "pausing") clearTimeout(state.timer);
    if (state.kind === "greeting" || state.kind === "open") state.stream.cancel();
    this.#client?.close();
  }

  get #url(): string {
    const { urls } = this.#options;
    return urls[this.#turn % urls.length] ?? "";
  }

  #connect(): void {
    const { dialer, limits, hello } = this.#options;
    const greeting = hello();
    if (greeting === undefined) {
      this.#pause(false);
      return;
    }
    // A client of its own for each attempt: with the certificates of today, and no pauses but ours.
    this.#client?.close();
    this.#client = dialer.clientTo(this.#url, {
      "grpc.max_receive_message_length": BATCH_BYTES_MAX,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": limits.keepaliveMs,
      "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
      "grpc.initial_reconnect_backoff_ms": limits.pauseMinMs,
      "grpc.max_reconnect_backoff_ms": limits.pauseMinMs,
      "grpc-node.flow_control_window": limits.flowWindowBytes,
      "grpc-node.max_session_memory": Number.MAX_SAFE_INTEGER,
    });
    const stream = this.#client.makeBidiStreamRequest(PULL, bytesOut, bytesIn, new Metadata(), {});
    const timer = setTimeout(() => this.#lost(stream, "no hello in time"), limits.greetingMs);
    this.#state = { kind: "greeting", stream, timer };
    stream.on("data", (bytes: Uint8Array) => this.#onData(stream, bytes));
    stream.on("error", (error) => this.#lost(stream, error.message));
    stream.on("end", () => this.#lost(stream, "the neighbour ended the stream"));
    stream.write(pullMessageBytes({ kind: "hello", hello: greeting }));
  }

  #onData(stream: Stream, bytes: Uint8Array): void {
    const state = this.#state;
    if (state.kind !== "greeting" && state.kind !== "open") return;
    if (state.stream !== stream) return;
    let message: ServeMessage | undefined;
    try {
      message = decodeServeMessage(bytes);
    } catch (cause) {
      if (!(cause instanceof KvError)) throw cause;
      this.#lost(stream, cause.message);
      return;
    }
    if (state.kind === "greeting") this.#greet(state, message);
    else if (message?.kind === "hello") this.#lost(stream, "the neighbour greeted twice");
    else if (message !== undefined) this.#options.onMessage(message);
  }

  #greet(state: Extract<State, { kind: "greeting" }>, message: ServeMessage | undefined): void {
    if (message?.kind !== "hello") {
      this.#lost(state.stream, "the neighbour did not greet");
      return;
    }
    clearTimeout(state.timer);
    this.#state = { kind: "open", stream: state.stream };
    const fault = this.#options.onHello(message.hello);
    if (fault === undefined) this.#failures = 0;
    else this.#lost(state.stream, fault);
  }

  #lost(stream: Stream, reason: string): void {
    const state = this.#state;
    if (state.kind !== "greeting" && state.kind !== "open") return;
    if (state.stream !== stream) return;
    if (state.kind === "greeting") clearTimeout(state.timer);
    stream.cancel();
    this.#turn += 1;
    this.#pause(state.kind === "greeting");
    this.#options.onLost(reason, state.kind === "open");
  }

  #pause(unheard: boolean): void {
    const { limits, random } = this.#options;
    const pauseMs = Math.min(limits.pauseMaxMs, limits.pauseMinMs * 2 ** this.#failures);
    this.#failures += 1;
    const timer = setTimeout(() => this.#connect(), randomBetween(random, pauseMs / 2, pauseMs));
    this.#state = { kind: "pausing", timer, unheard };
  }
}
