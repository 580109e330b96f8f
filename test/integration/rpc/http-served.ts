// Services at a free port in both protocols: gRPC by the carrier of HTTP/2, which hands connections of HTTP/1.1 on.
import { connect } from "node:net";
import type { Socket } from "node:net";
import { Http2Carrier, HttpPort } from "../../../rpc/index.ts";
import type { ServiceTable } from "../../../rpc/index.ts";
import type { EndpointsOptions } from "../../../rpc/http/endpoints.ts";
import { HealthChecks } from "../../../rpc/http/health-checks.ts";
import type { HealthPort } from "../../../rpc/http/health-checks.ts";
import { HTTP_LIMITS_DEFAULT } from "../../../rpc/http/http-limits.ts";
import type { HttpLimits } from "../../../rpc/http/http-limits.ts";
import { monotonicMs } from "./served.ts";

export interface HttpServedOptions {
  readonly services: ServiceTable;
  readonly health?: () => HealthPort | undefined;
  readonly metrics?: EndpointsOptions["metrics"];
  readonly limits?: Partial<HttpLimits>;
  readonly messageBytesMax?: number;
  readonly connectionsMax?: number;
  readonly corsOrigins?: readonly string[];
  readonly hostsAllowed?: readonly string[];
}

export class HttpServed {
  readonly http: HttpPort;
  readonly carrier: Http2Carrier;
  readonly bugs: unknown[] = [];
  readonly healths: boolean[] = [];
  port = 0;

  constructor(options: HttpServedOptions) {
    const { services, connectionsMax = 1_000 } = options;
    const onBug = (bug: unknown): void => void this.bugs.push(bug);
    const limits = { ...HTTP_LIMITS_DEFAULT, ...options.limits };
    this.http = new HttpPort({
      services,
      monotonicMs,
      limits,
      connectionsMax,
      onBug,
      callTimeoutMs: 5_000,
      messageBytesMax: options.messageBytesMax ?? 2 * 1024 * 1024,
      corsOrigins: options.corsOrigins ?? ["*"],
      hostsAllowed: options.hostsAllowed ?? ["*"],
      endpoints: {
        checks: new HealthChecks({
          port: options.health ?? (() => undefined),
          monotonicMs,
          timeoutMs: 1_000,
        }),
        versions: { etcdserver: "3.4.0", etcdcluster: "3.4.0", hansa: "0.1.0" },
        metrics: options.metrics ?? (() => undefined),
        onHealth: (healthy) => this.healths.push(healthy),
      },
    });
    this.carrier = new Http2Carrier({
      services,
      monotonicMs,
      callTimeoutMs: 5_000,
      requestBytesMax: 1536 * 1024,
      connectionsMax,
      concurrentStreamsMax: 1_000,
      keepaliveMs: 60_000,
      keepaliveTimeoutMs: 20_000,
      onBug,
      onHttp1: (socket, firstBytes) => this.http.accept(socket, firstBytes),
    });
  }

  static async begin(options: HttpServedOptions): Promise<HttpServed> {
    const served = new HttpServed(options);
    served.port = await served.carrier.listen("127.0.0.1", 0);
    return served;
  }

  async end(): Promise<void> {
    await this.carrier.drain(0);
    await this.http.drain(0);
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** One request; the body as it came. */
  async ask(
    path: string,
    body?: string,
    init: RequestInit = {},
  ): Promise<{ readonly status: number; readonly text: string; readonly headers: Headers }> {
    const posted = body === undefined ? {} : { method: "POST", body };
    const response = await fetch(this.url(path), { ...posted, ...init });
    return { status: response.status, text: await response.text(), headers: response.headers };
  }

  dial(): RawConnection {
    return new RawConnection(this.port);
  }
}

/** Bytes in, bytes out. */
export class RawConnection {
  readonly socket: Socket;
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>;
  said = "";

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.setEncoding("latin1");
    this.socket.on("data", (text: string) => (this.said += text));
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => this.socket.on("close", () => resolve()));
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  end(): void {
    this.socket.destroy();
  }
}

/** A request as it goes over the wire. */
export function posted(path: string, body: string, headers: readonly string[] = []): string {
  const length = `content-length: ${Buffer.byteLength(body)}`;
  return [`POST ${path} HTTP/1.1`, "host: here", length, ...headers, "", body].join("\r\n");
}
