// One call through the gateway, in the form that services know: HTTP's headers as gRPC's metadata, as grpc-gateway
// passes them on.
import type { IncomingHttpHeaders } from "node:http";
import { KvError } from "../../base/index.ts";
import type { MonotonicMs } from "../../base/index.ts";
import { NOBODY } from "../../store/index.ts";
import type { Call } from "../service.ts";
import { timeoutMsOf } from "../timeout-header.ts";

export interface GatewayCallInit {
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string | undefined;
  readonly nowMs: MonotonicMs;
  /** The server's own limit; Infinity of a stream that its client keeps open. */
  readonly callTimeoutMs: number;
}

const METADATA = "grpc-metadata-";
/** Made once: a reason of its own for each call costs more than the call. */
const GONE = new Error("the client has gone");
const BEARER = /^bearer +/i;
/** Node's timers take no more; a call that may take longer has no end by it. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Without the name on the client's certificate: a browser shows that to whatever page asks it to (etcd takes none
 * through its gateway either).
 */
export class GatewayCall implements Call {
  readonly deadlineAtMs: MonotonicMs;
  /** What the client asked for by `Grpc-Timeout`; undefined: what it asked for is no duration. */
  readonly clientTimeoutMs: number | undefined;
  readonly forwarded = false;
  /** The gate before the services says who it is. */
  readonly caller = NOBODY;
  readonly remoteAddress: string | undefined;
  readonly #headers: IncomingHttpHeaders;
  #abort: AbortController | undefined;
  #closed = false;

  constructor({ headers, remoteAddress, nowMs, callTimeoutMs }: GatewayCallInit) {
    this.#headers = headers;
    this.remoteAddress = remoteAddress;
    this.clientTimeoutMs = timeoutMsOf(oneOf(headers["grpc-timeout"]));
    const timeoutMs = Math.min(this.clientTimeoutMs ?? 0, callTimeoutMs);
    this.deadlineAtMs = (nowMs + timeoutMs) as MonotonicMs;
  }

  /** Made when first asked for: most calls end without anybody asking. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#closed) this.#abort.abort(GONE);
    }
    return this.#abort.signal;
  }

  /** `Grpc-Metadata-NAME`, and the token from where HTTP has it. */
  header(name: string): string | undefined {
    const given = oneOf(this.#headers[METADATA + name]);
    if (name !== "token" && name !== "authorization") return given;
    return this.#headers.authorization?.replace(BEARER, "") ?? given;
  }

  /** Calls `late` when the time that the client gives is over. @returns what to clear, if there is such a time */
  atDeadline(late: (error: KvError) => void): NodeJS.Timeout | undefined {
    const { clientTimeoutMs = 0 } = this;
    if (clientTimeoutMs > TIMER_MS_MAX) return undefined;
    const text = "etcdserver: context deadline exceeded";
    return setTimeout(
      () => late(new KvError("deadline-exceeded", "unknown", text)),
      clientTimeoutMs,
    );
  }

  /** The client has gone, or is told that it is too late. */
  close(): void {
    this.#closed = true;
    this.#abort?.abort(GONE);
  }
}

function oneOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "object" ? value[0] : value;
}
