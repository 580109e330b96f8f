// The ports of a server: clients' and peers', bound before any data is opened, gated until it is.
import { assert } from "../base/index.ts";
import { Http2Carrier } from "../rpc/index.ts";
import type { Http2CarrierOptions, TlsAcceptor } from "../rpc/index.ts";
import { systemClock } from "./clock.ts";
import type { Closers } from "./closers.ts";
import { endpointOf } from "./config-value.ts";
import type { Config } from "./config.ts";
import type { ConnectionJournal } from "./connection-journal.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { MemberHosts } from "./member-hosts.ts";
import type { PortSecurity } from "./port-security.ts";
import { HttpPorts } from "./http-ports.ts";
import { ServiceGate } from "./service-gate.ts";
import { clearSocket } from "./unix-socket.ts";

export interface Port {
  readonly gate: ServiceGate;
  readonly carrier: Http2Carrier;
}

export interface Ports {
  readonly clients: Port;
  readonly peers: Port;
  /** Who may speak as a member where certificates are shown. */
  readonly memberHosts: MemberHosts;
  readonly http: HttpPorts;
}

type PortLimits = Partial<
  Pick<Http2CarrierOptions, "keepaliveMs" | "keepaliveTimeoutMs" | "pingPaceMsMin">
> &
  Pick<
    Http2CarrierOptions,
    | "requestBytesMax"
    | "connectionsMax"
    | "concurrentStreamsMax"
    | "onRefused"
    | "refusalOf"
    | "onHttp1"
  >;

export interface PortsInit {
  readonly config: Config;
  readonly security: PortSecurity;
  readonly rejections: ConnectionJournal;
  readonly closers: Closers;
  readonly onBug: (bug: unknown) => void;
}

/** Between members, which ping by themselves. */
const KEEPALIVE_MS = 2 * 60 * 60 * 1000;
const KEEPALIVE_TIMEOUT_MS = 20_000;
/** What the largest --append-bytes-max and --max-request-bytes of any member can make of one frame. */
const PEER_FRAME_BYTES_MAX = 160 * 1024 * 1024;
/** For the last answers to leave: calls that wait for longer are not waited for. */
const GOODBYE_MS = 500;
/** Two a peer, and those that a peer has given up but this side has not. */
const PEER_CONNECTIONS_MAX = 1_024;
/** Of one peer's connection: its stream, and calls that it hands on. */
const PEER_STREAMS_MAX = 4_096;

/**
 * Binds every address.
 *
 * @throws {StartRefusal} addressInUse, naming the flag, the address and the reason.
 */
export async function bindPorts(init: PortsInit): Promise<Ports> {
  const { config, security, rejections, closers, onBug } = init;
  const memberHosts = new MemberHosts({ count: security.hostsCount });
  const common = {
    monotonicMs: () => systemClock.monotonicMs(),
    callTimeoutMs: config.requestTimeoutMs,
    keepaliveMs: KEEPALIVE_MS,
    keepaliveTimeoutMs: KEEPALIVE_TIMEOUT_MS,
    onBug,
  };
  const open = (limits: PortLimits): Port => {
    const gate = new ServiceGate();
    const services = gate.table();
    const carrier = new Http2Carrier({
      ...common,
      services,
      ...limits,
    });
    closers.add("port", (done) => {
      carrier.drain(GOODBYE_MS).then(() => {
        done(undefined);
      }, done);
    });
    return { gate, carrier };
  };
  const clients = open({
    requestBytesMax: config.maxRequestBytes,
    connectionsMax: config.maxConnections,
    concurrentStreamsMax: config.maxConcurrentStreams,
    keepaliveMs: config.grpcKeepaliveIntervalMs || Infinity,
    keepaliveTimeoutMs: config.grpcKeepaliveTimeoutMs,
    pingPaceMsMin: config.grpcKeepaliveMinTimeMs,
    onRefused: (refusal) => {
      rejections.rejected("client", refusal);
    },
    onHttp1: (socket, firstBytes) => {
      http.clients.accept(socket, firstBytes);
    },
  });
  const http = new HttpPorts({ config, services: clients.gate.table(), onBug });
  closers.add("http", (done) => {
    http.drain(GOODBYE_MS).then(() => {
      done(undefined);
    }, done);
  });
  const peers = open({
    requestBytesMax: PEER_FRAME_BYTES_MAX,
    connectionsMax: PEER_CONNECTIONS_MAX,
    concurrentStreamsMax: PEER_STREAMS_MAX,
    refusalOf: (origin, path) => memberHosts.refusalOf(origin, path),
    onRefused: (refusal) => {
      rejections.rejected("peer", refusal);
    },
  });
  const { listenClientUrls, listenPeerUrls, listenMetricsUrls } = config;
  await bind(clients.carrier, "listen-client-urls", listenClientUrls, security.clientAcceptor());
  await bind(peers.carrier, "listen-peer-urls", listenPeerUrls, security.peerAcceptor());
  await bind(http.metrics, "listen-metrics-urls", listenMetricsUrls, security.clientAcceptor());
  return { clients, peers, memberHosts, http };
}

async function bind(
  carrier: Pick<Http2Carrier, "listen" | "listenAt">,
  flag: string,
  urls: readonly string[],
  acceptor: TlsAcceptor | undefined,
): Promise<void> {
  for (const url of urls) {
    const endpoint = endpointOf(url);
    const tls = endpoint.secure ? acceptor : undefined;
    // The options were checked together: no secure address without a certificate.
    assert(!endpoint.secure || tls !== undefined, `${url} has nothing to be secured with`);
    try {
      if (endpoint.kind === "unix") {
        await clearSocket(endpoint.path);
        await carrier.listenAt(endpoint.path, tls);
        continue;
      }
      const { host, port } = endpoint;
      // A name could mean two addresses, of which one is taken and the other not.
      await carrier.listen(host === "localhost" ? "127.0.0.1" : host, port, tls);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const problem = `--${flag} ${url}: ${reason}; expected an address of this machine that is free`;
      throw new StartRefusal(ExitCode.addressInUse, problem, { cause });
    }
  }
}
