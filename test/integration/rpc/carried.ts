// A carrier with few, plain services: enough to see what it does with connections and frames.
import type { Duplex } from "node:stream";
import type { MonotonicMs } from "../../../base/index.ts";
import { Http2Carrier } from "../../../rpc/index.ts";
import type { Call, Reply, ServiceTable, StreamSink } from "../../../rpc/index.ts";
import { HTTP2_LIMITS_DEFAULT } from "../../../rpc/http2/limits.ts";
import type { Http2Limits } from "../../../rpc/http2/limits.ts";

export const ECHO = "/etcdserverpb.KV/Put";
export const HELD = "/etcdserverpb.KV/Txn";
export const COUNT = "/etcdserverpb.KV/RangeStream";
export const EXCHANGE = "/hansa.v1.Pipeline/Exchange";

export interface CarriedOptions {
  readonly limits?: Partial<Http2Limits>;
  readonly connectionsMax?: number;
  readonly concurrentStreamsMax?: number;
  readonly requestBytesMax?: number;
  readonly keepaliveMs?: number;
  readonly keepaliveTimeoutMs?: number;
  readonly monotonicMs?: () => MonotonicMs;
  readonly onHttp1?: (socket: Duplex, firstBytes: Buffer) => void;
}

export interface Held {
  readonly request: Uint8Array;
  readonly call: Call;
  readonly reply: Reply;
}

export class Carried {
  readonly carrier: Http2Carrier;
  readonly held: Held[] = [];
  readonly sinks: StreamSink[] = [];
  readonly bugs: unknown[] = [];
  closedStreams = 0;

  constructor(options: CarriedOptions = {}) {
    const { limits, ...rest } = options;
    this.carrier = new Http2Carrier({
      services: this.#services(),
      monotonicMs: () => performance.now() as MonotonicMs,
      callTimeoutMs: 5_000,
      requestBytesMax: 1536 * 1024,
      connectionsMax: 1_000,
      concurrentStreamsMax: 100_000,
      keepaliveMs: 60_000,
      keepaliveTimeoutMs: 20_000,
      ...rest,
      limits: { ...HTTP2_LIMITS_DEFAULT, ...limits },
      onBug: (cause) => this.bugs.push(cause),
    });
  }

  #services(): ServiceTable {
    return {
      [ECHO]: { kind: "unary", handle: (request, _, reply) => reply(request) },
      [HELD]: {
        kind: "unary",
        handle: (request, call, reply) => this.held.push({ request, call, reply }),
      },
      // As many messages of 10 kB as the first byte says thousands, as fast as they are read.
      [COUNT]: {
        kind: "stream",
        open: (sink) => {
          let left = 0;
          const write = (): void => {
            for (; left > 0; left -= 1) if (!sink.write(new Uint8Array(10_000))) return;
            sink.end();
          };
          this.sinks.push(sink);
          return {
            onMessage: (bytes) => {
              left = (bytes[0] ?? 0) * 1_000;
              write();
            },
            onEnd: () => undefined,
            onDrain: () => {
              left -= 1;
              write();
            },
            onClose: () => {
              this.closedStreams += 1;
            },
          };
        },
      },
      [EXCHANGE]: {
        kind: "stream",
        open: (sink) => {
          this.sinks.push(sink);
          return {
            onMessage: (bytes) => void sink.write(bytes),
            onEnd: () => sink.end(),
            onDrain: () => undefined,
            onClose: () => {
              this.closedStreams += 1;
            },
          };
        },
      },
    };
  }
}
