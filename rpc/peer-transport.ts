// The group's peers over gRPC: one outgoing stream to each, one incoming stream from each, and calls handed
// on to one of them. Best effort, unordered across reconnects, bounded: a full queue drops.
import { present } from "../base/index.ts";
import type { MonotonicMs, NodeId, Random } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { CallContext } from "./backend.ts";
import { PeerAcceptor } from "./peer-acceptor.ts";
import { peerCounters } from "./peer-counters.ts";
import type { PeerCounters } from "./peer-counters.ts";
import { Forwarder, forwardTable } from "./peer-forward.ts";
import type { PeerIdentity } from "./peer-identity.ts";
import { PeerLink } from "./peer-link.ts";
import type { PeerAddress, PeerEvent, PeerLimits } from "./peer-link.ts";
import { isSnapshotMessage } from "./peer-message.ts";
import type { PeerMessage } from "./peer-message.ts";
import type { Reply, ServiceTable } from "./service.ts";

export interface PeerTransportOptions {
  readonly self: PeerIdentity;
  /** Every other member of the group. */
  readonly peers: ReadonlyMap<NodeId, PeerAddress>;
  /** What clients are served with here: forwarded calls end in it. */
  readonly clientServices: ServiceTable;
  readonly limits: PeerLimits;
  readonly monotonicMs: () => MonotonicMs;
  readonly random: Random;
  readonly onMessages: (from: NodeId, messages: readonly PeerMessage[]) => void;
  /** As in PeerLinkOptions. */
  readonly onUnreachable: (peer: NodeId) => void;
  readonly onEvent: (event: PeerEvent) => void;
}

const STREAM: MethodPath = "/hansa.peer.v1.Peer/Stream";
const SNAPSHOTS: MethodPath = "/hansa.peer.v1.Peer/Snapshots";

interface Peer {
  readonly address: PeerAddress;
  readonly link: PeerLink;
  /** Opened when there is first a snapshot message for the peer, and kept. */
  snapshots: PeerLink | undefined;
  readonly forwarder: Forwarder;
  readonly counters: PeerCounters;
}

export class PeerTransport {
  readonly #options: PeerTransportOptions;
  readonly #peers = new Map<NodeId, Peer>();

  /** Begins to connect at once; nothing is called back inside the constructor. */
  constructor(options: PeerTransportOptions) {
    this.#options = options;
    for (const [peer, address] of options.peers) {
      const counters = peerCounters();
      const link = new PeerLink({ ...options, peer, address, counters, method: STREAM });
      const forwarder = new Forwarder(link.client, options.monotonicMs, options.limits.forwardsMax);
      this.#peers.set(peer, { address, link, snapshots: undefined, forwarder, counters });
    }
  }

  /** What the carrier of the peers' port serves. */
  table(): ServiceTable {
    const { self, peers, clientServices, monotonicMs, onEvent, onMessages } = this.#options;
    const accepting = {
      self,
      incarnationOf: (peer: NodeId) => peers.get(peer)?.incarnation,
      countersOf: (peer: NodeId) => this.#of(peer).counters,
      onEvent,
      onMessages,
    };
    return {
      ...new PeerAcceptor({ ...accepting, method: STREAM }).table(),
      ...new PeerAcceptor({ ...accepting, method: SNAPSHOTS }).table(),
      ...forwardTable(clientServices, monotonicMs),
    };
  }

  /** All messages of one turn for one peer, sent as one batch. */
  send(to: NodeId, messages: readonly PeerMessage[]): void {
    if (!messages.some(isSnapshotMessage)) {
      this.#of(to).link.send(messages);
      return;
    }
    this.#of(to).link.send(messages.filter((message) => !isSnapshotMessage(message)));
    this.#snapshotsTo(to).send(messages.filter(isSnapshotMessage));
  }

  /** What it loses, it loses silently: a snapshot's sender and receiver go by acknowledgements. */
  #snapshotsTo(to: NodeId): PeerLink {
    const peer = this.#of(to);
    peer.snapshots ??= new PeerLink({
      ...this.#options,
      peer: to,
      address: peer.address,
      counters: peerCounters(),
      method: SNAPSHOTS,
      onEvent: () => undefined,
      onUnreachable: () => undefined,
    });
    return peer.snapshots;
  }

  /** Hands a client's call on; the reply has the bytes of the answer, or the peer's error. */
  forward(
    to: NodeId,
    method: MethodPath,
    request: Uint8Array,
    context: CallContext,
    reply: Reply,
  ): void {
    this.#of(to).forwarder.forward(method, request, context, reply);
  }

  /** By peer; live objects. */
  get counters(): ReadonlyMap<NodeId, Readonly<PeerCounters>> {
    return new Map([...this.#peers].map(([peer, { counters }]) => [peer, counters]));
  }

  close(): void {
    for (const { link, snapshots } of this.#peers.values()) {
      link.close();
      snapshots?.close();
    }
  }

  #of(peer: NodeId): Peer {
    return present(this.#peers.get(peer), `peer ${peer}`);
  }
}
