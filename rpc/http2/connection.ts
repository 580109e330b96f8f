// One HTTP/2 connection of RFC 9113, server side: frames in, calls out. What a peer does wrong ends in the
// error that the RFC names, for its stream or for all of them; what it may ask for is bounded (limits.ts).
import type { Duplex } from "node:stream";
import type { KvError } from "../../base/index.ts";
import type { MonotonicMs } from "../../base/index.ts";
import type { SocketOrigin } from "../socket-origin.ts";
import { ConnectionFault, ErrorCode, StreamFault } from "./fault.ts";
import { WINDOW_BYTES_DEFAULT } from "./flow-window.ts";
import { Flag, FrameReader, FrameType } from "./frame.ts";
import { HeaderBlockReader } from "./header-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import type { Http2Limits } from "./limits.ts";
import { Setting, initialWindowIn } from "./peer-settings.ts";
import { PingMeter } from "./ping-meter.ts";
import { StreamTable } from "./stream-table.ts";
import type { Route } from "./route.ts";
import { Transmission } from "./transmission.ts";

export interface ConnectionOptions {
  readonly socket: Duplex;
  readonly origin: SocketOrigin;
  readonly refusalOf?: (origin: SocketOrigin, path: string) => KvError | undefined;
  readonly limits: Http2Limits;
  readonly monotonicMs: () => MonotonicMs;
  readonly atEndOfTurn: (run: () => void) => void;
  readonly routeOf: (path: string) => Route | undefined;
  readonly callTimeoutMs: number;
  readonly messageBytesMax: number;
  readonly concurrentStreamsMax: number;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** As in PingMeter. */
  readonly pingPaceMsMin?: number;
  readonly onBug: (cause: unknown) => void;
  /** Once; nothing of the connection is left. */
  readonly onClose: () => void;
}

