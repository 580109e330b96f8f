// The streams of one connection, from the frames that name one: which are open, idle or closed, what they may
// have sent, and when their clients stop waiting.
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { KvError } from "../../base/index.ts";
import type { MonotonicMs } from "../../base/index.ts";
import type { SocketOrigin } from "../socket-origin.ts";
import { ConnectionFault, ErrorCode, StreamFault } from "./fault.ts";
import { FloodMeter } from "./flood-meter.ts";
import { ReceiveWindow, WINDOW_BYTES_DEFAULT } from "./flow-window.ts";
import { Flag } from "./frame.ts";
import { unpadded } from "./header-block.ts";
import type { HeaderBlock } from "./header-block.ts";
import { httpAnswerOf } from "./hpack-encoder.ts";
import type { Http2Limits } from "./limits.ts";
import { checkTrailers, requestHead } from "./request-head.ts";
import { Http2Stream } from "./stream.ts";
import type { Route } from "./route.ts";
import type { StreamOwner } from "./stream.ts";
import type { Transmission } from "./transmission.ts";

export interface StreamTableOptions {
  readonly socket: Duplex;
  readonly origin: SocketOrigin;
  readonly refusalOf?: (origin: SocketOrigin, path: string) => KvError | undefined;
  readonly transmission: Transmission;
  readonly limits: Http2Limits;
  readonly monotonicMs: () => MonotonicMs;
  readonly routeOf: (path: string) => Route | undefined;
  readonly callTimeoutMs: number;
  readonly messageBytesMax: number;
  readonly concurrentStreamsMax: number;
  readonly onBug: (cause: unknown) => void;
  /** The last open stream has ended. */
  readonly onEmpty: () => void;
}

