// The outgoing half of one pair of members: a long-lived stream that is greeted, written to within bounds,
// and opened again after jittered pauses. What it cannot send it drops and counts; the core sends again.
import { Metadata } from "@grpc/grpc-js";
import type { Client, ClientDuplexStream } from "@grpc/grpc-js";
import { randomBetween } from "../base/index.ts";
import type { NodeId, Random } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { bytesIn, bytesOut } from "./grpc-bytes.ts";
import { decodeFrame, helloFrame, messagesFrame } from "./peer-codec.ts";
import type { PeerCounters } from "./peer-counters.ts";
import type { PeerDialer } from "./peer-dial.ts";
import { faultOf, helloTo } from "./peer-identity.ts";
import type { PeerIdentity } from "./peer-identity.ts";
import { weightBytes } from "./peer-message.ts";
import type { PeerMessage } from "./peer-message.ts";

export interface PeerAddress {
  /** Its peer URLs; at least one. Tried in turn until the peer greets. */
  readonly addresses: readonly string[];
  readonly incarnation: bigint;
}

export interface PeerLimits {
  /** Messages, and bytes of frames, handed over for one peer and not yet on the socket. */
  readonly queueMessagesMax: number;
  readonly queueBytesMax: number;
  /** A turn's messages are cut into frames of about this size. */
  readonly frameBytesMax: number;
  /** Pauses between attempts double from the first to the second, each drawn from its upper half. */
  readonly pauseMinMs: number;
  readonly pauseMaxMs: number;
  /** From opening a stream to the other side's hello. */
  readonly greetingMs: number;
  /** A connection is pinged this often, and given up when a ping is not answered for this long. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Calls handed on to one peer and not yet answered. */
  readonly forwardsMax: number;
}

export const PEER_LIMITS_DEFAULT: PeerLimits = {
  queueMessagesMax: 8_192,
  queueBytesMax: 64 * 1024 * 1024,
  frameBytesMax: 1024 * 1024,
  pauseMinMs: 50,
  pauseMaxMs: 1_000,
  greetingMs: 2_000,
  // Together 5 s: TCP alone would keep a way that was cut for as long again after it is whole.
  keepaliveMs: 1_000,
  keepaliveTimeoutMs: 4_000,
  forwardsMax: 1_024,
};

export type PeerEvent =
  | { readonly kind: "connected"; readonly peer: NodeId }
  | { readonly kind: "lost"; readonly peer: NodeId; readonly reason: string }
  | { readonly kind: "refused"; readonly peer: NodeId; readonly reason: string };

export interface PeerLinkOptions {
  readonly self: PeerIdentity;
  readonly peer: NodeId;
  readonly address: PeerAddress;
  readonly method: MethodPath;
  readonly dialer: PeerDialer;
  readonly limits: PeerLimits;
  readonly random: Random;
  readonly counters: PeerCounters;
  readonly onEvent: (event: PeerEvent) => void;
  /** The way to the peer is lost or full: what was sent may be gone. Once for each loss. */
  readonly onUnreachable: (peer: NodeId) => void;
}

type Stream = ClientDuplexStream<Uint8Array, Uint8Array>;

/** `greeting`: messages wait for the hello within the queue's bounds. `pausing`: they are dropped. */
type State =
  | { readonly kind: "greeting"; readonly stream: Stream; readonly timer: NodeJS.Timeout }
  | { readonly kind: "open"; readonly stream: Stream }
  | { readonly kind: "pausing"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "closed" };

