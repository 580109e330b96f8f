// What a service is to whatever carries it: a table from method path to handler, bytes in and bytes out.
// A carrier (http2/http2-carrier.ts) knows connections and frames; a service knows neither.
import type { X509Certificate } from "node:crypto";
import type { KvError } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { CallContext } from "./backend.ts";
import type { ForwardedPath } from "./forwarded.ts";
import type { Status } from "./status.ts";

/** One call, as its handler sees it. */
export interface Call extends CallContext {
  /** The common name of the client's certificate, where one was asked for and proved. */
  readonly certificateName?: string | undefined;
  /** That certificate, for who asks more of it than its name. */
  readonly certificate?: X509Certificate | undefined;
  /** Of the socket at the other end; undefined where there is none. */
  readonly remoteAddress?: string | undefined;
  /** Handed on by another member for its client: who asks is known, and it is not handed on again. */
  readonly forwarded: boolean;
  /** Of a forwarded call that came from another region: that region. This one's leader may still be asked. */
  readonly fromRegion?: string;
  /** The first value of a request header, by its lower-case name. */
  header(name: string): string | undefined;
}

/** Whether it is to end at this member: one of the region has handed it on. */
export function isFromMember({ forwarded, fromRegion }: Call): boolean {
  return forwarded && fromRegion === undefined;
}

/** Comes exactly once, possibly inside the call. A `Status` is for what no KvErrorCode says. */
export type Reply = (result: Uint8Array | KvError | Status) => void;

/** May throw a KvError instead of replying; anything else that it throws is a bug. */
export type UnaryHandler = (request: Uint8Array, call: Call, reply: Reply) => void;

/**
 * Hands a call to the leader, which answers with its own bytes. False: there is no leader other than this
 * member, and `reply` is not called.
 */
export type ForwardToLeader = (
  method: ForwardedPath,
  request: Uint8Array,
  call: Call,
  reply: Reply,
) => boolean;

/** The answering side of a stream. */
export interface StreamSink {
  /**
   * Queues one message. False: the carrier holds as much as it should; write on after `onDrain`. The
   * caller bounds what it writes beyond that.
   */
  write(message: Uint8Array): boolean;
  /** Ends the stream after what was written: well, or with an error. Later calls do nothing. */
  end(error?: KvError | Status): void;
  /** Asks for no more messages, so that the sender is held up; a few may still come. */
  pause(): void;
  resume(): void;
}

/** What the carrier reports to a stream's handler. Nothing comes after `onClose`. */
export interface StreamSource {
  onMessage(message: Uint8Array): void;
  /** The client has sent all; it still reads. */
  onEnd(): void;
  onDrain(): void;
  /** The stream is over, by whichever side, or the connection is gone. */
  onClose(): void;
}

/**
 * Streams of either kind; in a server stream one message comes and then `onEnd`. `onMessage` may throw a
 * KvError, which ends the stream; anything else that a source throws is a bug.
 */
export type StreamHandler = (sink: StreamSink, call: Call) => StreamSource;

export type Method =
  | { readonly kind: "unary"; readonly handle: UnaryHandler }
  | { readonly kind: "stream"; readonly open: StreamHandler };

export type ServiceTable = Readonly<Partial<Record<MethodPath, Method>>>;

export function unary(handle: UnaryHandler): Method {
  return { kind: "unary", handle };
}

export function stream(open: StreamHandler): Method {
  return { kind: "stream", open };
}