const PING_PAYLOAD = Buffer.from("hansa\0\0\0");

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #frames: FrameReader;
  readonly #blocks: HeaderBlockReader;
  readonly #transmission: Transmission;
  readonly #streams: StreamTable;
  readonly #pings: PingMeter;
  #state: "greeting" | "open" | "draining" | "closing" | "closed" = "greeting";
  #lastReadAtMs: MonotonicMs;
  #pingedAtMs: MonotonicMs | undefined;
  #fullSinceMs: MonotonicMs | undefined;
  #farewellTimer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    const { limits, monotonicMs, socket } = options;
    this.#options = options;
    this.#lastReadAtMs = monotonicMs();
    this.#pings = new PingMeter(options.pingPaceMsMin ?? 0);
    this.#transmission = new Transmission(options);
    const decoder = new HpackDecoder(limits.headerTableBytes, limits.headerListBytesMax);
    this.#blocks = new HeaderBlockReader(decoder, limits);
    this.#frames = new FrameReader((type, flags, streamId, bytes, from, until) => {
      this.#onFrame(type, flags, streamId, bytes, from, until);
    });
    this.#streams = new StreamTable({
      ...options,
      transmission: this.#transmission,
      onEmpty: () => this.#closeIfDrained(),
    });
    socket.on("drain", () => this.#onDrain());
    this.#greet();
  }

  /** Calls that are open; also those whose client has gone but whose handler has not replied. */
  get openCalls(): number {
    return this.#streams.openCalls;
  }

  /** Bytes held for the peer: of requests that are not whole, and of answers that wait. */
  get heldBytes(): number {
    return this.#streams.partialBytes + this.#transmission.heldBytes;
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
    this.#transmission.goAway(this.#streams.lastStreamId, ErrorCode.NO_ERROR, "");
    this.#streams.drain(reason);
    this.#closeIfDrained();
  }

  /** The socket is gone, or shall be at once. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#farewellTimer);
    this.#streams.closeAll();
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
    this.#streams.onTick(nowMs);
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
      this.#streams.onFault(cause);
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
        this.#streams.onData(flags, streamId, bytes, from, until);
        return;
      case FrameType.HEADERS:
        if (streamId % 2 === 0) throw protocolError(`HEADERS on stream ${streamId}`);
        this.#streams.onBlock(this.#blocks.headers(flags, streamId, bytes, from, until));
        return;
      case FrameType.CONTINUATION:
        if (this.#blocks.openStreamId === 0) throw protocolError("CONTINUATION of nothing");
        this.#streams.onBlock(this.#blocks.continuation(flags, bytes, from, until));
        return;
      case FrameType.RST_STREAM:
        checkLength("RST_STREAM", length === 4);
        this.#streams.onReset(streamId);
        return;
      case FrameType.SETTINGS:
        this.#onSettings(flags, streamId, bytes, from, until);
        return;
      case FrameType.PING:
        checkLength("PING", length === 8);
        if (streamId !== 0) throw protocolError("PING on a stream");
        if ((flags & Flag.ACK) === 0) this.#onPing(Buffer.from(bytes.subarray(from, until)));
        return;
      case FrameType.GOAWAY:
        checkLength("GOAWAY", length >= 8);
        if (streamId !== 0) throw protocolError("GOAWAY on a stream");
        // The client makes no more calls; those that are open it still wants answered.
        this.#streams.countIdle();
        return;
      case FrameType.WINDOW_UPDATE:
        checkLength("WINDOW_UPDATE", length === 4);
        this.#streams.onWindowUpdate(streamId, bytes.readUInt32BE(from) & 0x7fff_ffff);
        return;
      case FrameType.PUSH_PROMISE:
        throw protocolError("PUSH_PROMISE from a client");
      case FrameType.PRIORITY:
        this.#streams.onPriority(streamId, length);
        return;
      default:
        // RFC 9113 section 5.5: what is unknown is ignored.
        this.#streams.countIdle();
    }
  }

  #onPing(payload: Uint8Array): void {
    const facts = { answered: this.#transmission.takeAnswered(), calls: this.openCalls };
    if (this.#pings.onPing(this.#options.monotonicMs(), facts)) {
      throw new ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings");
    }
    this.#transmission.pingAck(payload);
  }

  #onSettings(flags: number, streamId: number, bytes: Buffer, from: number, until: number): void {
    if (streamId !== 0) throw protocolError("SETTINGS on a stream");
    if ((flags & Flag.ACK) !== 0) {
      checkLength("SETTINGS with ACK", until === from);
      return;
    }
    this.#streams.countIdle();
    const windowBytes = initialWindowIn(bytes, from, until);
    this.#transmission.settingsAck();
    if (windowBytes !== undefined) this.#streams.onInitialWindow(windowBytes);
  }

  /** The peer reads: it is read again, for one chunk at least, before more is produced for it. */
  #onDrain(): void {
    if (this.#state === "closed") return;
    if (this.#fullSinceMs !== undefined) {
      const isFull = this.#transmission.full;
      this.#fullSinceMs = isFull ? this.#options.monotonicMs() : undefined;
      if (!isFull) this.#options.socket.resume();
    }
    this.#transmission.onDrain();
  }

  #stopReading(): void {
    // What this turn gathered is not yet the socket's: it may take it all at once.
    this.#transmission.flush();
    if (!this.#transmission.full || this.#fullSinceMs !== undefined) return;
    this.#fullSinceMs = this.#options.monotonicMs();
    this.#options.socket.pause();
  }

  #closeIfDrained(): void {
    if (this.#state === "draining" && this.#streams.isEmpty) this.#farewell();
  }

  #closeWith(code: ErrorCode, reason: string): void {
    this.#transmission.goAway(this.#streams.lastStreamId, code, reason);
    this.#farewell();
  }

  /** The last frames leave, within bounds of time; nothing more is taken in. */
  #farewell(): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#state = "closing";
    this.#streams.closeAll();
    this.#transmission.flush();
    this.#options.socket.end();
    this.#farewellTimer = setTimeout(() => this.close(), this.#options.limits.farewellMs);
  }
}

function protocolError(message: string): ConnectionFault {
  return new ConnectionFault(ErrorCode.PROTOCOL_ERROR, message);
}

function checkLength(what: string, right: boolean): void {
  if (!right) throw new ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, `${what} of a wrong length`);
}
