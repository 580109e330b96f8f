// The incoming half: streams that other members open. The first frame is checked as a whole, each message
// for its sender; one that is not right ends the stream with the reason.
import type { NodeId } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import { decodeFrame, helloFrame } from "./peer-codec.ts";
import type { Hello } from "./peer-codec.ts";
import type { PeerCounters } from "./peer-counters.ts";
import { faultOf, helloTo, isFrom, refusedPeer } from "./peer-identity.ts";
import type { PeerIdentity } from "./peer-identity.ts";
import type { PeerEvent } from "./peer-link.ts";
import type { PeerMessage } from "./peer-message.ts";
import { stream } from "./service.ts";
import type { ServiceTable, StreamSink, StreamSource } from "./service.ts";

export interface PeerAcceptorOptions {
  readonly self: PeerIdentity;
  readonly method: MethodPath;
  /** By the member table; undefined: no member. */
  readonly incarnationOf: (peer: NodeId) => bigint | undefined;
  readonly countersOf: (peer: NodeId) => PeerCounters;
  readonly onEvent: (event: PeerEvent) => void;
  readonly onMessages: (from: NodeId, messages: readonly PeerMessage[]) => void;
}

/** One stream a peer: a second one ends the first, whose connection the peer has given up. */
export class PeerAcceptor {
  readonly #options: PeerAcceptorOptions;
  readonly #streams = new Map<NodeId, StreamSink>();
  #lastRefusal = "";

  constructor(options: PeerAcceptorOptions) {
    this.#options = options;
  }

  table(): ServiceTable {
    return { [this.#options.method]: stream((sink) => this.#open(sink)) };
  }

  /** It is no member any more: its stream ends, and its next hello is refused. */
  dismiss(peer: NodeId): void {
    const sink = this.#streams.get(peer);
    this.#streams.delete(peer);
    sink?.end(refusedPeer(`node ${peer} is not a member`));
  }

  #open(sink: StreamSink): StreamSource {
    let hello: Hello | undefined;
    return {
      onMessage: (bytes) => {
        if (hello === undefined) hello = this.#greet(sink, bytes);
        else this.#take(sink, hello, bytes);
      },
      onEnd: () => sink.end(),
      onDrain: () => undefined,
      onClose: () => {
        if (hello !== undefined && this.#streams.get(hello.from) === sink) {
          this.#streams.delete(hello.from);
        }
      },
    };
  }

  /** @throws {KvError} when this is not a peer to talk to. */
  #greet(sink: StreamSink, bytes: Uint8Array): Hello {
    const { self, incarnationOf } = this.#options;
    const { hello } = decodeFrame(bytes);
    if (hello === undefined) throw refusedPeer("the first frame is no hello");
    const fault = faultOf(hello, self, incarnationOf(hello.from));
    if (fault !== undefined) {
      this.#report(hello.from, fault);
      throw refusedPeer(fault);
    }
    this.#streams.get(hello.from)?.end(refusedPeer("the peer opened another stream"));
    this.#streams.set(hello.from, sink);
    sink.write(helloFrame(helloTo(self, hello.from)));
    return hello;
  }

  /** @throws {KvError} when the bytes are no frame, or hold what the peer may not say. */
  #take(sink: StreamSink, hello: Hello, bytes: Uint8Array): void {
    const { countersOf, onMessages } = this.#options;
    // Of a stream that was replaced, frames on their way are late: another has taken its place.
    if (this.#streams.get(hello.from) !== sink) return;
    const counters = countersOf(hello.from);
    const messages = this.#checked(hello, bytes, counters);
    counters.receivedMessages += messages.length;
    counters.receivedBytes += bytes.length;
    if (messages.length > 0) onMessages(hello.from, messages);
  }

  #checked(hello: Hello, bytes: Uint8Array, counters: PeerCounters): readonly PeerMessage[] {
    const { self } = this.#options;
    try {
      const { messages } = decodeFrame(bytes);
      if (messages.every((message) => isFrom(message, hello, self))) return messages;
      throw refusedPeer(`node ${hello.from} speaks for another`);
    } catch (cause) {
      counters.refusedStreams += 1;
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#report(hello.from, reason);
      throw cause;
    }
  }

  /** A peer that comes again with the same fault is no news. */
  #report(peer: NodeId, reason: string): void {
    const refusal = `${peer} ${reason}`;
    if (refusal === this.#lastRefusal) return;
    this.#lastRefusal = refusal;
    this.#options.onEvent({ kind: "refused", peer, reason });
  }
}
