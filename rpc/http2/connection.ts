// One HTTP/2 connection of RFC 9113, server side: frames in, calls out. What a peer does wrong ends in the
// error that the RFC names, for its stream or for all of them; what it may ask for is bounded (limits.ts).
import type { Duplex } from "node:stream";
import { KvError } from "../../base/index.ts";
import type { MonotonicMs } from "../../base/index.ts";
import { ConnectionFault, ErrorCode, StreamFault } from "./fault.ts";
import { FloodMeter } from "./flood-meter.ts";
import { ReceiveWindow, WINDOW_BYTES_DEFAULT } from "./flow-window.ts";
import { Flag, FrameReader, FrameType } from "./frame.ts";
import { HeaderBlockReader, unpadded } from "./header-block.ts";
import type { HeaderBlock } from "./header-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { httpAnswerOf } from "./hpack-encoder.ts";
import type { Http2Limits } from "./limits.ts";
import { Setting, initialWindowIn } from "./peer-settings.ts";
import { checkTrailers, requestHead } from "./request-head.ts";
import { Http2Stream } from "./stream.ts";
import type { Route, StreamOwner } from "./stream.ts";
import { Transmission } from "./transmission.ts";

export interface ConnectionOptions {
  readonly socket: Duplex;
  readonly limits: Http2Limits;
  readonly monotonicMs: () => MonotonicMs;
  readonly atEndOfTurn: (run: () => void) => void;
  readonly routeOf: (path: string) => Route | undefined;
  readonly callTimeoutMs: number;
  readonly messageBytesMax: number;
  readonly concurrentStreamsMax: number;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly onBug: (cause: unknown) => void;
  /** Once; nothing of the connection is left. */
  readonly onClose: () => void;
}