/** Streams that this side ended before the client had: what is on its way for them is no fault. */
const ENDED_EARLY_MAX = 1_024;
/** The longest that setTimeout takes; a longer deadline is looked at again then. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class StreamTable {
  readonly #options: StreamTableOptions;
  readonly #window: ReceiveWindow;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #endedEarly = new Set<number>();
  readonly #resets: FloodMeter;
  readonly #idleFrames: FloodMeter;
  readonly #owner: StreamOwner;
  #refusing = false;
  #lastStreamId = 0;
  #streamWindowBytes = WINDOW_BYTES_DEFAULT;
  #partialBytes = 0;
  #unanswered = 0;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #deadlineAtMs = Infinity;

  constructor(options: StreamTableOptions) {
    const { limits, monotonicMs } = options;
    this.#options = options;
    this.#window = new ReceiveWindow(limits.connectionWindowBytes);
    this.#resets = new FloodMeter("streams that end early", limits.resets, monotonicMs);
    this.#idleFrames = new FloodMeter("frames that move nothing", limits.idleFrames, monotonicMs);
    this.#owner = this.#ownerOfStreams();
  }

  /** Calls that are open; also those whose client has gone but whose handler has not replied. */
  get openCalls(): number {
    return Math.max(this.#streams.size, this.#unanswered);
  }

  get isEmpty(): boolean {
    return this.#streams.size === 0;
  }

  /** Of requests that are not whole. */
  get partialBytes(): number {
    return this.#partialBytes;
  }

  get lastStreamId(): number {
    return this.#lastStreamId;
  }

  /** No new calls; streams end with the reason, open calls go on. */
  drain(reason: KvError): void {
    this.#refusing = true;
    for (const stream of [...this.#streams.values()]) if (!stream.isUnary) stream.end(reason);
  }

  /** A frame that moves nothing. @throws {ConnectionFault} ENHANCE_YOUR_CALM after too many. */
  countIdle(): void {
    this.#idleFrames.count();
  }

  /** Resets the stream at fault. @throws {ConnectionFault} ENHANCE_YOUR_CALM after too many. */
  onFault(fault: StreamFault): void {
    this.#resets.count();
    const stream = this.#streams.get(fault.streamId);
    if (stream !== undefined) this.#reset(stream, fault.code);
    else this.#options.transmission.reset(fault.streamId, fault.code);
  }

  /** The peer's initial window, of all streams. @throws {ConnectionFault} FLOW_CONTROL_ERROR. */
  onInitialWindow(windowBytes: number): void {
    const growth = windowBytes - this.#streamWindowBytes;
    this.#streamWindowBytes = windowBytes;
    for (const stream of [...this.#streams.values()]) {
      if (!stream.output.window.grow(growth)) throw windowTooLarge();
      if (growth > 0) stream.output.pump(Infinity);
    }
  }

  /** Resets whole answers for which the peer opens no window. */
  onTick(nowMs: MonotonicMs): void {
    for (const stream of [...this.#streams.values()]) {
      const { stalledSinceMs } = stream.output;
      if (stalledSinceMs !== undefined && nowMs - stalledSinceMs > this.#options.limits.stallMs) {
        this.#reset(stream, ErrorCode.CANCEL);
      }
    }
  }

  #ownerOfStreams(): StreamOwner {
    const { limits, monotonicMs, callTimeoutMs, messageBytesMax, onBug } = this.#options;
    return {
      origin: {
        certificate: this.#options.origin.certificate,
        certificateName: this.#options.origin.certificateName,
        remoteAddress: addressOf(this.#options.socket),
      },
      transmission: this.#options.transmission,
      monotonicMs,
      callTimeoutMs,
      messageBytesMax,
      streamWindowBytes: limits.streamWindowBytes,
      onBug,
      holdPartial: (bytes) => {
        const most = Math.max(limits.partialBytesMax, 2 * messageBytesMax);
        if (this.#partialBytes + bytes > most) return false;
        this.#partialBytes += bytes;
        return true;
      },
      releasePartial: (bytes) => {
        this.#partialBytes -= bytes;
      },
      onConsumed: (bytes) => {
        const increment = this.#window.use(bytes);
        if (increment > 0) this.#options.transmission.windowUpdate(0, increment);
      },
      onCalled: () => {
        this.#unanswered += 1;
      },
      onReplied: () => {
        this.#unanswered -= 1;
      },
      onAnswered: (stream) => {
        if (!stream.remoteEnded) {
          // RFC 9113 section 8.1: the client need not send the rest.
          this.#options.transmission.reset(stream.id, ErrorCode.NO_ERROR);
          this.#rememberEarly(stream.id);
        }
        this.#remove(stream);
      },
    };
  }

  onData(flags: number, streamId: number, bytes: Buffer, from: number, until: number): void {
    if (streamId === 0 || this.#isIdle(streamId)) throw protocolError(`DATA on stream ${streamId}`);
    const flowBytes = until - from;
    const endStream = (flags & Flag.END_STREAM) !== 0;
    if (flowBytes === 0 && !endStream) this.#idleFrames.count();
    if (!this.#window.receive(flowBytes)) {
      throw new ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "DATA above the window");
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      this.#owner.onConsumed(flowBytes);
      if (this.#endedEarly.has(streamId)) return;
      throw new StreamFault(streamId, ErrorCode.STREAM_CLOSED, "DATA on a closed stream");
    }
    const [start, end] = unpadded(flags, bytes, from, until);
    try {
      stream.receive(bytes, start, end, flowBytes);
    } catch (fault) {
      // What is not taken is not held: the connection's other streams need its window.
      this.#owner.onConsumed(flowBytes);
      throw fault;
    }
    if (endStream && this.#streams.has(streamId)) stream.receiveEnd();
  }

  onBlock(block: HeaderBlock | undefined): void {
    if (block === undefined) return;
    const { streamId, endStream, fields } = block;
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) {
      if (!endStream) {
        throw new StreamFault(streamId, ErrorCode.PROTOCOL_ERROR, "a second head of a request");
      }
      checkTrailers(streamId, fields);
      stream.receiveEnd();
    } else if (!this.#isIdle(streamId)) {
      if (this.#endedEarly.has(streamId)) return;
      throw new ConnectionFault(ErrorCode.STREAM_CLOSED, "HEADERS on a closed stream");
    } else this.#onRequest(block);
  }

  #onRequest({ streamId, endStream, fields, tooLarge }: HeaderBlock): void {
    this.#lastStreamId = streamId;
    const { concurrentStreamsMax, routeOf, origin, refusalOf } = this.#options;
    if (this.#refusing || this.openCalls >= concurrentStreamsMax) {
      throw new StreamFault(streamId, ErrorCode.REFUSED_STREAM, "no more calls");
    }
    if (tooLarge) {
      this.#refuse(streamId, 431, endStream);
      return;
    }
    const head = requestHead(streamId, fields);
    if (head.refusal !== undefined) {
      this.#refuse(streamId, head.refusal, endStream);
      return;
    }
    const route = routeOf(head.path);
    const stream = new Http2Stream(streamId, head, route, this.#streamWindowBytes, this.#owner);
    this.#streams.set(streamId, stream);
    if (stream.clientDeadlineAtMs !== Infinity) this.#watchDeadline(stream.clientDeadlineAtMs);
    const refusal = refusalOf?.(origin, head.path);
    if (refusal === undefined) stream.begin();
    else stream.end(refusal);
    if (endStream && this.#streams.has(streamId)) stream.receiveEnd();
  }

  /** An answer of HTTP's own, to what is no call. */
  #refuse(streamId: number, status: 405 | 415 | 431, endStream: boolean): void {
    this.#options.transmission.headers(streamId, httpAnswerOf(status), { endStream: true });
    if (endStream) return;
    this.#options.transmission.reset(streamId, ErrorCode.NO_ERROR);
    this.#rememberEarly(streamId);
  }

  onReset(streamId: number): void {
    if (streamId === 0 || this.#isIdle(streamId)) {
      throw protocolError(`RST_STREAM on stream ${streamId}`);
    }
    const stream = this.#streams.get(streamId);
    // A reset that crosses the end of its answer costs nothing but its frame.
    if (stream === undefined) return;
    this.#remove(stream);
    this.#resets.count();
  }

  onWindowUpdate(streamId: number, increment: number): void {
    if (streamId === 0) {
      if (increment === 0) throw protocolError("WINDOW_UPDATE by nothing");
      if (!this.#options.transmission.window.grow(increment)) {
        throw windowTooLarge();
      }
      this.#options.transmission.resume();
      return;
    }
    if (this.#isIdle(streamId)) throw protocolError(`WINDOW_UPDATE on stream ${streamId}`);
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (increment === 0) {
      throw new StreamFault(streamId, ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by nothing");
    }
    if (!stream.output.window.grow(increment)) {
      throw new StreamFault(streamId, ErrorCode.FLOW_CONTROL_ERROR, "a window above 2^31 - 1");
    }
    stream.output.pump(Infinity);
  }

  /** Ignored, as RFC 9113 section 5.3.2 lets it be. */
  onPriority(streamId: number, length: number): void {
    if (streamId === 0) throw protocolError("PRIORITY on stream 0");
    this.#idleFrames.count();
    if (length !== 5) {
      throw new StreamFault(streamId, ErrorCode.FRAME_SIZE_ERROR, `PRIORITY of ${length} bytes`);
    }
  }

  /** One timer, for the earliest: calls mostly end long before theirs. */
  #watchDeadline(deadlineAtMs: number): void {
    if (deadlineAtMs >= this.#deadlineAtMs) return;
    clearTimeout(this.#deadlineTimer);
    this.#deadlineAtMs = deadlineAtMs;
    const leftMs = Math.max(0, Math.ceil(deadlineAtMs - this.#options.monotonicMs()));
    this.#deadlineTimer = setTimeout(() => this.#onDeadline(), Math.min(leftMs, TIMER_MS_MAX));
  }

  #onDeadline(): void {
    this.#deadlineAtMs = Infinity;
    const nowMs = this.#options.monotonicMs();
    let earliestAtMs = Infinity;
    for (const stream of [...this.#streams.values()]) {
      if (stream.clientDeadlineAtMs <= nowMs) {
        const text = "etcdserver: context deadline exceeded";
        stream.end(new KvError("deadline-exceeded", "unknown", text));
        // Whatever could not leave by then is of no use.
        if (this.#streams.has(stream.id)) this.#reset(stream, ErrorCode.CANCEL);
      } else earliestAtMs = Math.min(earliestAtMs, stream.clientDeadlineAtMs);
    }
    if (earliestAtMs !== Infinity) this.#watchDeadline(earliestAtMs);
  }

  #isIdle(streamId: number): boolean {
    return streamId > this.#lastStreamId || streamId % 2 === 0;
  }

  #rememberEarly(streamId: number): void {
    this.#endedEarly.add(streamId);
    if (this.#endedEarly.size <= ENDED_EARLY_MAX) return;
    for (const oldest of this.#endedEarly) {
      this.#endedEarly.delete(oldest);
      return;
    }
  }

  #reset(stream: Http2Stream, code: ErrorCode): void {
    this.#options.transmission.reset(stream.id, code);
    this.#rememberEarly(stream.id);
    this.#remove(stream);
  }

  #remove(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    stream.close();
    if (this.#streams.size === 0) this.#options.onEmpty();
  }

  closeAll(): void {
    clearTimeout(this.#deadlineTimer);
    for (const stream of [...this.#streams.values()]) this.#remove(stream);
  }
}

function protocolError(message: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.PROTOCOL_ERROR, message);
}

function windowTooLarge(): ConnectionFault {
  return new ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "a window above 2^31 - 1");
}

function addressOf(socket: Duplex): string | undefined {
  return socket instanceof Socket ? socket.remoteAddress : undefined;
}
