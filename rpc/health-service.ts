// grpc.health.v1.Health: one answer for the server and every service on it, asked of the backend. Watches
// share one poll.
import { GRPC, METHOD_PATHS, Writer, grpc } from "../proto/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { KvError } from "../base/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import type { Backend, CallContext } from "./backend.ts";
import { decoded } from "./decode.ts";
import { stream, unary } from "./service.ts";
import type { ServiceTable, StreamSink, StreamSource } from "./service.ts";

export interface HealthServiceOptions {
  readonly backend: Backend;
  readonly monotonicMs: () => MonotonicMs;
  /** Between two looks on behalf of watches; also how long a look may take. */
  readonly pollMs: number;
  /** Watches open at once; more are refused. */
  readonly watchesMax: number;
}

/** HealthCheckResponse.ServingStatus. */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

/** "" is the server as a whole. */
const SERVICES: ReadonlySet<string> = new Set([
  "",
  ...METHOD_PATHS.map((path) => path.slice(1, path.lastIndexOf("/"))),
]);

export class HealthService {
  readonly #options: HealthServiceOptions;
  readonly #watches = new Set<HealthWatch>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(options: HealthServiceOptions) {
    this.#options = options;
  }

  table(): ServiceTable {
    return {
      "/grpc.health.v1.Health/Check": unary((bytes, call, reply) => {
        if (!SERVICES.has(serviceOf(bytes))) {
          reply({ code: GRPC.NOT_FOUND, message: "unknown service", trailers: {} });
          return;
        }
        this.#options.backend.healthy(call, (healthy) => reply(answerOf(healthy)));
      }),
      "/grpc.health.v1.Health/Watch": stream((sink) => this.#open(sink)),
    };
  }

  #open(sink: StreamSink): StreamSource {
    const watch = new HealthWatch(sink);
    return {
      onMessage: (bytes) => this.#begin(watch, bytes),
      onEnd: () => undefined,
      onDrain: () => watch.onDrain(),
      onClose: () => this.#end(watch),
    };
  }

  #begin(watch: HealthWatch, bytes: Uint8Array): void {
    if (!SERVICES.has(serviceOf(bytes))) {
      watch.show(SERVICE_UNKNOWN);
      return;
    }
    if (this.#watches.size >= this.#options.watchesMax) {
      throw new KvError("too-many-requests", "not-applied", "too many health watches");
    }
    this.#watches.add(watch);
    this.#look((status) => watch.show(status));
    this.#schedule();
  }

  #end(watch: HealthWatch): void {
    this.#watches.delete(watch);
    if (this.#watches.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** One timer while there are watches: the next look is timed only when the last has ended. */
  #schedule(): void {
    if (this.#timer !== undefined || this.#looking || this.#watches.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#looking = true;
      this.#look((status) => {
        this.#looking = false;
        for (const watch of this.#watches) watch.show(status);
        this.#schedule();
      });
    }, this.#options.pollMs);
  }

  #look(seen: (status: number) => void): void {
    const { backend, monotonicMs, pollMs } = this.#options;
    const context: CallContext = {
      deadlineAtMs: (monotonicMs() + pollMs) as MonotonicMs,
      signal: NEVER_ABORTED,
      caller: OWN_AUTHORITY,
    };
    backend.healthy(context, (healthy) => seen(healthy ? SERVING : NOT_SERVING));
  }
}

const NEVER_ABORTED = new AbortController().signal;

/** Shows each status once, and to a slow reader only the last. */
class HealthWatch {
  readonly #sink: StreamSink;
  #shown = 0;
  #next = 0;
  #full = false;

  constructor(sink: StreamSink) {
    this.#sink = sink;
  }

  show(status: number): void {
    this.#next = status;
    if (!this.#full) this.onDrain();
  }

  onDrain(): void {
    this.#full = false;
    if (this.#next === this.#shown) return;
    this.#shown = this.#next;
    this.#full = !this.#sink.write(statusBytes(this.#shown));
  }
}

function serviceOf(bytes: Uint8Array): string {
  return decoded(bytes, (reader) => grpc.health.v1.HealthCheckRequest.decode(reader)).service;
}

function answerOf(healthy: boolean): Uint8Array {
  return statusBytes(healthy ? SERVING : NOT_SERVING);
}

function statusBytes(status: number): Uint8Array {
  return new Writer()
    .uint32(1 << 3)
    .uint32(status)
    .finish();
}