/** Streams that this side ended before the client had: what is on its way for them is no fault. */
const ENDED_EARLY_MAX = 1_024;
const PING_PAYLOAD = Buffer.from("hansa\0\0\0");

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #frames: FrameReader;
  readonly #blocks: HeaderBlockReader;
  readonly #transmission: Transmission;
  readonly #window: ReceiveWindow;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #endedEarly = new Set<number>();
  readonly #resets: FloodMeter;
  readonly #idleFrames: FloodMeter;
  readonly #owner: StreamOwner;
  #state: "greeting" | "open" | "draining" | "closing" | "closed" = "greeting";
  #lastStreamId = 0;
  #streamWindowBytes = WINDOW_BYTES_DEFAULT;
  #partialBytes = 0;
  #unanswered = 0;
  #lastReadAtMs: MonotonicMs;
  #pingedAtMs: MonotonicMs | undefined;
  #fullSinceMs: MonotonicMs | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #deadlineAtMs = Infinity;
  #farewellTimer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    const { limits, monotonicMs, socket } = options;
    this.#options = options;
    this.#lastReadAtMs = monotonicMs();
    this.#transmission = new Transmission(options);
    this.#window = new ReceiveWindow(limits.connectionWindowBytes);
    this.#resets = new FloodMeter("streams that end early", limits.resets, monotonicMs);
    this.#idleFrames = new FloodMeter("frames that move nothing", limits.idleFrames, monotonicMs);
    const decoder = new HpackDecoder(limits.headerTableBytes, limits.headerListBytesMax);
    this.#blocks = new HeaderBlockReader(decoder, limits);
    this.#frames = new FrameReader((type, flags, streamId, bytes, from, until) => {
      this.#onFrame(type, flags, streamId, bytes, from, until);
    });
    this.#owner = this.#ownerOfStreams();
    socket.on("drain", () => this.#onDrain());
    this.#greet();
  }

  /** Calls that are open; also those whose client has gone but whose handler has not replied. */
  get openCalls(): number {
    return Math.max(this.#streams.size, this.#unanswered);
  }

  /** Bytes held for the peer: of requests that are not whole, and of answers that wait. */
  get heldBytes(): number {
    return this.#partialBytes + this.#transmission.heldBytes;
  }

  /** What came after the preface, in order. */
  receive(chunk: Buffer): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#lastReadAtMs = this.#options.monotonicMs();
    this.#pingedAtMs = undefined;
    try {
      this.#frames.read(chunk);
    } catch (cause) {
      if (!(cause instanceof ConnectionFault)) throw cause;
      this.#closeWith(cause.code, cause.message);
      return;
    }
    if (this.#transmission.full) this.#stopReading();
  }

  /** No new calls; streams end with the reason; the connection when the last open call has. */
  drain(reason: KvError): void {
    if (this.#state === "closing" || this.#state === "closed" || this.#state === "draining") return;
    this.#state = "draining";
    this.#transmission.goAway(this.#lastStreamId, ErrorCode.NO_ERROR, "");
    for (const stream of [...this.#streams.values()]) if (!stream.isUnary) stream.end(reason);
    this.#closeIfDrained();
  }

  /** The socket is gone, or shall be at once. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#deadlineTimer);
    clearTimeout(this.#farewellTimer);
    this.#endStreams();
    this.#options.socket.destroy();
    this.#options.onClose();
  }

  /** Looks at what time alone brings about; called every second or so. */
  onTick(nowMs: MonotonicMs): void {
    const { limits, keepaliveMs, keepaliveTimeoutMs } = this.#options;
    const silentMs = nowMs - this.#lastReadAtMs;
    const pingedAtMs = this.#pingedAtMs;
    const fullSinceMs = this.#fullSinceMs;
    if (
      (this.#state === "greeting" && silentMs > limits.handshakeMs) ||
      (pingedAtMs !== undefined && nowMs - pingedAtMs > keepaliveTimeoutMs) ||
      (fullSinceMs !== undefined && nowMs - fullSinceMs > limits.stallMs)
    ) {
      this.close();
      return;
    }
    if (pingedAtMs === undefined && fullSinceMs === undefined && silentMs > keepaliveMs) {
      this.#pingedAtMs = nowMs;
      this.#transmission.ping(PING_PAYLOAD);
    }
    for (const stream of [...this.#streams.values()]) {
      const { stalledSinceMs } = stream.output;
      if (stalledSinceMs !== undefined && nowMs - stalledSinceMs > limits.stallMs) {
        this.#reset(stream, ErrorCode.CANCEL);
      }
    }
  }

  #greet(): void {
    const { limits, concurrentStreamsMax } = this.#options;
    this.#transmission.settings([
      [Setting.HEADER_TABLE_SIZE, limits.headerTableBytes],
      [Setting.MAX_CONCURRENT_STREAMS, concurrentStreamsMax],
      [Setting.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
      [Setting.MAX_HEADER_LIST_SIZE, limits.headerListBytesMax],
    ]);
    const increment = limits.connectionWindowBytes - WINDOW_BYTES_DEFAULT;
    if (increment > 0) this.#transmission.windowUpdate(0, increment);
  }

  #ownerOfStreams(): StreamOwner {
    const { limits, monotonicMs, callTimeoutMs, messageBytesMax, onBug } = this.#options;
    return {
      transmission: this.#transmission,
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
        if (increment > 0) this.#transmission.windowUpdate(0, increment);
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
          this.#transmission.reset(stream.id, ErrorCode.NO_ERROR);
          this.#rememberEarly(stream.id);
        }
        this.#remove(stream);
      },
    };
  }

  #onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    from: number,
    until: number,
  ): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    const { openStreamId } = this.#blocks;
    if (openStreamId !== 0 && (type !== FrameType.CONTINUATION || streamId !== openStreamId)) {
      throw protocolError("a header block is interrupted");
    }
    if (this.#state === "greeting") {
      if (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0) {
        throw protocolError("the first frame is no SETTINGS");
      }
      this.#state = "open";
    }
    try {
      this.#take(type, flags, streamId, bytes, from, until);
    } catch (cause) {
      if (!(cause instanceof StreamFault)) throw cause;
      this.#resets.count();
      const stream = this.#streams.get(cause.streamId);
      if (stream !== undefined) this.#reset(stream, cause.code);
      else this.#transmission.reset(cause.streamId, cause.code);
    }
  }

  #take(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    from: number,
    until: number,
  ): void {
    const length = until - from;
    switch (type) {
      case FrameType.DATA:
        this.#onData(flags, streamId, bytes, from, until);
        return;
      case FrameType.HEADERS:
        if (streamId % 2 === 0) throw protocolError(`HEADERS on stream ${streamId}`);
        this.#onBlock(this.#blocks.headers(flags, streamId, bytes, from, until));
        return;
      case FrameType.CONTINUATION:
        if (this.#blocks.openStreamId === 0) throw protocolError("CONTINUATION of nothing");
        this.#onBlock(this.#blocks.continuation(flags, bytes, from, until));
        return;
      case FrameType.RST_STREAM:
        checkLength("RST_STREAM", length === 4);
        this.#onReset(streamId);
        return;
      case FrameType.SETTINGS:
        this.#onSettings(flags, streamId, bytes, from, until);
        return;
      case FrameType.PING:
        checkLength("PING", length === 8);
        if (streamId !== 0) throw protocolError("PING on a stream");
        if ((flags & Flag.ACK) === 0) {
          this.#transmission.pingAck(Buffer.from(bytes.subarray(from, until)));
        }
        return;
      case FrameType.GOAWAY:
        checkLength("GOAWAY", length >= 8);
        if (streamId !== 0) throw protocolError("GOAWAY on a stream");
        // The client makes no more calls; those that are open it still wants answered.
        this.#idleFrames.count();
        return;
      case FrameType.WINDOW_UPDATE:
        checkLength("WINDOW_UPDATE", length === 4);
        this.#onWindowUpdate(streamId, bytes.readUInt32BE(from) & 0x7fff_ffff);
        return;
      case FrameType.PUSH_PROMISE:
        throw protocolError("PUSH_PROMISE from a client");
      case FrameType.PRIORITY:
        this.#onPriority(streamId, length);
        return;
      default:
        // RFC 9113 section 5.5: what is unknown is ignored.
        this.#idleFrames.count();
    }
  }

  #onData(flags: number, streamId: number, bytes: Buffer, from: number, until: number): void {
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
    stream.receive(bytes, start, end, flowBytes);
    if (endStream && this.#streams.has(streamId)) stream.receiveEnd();
  }

  #onBlock(block: HeaderBlock | undefined): void {
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
    const { concurrentStreamsMax, routeOf } = this.#options;
    if (this.#state === "draining" || this.openCalls >= concurrentStreamsMax) {
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
    stream.begin();
    if (endStream && this.#streams.has(streamId)) stream.receiveEnd();
  }

  /** An answer of HTTP's own, to what is no call. */
  #refuse(streamId: number, status: 405 | 415 | 431, endStream: boolean): void {
    this.#transmission.headers(streamId, httpAnswerOf(status), { endStream: true });
    if (endStream) return;
    this.#transmission.reset(streamId, ErrorCode.NO_ERROR);
    this.#rememberEarly(streamId);
  }

  #onReset(streamId: number): void {
    if (streamId === 0 || this.#isIdle(streamId)) {
      throw protocolError(`RST_STREAM on stream ${streamId}`);
    }
    const stream = this.#streams.get(streamId);
    // A reset that crosses the end of its answer costs nothing but its frame.
    if (stream === undefined) return;
    this.#remove(stream);
    this.#resets.count();
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, from: number, until: number): void {
    if (streamId !== 0) throw protocolError("SETTINGS on a stream");
    if ((flags & Flag.ACK) !== 0) {
      checkLength("SETTINGS with ACK", until === from);
      return;
    }
    this.#idleFrames.count();
    const windowBytes = initialWindowIn(bytes, from, until);
    this.#transmission.settingsAck();
    if (windowBytes === undefined) return;
    const growth = windowBytes - this.#streamWindowBytes;
    this.#streamWindowBytes = windowBytes;
    for (const stream of [...this.#streams.values()]) {
      if (!stream.output.window.grow(growth)) {
        throw new ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "a window above 2^31 - 1");
      }
      if (growth > 0) stream.output.pump(Infinity);
    }
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    if (streamId === 0) {
      if (increment === 0) throw protocolError("WINDOW_UPDATE by nothing");
      if (!this.#transmission.window.grow(increment)) {
        throw new ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "a window above 2^31 - 1");
      }
      this.#transmission.resume();
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
  #onPriority(streamId: number, length: number): void {
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

  #onDrain(): void {
    if (this.#state === "closed") return;
    this.#transmission.onDrain();
    if (this.#fullSinceMs === undefined || this.#transmission.full) return;
    this.#fullSinceMs = undefined;
    this.#options.socket.resume();
  }

  #stopReading(): void {
    // What this turn gathered is not yet the socket's: it may take it all at once.
    this.#transmission.flush();
    if (!this.#transmission.full || this.#fullSinceMs !== undefined) return;
    this.#fullSinceMs = this.#options.monotonicMs();
    this.#options.socket.pause();
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
    this.#transmission.reset(stream.id, code);
    this.#rememberEarly(stream.id);
    this.#remove(stream);
  }

  #remove(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    stream.close();
    this.#closeIfDrained();
  }

  #closeIfDrained(): void {
    if (this.#state === "draining" && this.#streams.size === 0) this.#farewell();
  }

  #closeWith(code: ErrorCode, reason: string): void {
    this.#transmission.goAway(this.#lastStreamId, code, reason);
    this.#farewell();
  }

  /** The last frames leave, within bounds of time; nothing more is taken in. */
  #farewell(): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#state = "closing";
    this.#endStreams();
    this.#transmission.flush();
    this.#options.socket.end();
    this.#farewellTimer = setTimeout(() => this.close(), this.#options.limits.farewellMs);
  }

  #endStreams(): void {
    for (const stream of [...this.#streams.values()]) this.#remove(stream);
  }
}

/** The longest that setTimeout takes; a longer deadline is looked at again then. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function protocolError(message: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.PROTOCOL_ERROR, message);
}

function checkLength(what: string, right: boolean): void {
  if (!right) throw new ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, `${what} of a wrong length`);
}
