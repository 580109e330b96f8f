// HTTP/1.1 at a port of this server, put together: the carrier, the endpoints and, on the clients' port, the gateway.
import type { Duplex } from "node:stream";
import { KvError } from "../../base/index.ts";
import type { MonotonicMs } from "../../base/index.ts";
import type { ServiceTable } from "../service.ts";
import type { TlsAcceptor } from "../tls-acceptor.ts";
import type { EndpointsOptions } from "./endpoints.ts";
import { Gateway } from "./gateway.ts";
import { HeldBytes } from "./held-bytes.ts";
import { httpApplication } from "./http-application.ts";
import { HttpCarrier } from "./http-carrier.ts";
import type { HttpUsage } from "./http-carrier.ts";
import { HTTP_LIMITS_DEFAULT } from "./http-limits.ts";
import type { HttpLimits } from "./http-limits.ts";
import { Patience } from "./patience.ts";
import { WebSockets } from "./web-socket.ts";

export interface HttpPortOptions {
  readonly endpoints: EndpointsOptions;
  /** Of the gateway; undefined: there is none. */
  readonly services: ServiceTable | undefined;
  readonly monotonicMs: () => MonotonicMs;
  /** The server's own limit of a call. */
  readonly callTimeoutMs: number;
  /** etcd's --max-request-bytes and what gRPC takes on top. */
  readonly messageBytesMax: number;
  readonly connectionsMax: number;
  /** HTTP_LIMITS_DEFAULT by default. */
  readonly limits?: HttpLimits;
  /** Origins whose pages may read the answers; `*` is any. */
  readonly corsOrigins: readonly string[];
  /** Names that requests may be addressed to over plain connections; `*` is any. */
  readonly hostsAllowed: readonly string[];
  readonly onBug: (cause: unknown) => void;
}

export class HttpPort {
  readonly #carrier: HttpCarrier;
  readonly #held: HeldBytes;

  constructor(options: HttpPortOptions) {
    const { services, monotonicMs, onBug, connectionsMax } = options;
    const { limits = HTTP_LIMITS_DEFAULT } = options;
    const corsOrigins = new Set(options.corsOrigins);
    const patience = new Patience(monotonicMs);
    const held = new HeldBytes(limits.heldBytesMax);
    const shared = { ...options, limits, patience, held, corsOrigins };
    const gateway = services === undefined ? undefined : new Gateway({ ...shared, services });
    const webSockets = gateway === undefined ? undefined : new WebSockets({ ...shared, gateway });
    this.#held = held;
    this.#carrier = new HttpCarrier({
      serve: httpApplication({
        endpoints: options.endpoints,
        gateway,
        corsOrigins,
        hostsAllowed: new Set(options.hostsAllowed),
        onBug,
      }),
      upgrade: (request, socket, head) => webSockets?.upgrade(request, socket, head) ?? false,
      onDrain: () => {
        const text = "etcdserver: server stopped";
        gateway?.drain(new KvError("server-stopped", "not-applied", text));
      },
      limits,
      patience,
      connectionsMax,
    });
  }

  get usage(): HttpUsage & { readonly heldBytes: number } {
    return { ...this.#carrier.usage, heldBytes: this.#held.bytes };
  }

  /** As HttpCarrier.listen. */
  listen(host: string, port: number, tls?: TlsAcceptor): Promise<number> {
    return this.#carrier.listen(host, port, tls);
  }

  /** As HttpCarrier.listenAt. */
  listenAt(path: string, tls?: TlsAcceptor): Promise<void> {
    return this.#carrier.listenAt(path, tls);
  }

  /** As HttpCarrier.accept. */
  accept(socket: Duplex, firstBytes: Buffer): void {
    this.#carrier.accept(socket, firstBytes);
  }

  /** As HttpCarrier.drain. */
  drain(timeoutMs: number): Promise<void> {
    return this.#carrier.drain(timeoutMs);
  }
}
