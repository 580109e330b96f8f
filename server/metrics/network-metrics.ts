// etcd_network_*: what passes between members, by peer, and hansa_connections: who is connected to this one.
import { hexId } from "../cluster.ts";
import type { PeerRoundTrips } from "../peer-round-trips.ts";
import type { Port } from "../listening.ts";
import type { MemberId, NodeId } from "../../base/index.ts";
import type { PeerCounters, PeerTransport } from "../../rpc/index.ts";
import type { Collection, Sample } from "./collected.ts";

export interface NetworkSources {
  readonly transport: PeerTransport;
  readonly roundTrips: PeerRoundTrips;
  readonly ports: { readonly clients: Port; readonly peers: Port };
  readonly memberId: MemberId;
  readonly idOf: (node: NodeId) => MemberId | undefined;
}

export function addNetworkMetrics(collection: Collection, sources: NetworkSources): void {
  addTraffic(collection, sources);
  addPresence(collection, sources);
  addUsage(collection, sources);
}

function addTraffic(collection: Collection, sources: NetworkSources): void {
  const { transport, roundTrips } = sources;
  const each = (label: string, of: (counters: Readonly<PeerCounters>) => number) => {
    return (): readonly Sample[] =>
      [...transport.counters].map(([peer, counters]) => {
        return { labels: { [label]: nameOf(peer, sources) }, value: of(counters) };
      });
  };
  collection.counter(
    "etcd_network_peer_sent_bytes_total",
    "The total number of bytes sent to peers.",
    each("To", ({ sentBytes }) => sentBytes),
    ["To"],
  );
  collection.counter(
    "etcd_network_peer_received_bytes_total",
    "The total number of bytes received from peers.",
    each("From", ({ receivedBytes }) => receivedBytes),
    ["From"],
  );
  collection.counter(
    "etcd_network_peer_sent_failures_total",
    "The total number of send failures from peers.",
    each("To", ({ droppedMessages }) => droppedMessages),
    ["To"],
  );
  collection.counter(
    "etcd_network_peer_received_failures_total",
    "The total number of receive failures from peers.",
    each("From", ({ refusedStreams }) => refusedStreams),
    ["From"],
  );
  collection.histogram(
    "etcd_network_peer_round_trip_time_seconds",
    "Round-Trip-Time histogram between peers",
    () =>
      [...roundTrips.seconds].map(([peer, buckets]) => {
        return { labels: { To: nameOf(peer, sources) }, buckets };
      }),
    ["To"],
  );
}

function addPresence(collection: Collection, sources: NetworkSources): void {
  const { transport, memberId } = sources;
  const Local = hexId(memberId);
  const each = (of: (counters: Readonly<PeerCounters>) => number) => (): readonly Sample[] =>
    [...transport.counters].map(([peer, counters]) => {
      return { labels: { Local, Remote: nameOf(peer, sources) }, value: of(counters) };
    });
  collection.gauge(
    "etcd_network_active_peers",
    "The current number of active peer connections.",
    each(({ connected }) => (connected ? 1 : 0)),
    ["Local", "Remote"],
  );
  collection.counter(
    "etcd_network_disconnected_peers_total",
    "The total number of disconnected peers.",
    each(({ connected, connects }) => connects - (connected ? 1 : 0)),
    ["Local", "Remote"],
  );
}

function addUsage(collection: Collection, { ports }: NetworkSources): void {
  const each = (of: (usage: Port["carrier"]["usage"]) => number) => (): readonly Sample[] => [
    { labels: { port: "client" }, value: of(ports.clients.carrier.usage) },
    { labels: { port: "peer" }, value: of(ports.peers.carrier.usage) },
  ];
  collection.gauge(
    "hansa_connections",
    "Connections that speak HTTP/2, or have not said what they speak.",
    each(({ connections }) => connections),
    ["port"],
  );
  collection.gauge(
    "hansa_calls_open",
    "Calls that are not over, streams included.",
    each(({ calls }) => calls),
    ["port"],
  );
  collection.gauge(
    "hansa_held_bytes",
    "Bytes of requests that are not whole and of answers that wait for their clients.",
    each(({ heldBytes }) => heldBytes),
    ["port"],
  );
}

/** A peer that no member table names goes by its number: it is on its way out. */
function nameOf(peer: NodeId, { idOf }: NetworkSources): string {
  const id = idOf(peer);
  return id === undefined ? `n${peer}` : hexId(id);
}
