// A client that says whatever a test wants to say in frames, right or wrong, and keeps what it is answered.
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import {
  Flag,
  FRAME_HEAD_BYTES,
  FrameReader,
  FrameType,
  writeFrameHead,
} from "../../../rpc/http2/frame.ts";
import { PREFACE } from "../../../rpc/http2/first-bytes.ts";
import { HpackDecoder } from "../../../rpc/http2/hpack-decoder.ts";

export interface Received {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const bytes = Buffer.alloc(FRAME_HEAD_BYTES + payload.length);
  bytes.set(payload, writeFrameHead(bytes, 0, payload.length, type, flags, streamId));
  return bytes;
}

export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => bytes.writeUInt32BE(value >>> 0, at * 4));
  return bytes;
}

/** Literals without indexing; names and values of less than 127 octets, or of any length by two more. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer => {
    const { length } = value;
    if (length < 127) return Buffer.from([length, ...Buffer.from(value)]);
    const rest = length - 127;
    const head = [127, (rest & 127) | 128, ((rest >> 7) & 127) | 128, rest >> 14];
    return Buffer.concat([Buffer.from(head), Buffer.from(value)]);
  };
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

export function requestBlock(
  path: string,
  extra: readonly (readonly [string, string])[] = [],
): Buffer {
  return block([
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "here"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
    ...extra,
  ]);
}

export function message(
  bytes: Uint8Array,
  options: { readonly compressed?: boolean } = {},
): Buffer {
  const head = Buffer.alloc(5);
  head[0] = options.compressed === true ? 1 : 0;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

export class FrameClient {
  readonly socket: Duplex;
  readonly received: Received[] = [];
  /** By stream: all fields of all its header blocks. */
  readonly fields = new Map<number, Map<string, string>>();
  /** What came before it was read as frames. */
  closed = false;
  readonly #decoder = new HpackDecoder(4_096, 1_000_000);
  #wake: () => void = () => undefined;

  static to(port: number): FrameClient {
    return new FrameClient(connect(port, "127.0.0.1"));
  }

  constructor(socket: Duplex) {
    this.socket = socket;
    const reader = new FrameReader((type, flags, streamId, bytes, from, until) => {
      const payload = Buffer.from(bytes.subarray(from, until));
      this.received.push({ type, flags, streamId, payload });
      if (type !== FrameType.HEADERS) return;
      const known = this.fields.get(streamId) ?? new Map<string, string>();
      for (const { name, value } of this.#decoder.decode(payload, 0, payload.length).fields) {
        known.set(name, value);
      }
      this.fields.set(streamId, known);
    });
    socket.on("data", (chunk: Buffer) => {
      reader.read(chunk);
      this.#wake();
    });
    // A server that gives up may reset the connection: the close tells.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
      this.#wake();
    });
  }

  send(...frames: readonly Uint8Array[]): this {
    if (this.socket.writable) this.socket.write(Buffer.concat(frames));
    return this;
  }

  greet(settings: Uint8Array = Buffer.alloc(0)): this {
    return this.send(PREFACE, frame(FrameType.SETTINGS, 0, 0, settings));
  }

  request(streamId: number, path: string, body: Uint8Array): this {
    const head = frame(FrameType.HEADERS, Flag.END_HEADERS, streamId, requestBlock(path));
    return this.send(head, frame(FrameType.DATA, Flag.END_STREAM, streamId, message(body)));
  }

  /** Resolves when `found` gives something; rejects when the connection closes without. */
  async until<T>(found: () => T | undefined): Promise<T> {
    for (;;) {
      const value = found();
      if (value !== undefined) return value;
      if (this.closed) throw new Error("the connection closed before");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async end(): Promise<void> {
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The code of the GOAWAY that the connection ends with. */
  async goAway(): Promise<number> {
    const found = await this.until(() =>
      this.received.find(({ type }) => type === FrameType.GOAWAY),
    );
    await this.end();
    return found.payload.readUInt32BE(4);
  }

  async resetOf(streamId: number): Promise<number> {
    const found = await this.until(() =>
      this.received.find((got) => got.type === FrameType.RST_STREAM && got.streamId === streamId),
    );
    return found.payload.readUInt32BE(0);
  }

  /** The fields of a stream that has ended. */
  async answer(streamId: number): Promise<ReadonlyMap<string, string>> {
    await this.until(() =>
      this.received.find(
        ({ type, flags, streamId: id }) =>
          type === FrameType.HEADERS && id === streamId && (flags & Flag.END_STREAM) !== 0,
      ),
    );
    return this.fields.get(streamId) ?? new Map<string, string>();
  }

  /** All DATA of a stream so far. */
  data(streamId: number): Buffer {
    return Buffer.concat(
      this.received
        .filter(({ type, streamId: id }) => type === FrameType.DATA && id === streamId)
        .map(({ payload }) => payload),
    );
  }

  /** Everything sent before has been read by the server, and its turn is over. */
  async pong(): Promise<void> {
    const payload = Buffer.from(`ping${String(this.received.length).padStart(4, "0")}`.slice(-8));
    this.send(frame(FrameType.PING, 0, 0, payload));
    await this.until(() =>
      this.received.find(
        ({ type, flags, payload: echoed }) =>
          type === FrameType.PING && (flags & Flag.ACK) !== 0 && echoed.equals(payload),
      ),
    );
  }
}
