// etcd's `hasleader: true` (WithRequireLeader): a call that wants a leader fails at once without one, and a
// stream ends when there has been none for a while, so that a client in a minority goes elsewhere.
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { Backend } from "./backend.ts";
import type {
  Call,
  Method,
  ServiceTable,
  StreamHandler,
  StreamSink,
  StreamSource,
} from "./service.ts";

export interface LeaderRequirementOptions {
  readonly backend: Pick<Backend, "status">;
  readonly monotonicMs: () => MonotonicMs;
  /** etcd's three election timeouts. */
  readonly lossMs: number;
}

/** Looks in one `lossMs`. */
const LOOKS = 8;

export class LeaderRequirement {
  readonly #options: LeaderRequirementOptions;
  readonly #streams = new Set<StreamSink>();
  #timer: NodeJS.Timeout | undefined;
  #lostAtMs: MonotonicMs | undefined;

  constructor(options: LeaderRequirementOptions) {
    this.#options = options;
  }

  over(table: ServiceTable): ServiceTable {
    const wrapped: Partial<Record<MethodPath, Method>> = {};
    for (const [path, method] of Object.entries(table) as [MethodPath, Method][]) {
      wrapped[path] = this.#wrap(method);
    }
    return wrapped;
  }

  #wrap(method: Method): Method {
    if (method.kind === "stream") return { kind: "stream", open: this.#opened(method.open) };
    return {
      kind: "unary",
      handle: (request, call, reply) => {
        if (isRequired(call) && !this.#hasLeader) throw noLeader();
        method.handle(request, call, reply);
      },
    };
  }

  #opened(open: StreamHandler): StreamHandler {
    return (sink, call) => {
      if (!isRequired(call)) return open(sink, call);
      if (!this.#hasLeader) throw noLeader();
      return this.#watched(sink, open(sink, call));
    };
  }

  /** The source with its end noticed. */
  #watched(sink: StreamSink, source: StreamSource): StreamSource {
    this.#streams.add(sink);
    this.#timer ??= setInterval(() => this.#look(), this.#options.lossMs / LOOKS);
    return {
      onMessage: (message) => source.onMessage(message),
      onEnd: () => source.onEnd(),
      onDrain: () => source.onDrain(),
      onClose: () => {
        this.#forget(sink);
        source.onClose();
      },
    };
  }

  #look(): void {
    if (this.#hasLeader) {
      this.#lostAtMs = undefined;
      return;
    }
    const nowMs = this.#options.monotonicMs();
    this.#lostAtMs ??= nowMs;
    if (nowMs - this.#lostAtMs < this.#options.lossMs) return;
    for (const sink of [...this.#streams]) {
      this.#forget(sink);
      sink.end(noLeader());
    }
  }

  #forget(sink: StreamSink): void {
    this.#streams.delete(sink);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#lostAtMs = undefined;
  }

  get #hasLeader(): boolean {
    return this.#options.backend.status().leader !== 0n;
  }
}

function isRequired(call: Call): boolean {
  return call.header("hasleader") === "true";
}

function noLeader(): KvError {
  return new KvError("no-leader", "not-applied", "etcdserver: no leader");
}