export class PeerLink {
  readonly #options: PeerLinkOptions;
  #client: Client;
  /** Of the certificates that the client was made with. */
  #generation: number;
  /** Attempts given up since the start: which address is tried next. */
  #turn = 0;
  #state: State = { kind: "closed" };
  #waiting: PeerMessage[] = [];
  #queuedMessages = 0;
  #queuedBytes = 0;
  #full = false;
  #failures = 0;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
    this.#generation = options.dialer.generationOf(this.#url);
    this.#client = this.#newClient();
    this.#connect();
  }

  /** To the address that is tried now; another once an attempt has failed. */
  get client(): Client {
    return this.#client;
  }

  /** All messages of one turn. */
  send(messages: readonly PeerMessage[]): void {
    if (messages.length === 0) return;
    if (this.#state.kind === "open") this.#write(this.#state.stream, messages);
    else if (this.#state.kind === "greeting") this.#wait(messages);
    else this.#drop(messages.length);
  }

  /** Nothing is sent any more; calls of `client` may end yet. */
  endStream(): void {
    const state = this.#state;
    this.#state = { kind: "closed" };
    if (state.kind === "greeting" || state.kind === "pausing") clearTimeout(state.timer);
    if (state.kind === "greeting" || state.kind === "open") state.stream.cancel();
  }

  close(): void {
    this.endStream();
    this.#client.close();
  }

  get #url(): string {
    const { addresses } = this.#options.address;
    return addresses[this.#turn % addresses.length] ?? "";
  }

  #newClient(): Client {
    const { dialer, limits } = this.#options;
    this.#generation = dialer.generationOf(this.#url);
    return dialer.clientTo(this.#url, {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      "grpc.keepalive_time_ms": limits.keepaliveMs,
      "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
      // The pauses between attempts are this class's own.
      "grpc.initial_reconnect_backoff_ms": limits.pauseMinMs,
      "grpc.max_reconnect_backoff_ms": limits.pauseMinMs,
      "grpc-node.max_session_memory": Number.MAX_SAFE_INTEGER,
    });
  }

  /**
   * To the next address, or the same again. The attempt's connection goes with it: the kernel asks an address
   * that does not answer in pauses that it doubles up to a minute, and the next attempt asks at once.
   */
  #startAnew(): void {
    this.#turn += 1;
    this.#renewClient();
  }

  #renewClient(): void {
    this.#client.close();
    this.#client = this.#newClient();
  }

  #connect(): void {
    const { self, peer, method, dialer, limits } = this.#options;
    // A connection that is made anew is made with the certificates of today.
    if (dialer.generationOf(this.#url) !== this.#generation) this.#renewClient();
    const stream = this.#client.makeBidiStreamRequest(
      method,
      bytesOut,
      bytesIn,
      new Metadata(),
      {},
    );
    const timer = setTimeout(() => this.#lost(stream, "no hello in time"), limits.greetingMs);
    this.#state = { kind: "greeting", stream, timer };
    this.#queuedMessages = 0;
    this.#queuedBytes = 0;
    this.#full = false;
    stream.on("data", (frame: Uint8Array) => this.#onFrame(stream, frame));
    stream.on("error", (error) => this.#lost(stream, error.message));
    stream.on("end", () => this.#lost(stream, "the peer ended the stream"));
    stream.write(helloFrame(helloTo(self, peer)));
  }

  /** The other side says one thing: its hello. */
  #onFrame(stream: Stream, bytes: Uint8Array): void {
    const { self, peer, address, counters, onEvent } = this.#options;
    const state = this.#state;
    if (state.kind !== "greeting" || state.stream !== stream) return;
    const fault = greetingFault(bytes, self, peer, address.incarnation);
    if (fault !== undefined) {
      counters.refusedStreams += 1;
      // An attempt that fails like the one before is no news.
      if (this.#failures === 0) onEvent({ kind: "refused", peer, reason: fault });
      this.#lost(stream, fault);
      return;
    }
    clearTimeout(state.timer);
    this.#state = { kind: "open", stream };
    this.#failures = 0;
    counters.connected = true;
    counters.connects += 1;
    onEvent({ kind: "connected", peer });
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#queuedMessages = 0;
    this.#queuedBytes = 0;
    this.#full = false;
    if (waiting.length > 0) this.#write(stream, waiting);
  }

  #lost(stream: Stream, reason: string): void {
    const state = this.#state;
    const current = (state.kind === "greeting" || state.kind === "open") && state.stream === stream;
    if (!current) return;
    const { peer, limits, random, counters, onEvent } = this.#options;
    if (state.kind === "greeting") clearTimeout(state.timer);
    stream.cancel();
    if (state.kind === "greeting") this.#startAnew();
    this.#drop(this.#waiting.length);
    this.#waiting = [];
    if (state.kind === "open" || this.#failures === 0) onEvent({ kind: "lost", peer, reason });
    counters.connected = false;
    const pauseMs = Math.min(limits.pauseMaxMs, limits.pauseMinMs * 2 ** this.#failures);
    this.#failures += 1;
    const timer = setTimeout(() => this.#connect(), randomBetween(random, pauseMs / 2, pauseMs));
    this.#state = { kind: "pausing", timer };
    this.#unreachable();
  }

  #wait(messages: readonly PeerMessage[]): void {
    for (const message of messages) {
      if (this.#admit(1, weightBytes(message))) this.#waiting.push(message);
      else this.#drop(1);
    }
  }

  #write(stream: Stream, messages: readonly PeerMessage[]): void {
    const { frameBytesMax } = this.#options.limits;
    for (let from = 0; from < messages.length;) {
      let bytes = 0;
      let until = from;
      for (const message of messages.slice(from)) {
        bytes += weightBytes(message);
        if (until > from && bytes > frameBytesMax) break;
        until += 1;
      }
      this.#writeFrame(stream, messages.slice(from, until));
      from = until;
    }
  }

  #writeFrame(stream: Stream, messages: readonly PeerMessage[]): void {
    const { counters } = this.#options;
    const frame = messagesFrame(messages);
    if (!this.#admit(messages.length, frame.length)) {
      this.#drop(messages.length);
      return;
    }
    counters.sentMessages += messages.length;
    counters.sentBytes += frame.length;
    stream.write(frame, () => this.#onWritten(stream, messages.length, frame.length));
  }

  #onWritten(stream: Stream, messageCount: number, bytes: number): void {
    if (this.#state.kind !== "open" || this.#state.stream !== stream) return;
    this.#queuedMessages -= messageCount;
    this.#queuedBytes -= bytes;
    const { queueMessagesMax, queueBytesMax } = this.#options.limits;
    if (this.#queuedMessages < queueMessagesMax / 2 && this.#queuedBytes < queueBytesMax / 2) {
      this.#full = false;
    }
  }

  /** Takes them into the queue's bounds, or says that it is full: the newest are dropped, in order. */
  #admit(messageCount: number, bytes: number): boolean {
    const { limits } = this.#options;
    const fits =
      this.#queuedMessages + messageCount <= limits.queueMessagesMax &&
      this.#queuedBytes + bytes <= limits.queueBytesMax;
    if (fits && !this.#full) {
      this.#queuedMessages += messageCount;
      this.#queuedBytes += bytes;
      return true;
    }
    if (!this.#full) {
      this.#full = true;
      // Not inside the call that sends: the core takes it as an input of its own.
      queueMicrotask(() => this.#unreachable());
    }
    return false;
  }

  #unreachable(): void {
    if (this.#state.kind !== "closed") this.#options.onUnreachable(this.#options.peer);
  }

  #drop(messageCount: number): void {
    this.#options.counters.droppedMessages += messageCount;
  }
}

function greetingFault(
  bytes: Uint8Array,
  self: PeerIdentity,
  peer: NodeId,
  incarnation: bigint,
): string | undefined {
  let hello;
  try {
    hello = decodeFrame(bytes).hello;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
  if (hello === undefined) return "the peer did not greet";
  if (hello.from !== peer) return `node ${hello.from} answers where node ${peer} should`;
  return faultOf(hello, self, incarnation);
}
