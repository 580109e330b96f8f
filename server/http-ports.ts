// HTTP/1.1 of a server: on the clients' port beside gRPC, and on ports for metrics alone. What the endpoints tell is
// there once the member stands; until then they say that it starts.
import { HealthChecks, HttpPort } from "../rpc/index.ts";
import type { HealthPort, MetricsText, ServiceTable } from "../rpc/index.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { ETCD_API_VERSION, HANSA_VERSION } from "./version.ts";

/** etcd's grpcOverheadBytes. */
const OVERHEAD_BYTES = 512 * 1024;
/** Of scrapers and probes. */
const METRICS_CONNECTIONS_MAX = 1_024;

export interface HttpPortsInit {
  readonly config: Config;
  /** What the gateway calls. */
  readonly services: ServiceTable;
  readonly onBug: (bug: unknown) => void;
}

export class HttpPorts {
  /** Takes connections that speak HTTP/1.1 on the clients' port. */
  readonly clients: HttpPort;
  readonly metrics: HttpPort;
  #health: HealthPort | undefined;
  #metrics: MetricsText | undefined;
  #onHealth: (healthy: boolean) => void = () => undefined;

  constructor({ config, services, onBug }: HttpPortsInit) {
    const monotonicMs = (): ReturnType<typeof systemClock.monotonicMs> => systemClock.monotonicMs();
    const endpoints = {
      checks: new HealthChecks({
        port: () => this.#health,
        monotonicMs,
        timeoutMs: config.requestTimeoutMs,
      }),
      versions: {
        etcdserver: ETCD_API_VERSION,
        etcdcluster: ETCD_API_VERSION,
        hansa: HANSA_VERSION,
      },
      metrics: () => this.#metrics,
      onHealth: (healthy: boolean) => {
        this.#onHealth(healthy);
      },
    };
    const common = {
      ...{ endpoints, monotonicMs, onBug },
      callTimeoutMs: config.requestTimeoutMs,
      messageBytesMax: config.maxRequestBytes + OVERHEAD_BYTES,
      corsOrigins: config.corsOrigins,
      hostsAllowed: config.hostWhitelist,
    };
    this.clients = new HttpPort({
      ...common,
      services: config.enableGrpcGateway ? services : undefined,
      connectionsMax: config.maxConnections,
    });
    this.metrics = new HttpPort({
      ...common,
      services: undefined,
      connectionsMax: METRICS_CONNECTIONS_MAX,
    });
  }

  /** The member stands: this is how it is. */
  openHealth(port: HealthPort): void {
    this.#health = port;
  }

  /** `onHealth`: told of each answer of /health. */
  openMetrics(metrics: MetricsText, onHealth: (healthy: boolean) => void): void {
    this.#metrics = metrics;
    this.#onHealth = onHealth;
  }

  /** As HttpPort.drain. */
  async drain(timeoutMs: number): Promise<void> {
    await Promise.all([this.clients.drain(timeoutMs), this.metrics.drain(timeoutMs)]);
  }
}
