// The group's peers over gRPC, who may come and go: one outgoing stream to each, one incoming stream from
// each, and calls handed on to one of them. Best effort, unordered across reconnects, bounded: a full queue
// drops.
import { KvError } from "../base/index.ts";
import type { MonotonicMs, NodeId, Random } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { CallContext } from "./backend.ts";
import type { ForwardedPath } from "./forwarded.ts";
import { PeerAcceptor } from "./peer-acceptor.ts";
import { peerCounters } from "./peer-counters.ts";
import type { PeerCounters } from "./peer-counters.ts";
import type { PeerDialer } from "./peer-dial.ts";
import { Forwarder, forwardTable } from "./peer-forward.ts";
import { faultOf, helloTo } from "./peer-identity.ts";
import type { PeerIdentity } from "./peer-identity.ts";
import { PeerLink } from "./peer-link.ts";
import type { PeerAddress, PeerEvent, PeerLimits } from "./peer-link.ts";
import { isSnapshotMessage } from "./peer-message.ts";
import type { PeerMessage } from "./peer-message.ts";
import type { Reply, ServiceTable } from "./service.ts";

export interface PeerTransportOptions {
  readonly self: PeerIdentity;
  /** Every other member of the group, as far as it is known; `setPeers` says more later. */
  readonly peers: ReadonlyMap<NodeId, PeerAddress>;
  /** What clients are served with here: forwarded calls end in it. */
  readonly clientServices: ServiceTable;
  readonly dialer: PeerDialer;
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
  /** To where members were before: forwarded calls end there yet, each by its own deadline. */
  readonly #ending = new Set<PeerLink>();
  readonly #acceptors: readonly PeerAcceptor[];
  #closed = false;

  /** Begins to connect at once; nothing is called back inside the constructor. */
  constructor(options: PeerTransportOptions) {
    const { self, onEvent, onMessages } = options;
    this.#options = options;
    const accepting = {
      self,
      incarnationOf: (peer: NodeId) => this.#peers.get(peer)?.address.incarnation,
      countersOf: (peer: NodeId) => this.#peers.get(peer)?.counters ?? peerCounters(),
      onEvent,
      onMessages,
    };
    this.#acceptors = [STREAM, SNAPSHOTS].map(
      (method) => new PeerAcceptor({ ...accepting, method }),
    );
    this.setPeers(options.peers);
  }

  /**
   * The members from here on: a new one is connected to, one that has moved anew, and one that is gone is
   * neither sent to nor heard any more.
   */
  setPeers(peers: ReadonlyMap<NodeId, PeerAddress>): void {
    if (this.#closed) return;
    for (const [peer, known] of [...this.#peers]) {
      const next = peers.get(peer);
      if (!sameAddress(known.address, next)) this.#remove(peer, known);
    }
    for (const [peer, address] of peers) if (!this.#peers.has(peer)) this.#add(peer, address);
  }

  #add(peer: NodeId, address: PeerAddress): void {
    const options = this.#options;
    const counters = peerCounters();
    const link = new PeerLink({ ...options, peer, address, counters, method: STREAM });
    const forwarder = new Forwarder({
      client: () => link.client,
      hello: helloTo(options.self, peer),
      monotonicMs: options.monotonicMs,
      openMax: options.limits.forwardsMax,
    });
    this.#peers.set(peer, { address, link, snapshots: undefined, forwarder, counters });
  }

  #remove(peer: NodeId, { link, snapshots, forwarder }: Peer): void {
    this.#peers.delete(peer);
    link.endStream();
    snapshots?.close();
    // The call that changes an address is answered from there.
    this.#ending.add(link);
    forwarder.whenIdle(() => {
      this.#ending.delete(link);
      link.close();
    });
    for (const acceptor of this.#acceptors) acceptor.dismiss(peer);
  }

  get dialer(): PeerDialer {
    return this.#options.dialer;
  }

  /** What the carrier of the peers' port serves. */
  table(): ServiceTable {
    const { clientServices, monotonicMs, self } = this.#options;
    const streams = this.#acceptors.map((acceptor) => acceptor.table());
    const forwarded = forwardTable(clientServices, monotonicMs, (hello) =>
      faultOf(hello, self, this.#peers.get(hello.from)?.address.incarnation),
    );
    return Object.assign({}, ...streams, forwarded) as ServiceTable;
  }

  /** All messages of one turn for one peer, sent as one batch. */
  send(to: NodeId, messages: readonly PeerMessage[]): void {
    // Unknown: a member of a configuration that is no longer in force, or not yet known here.
    const peer = this.#peers.get(to);
    if (peer === undefined) return;
    if (!messages.some(isSnapshotMessage)) {
      peer.link.send(messages);
      return;
    }
    peer.link.send(messages.filter((message) => !isSnapshotMessage(message)));
    this.#snapshotsTo(to, peer).send(messages.filter(isSnapshotMessage));
  }

  /** What it loses, it loses silently: a snapshot's sender and receiver go by acknowledgements. */
  #snapshotsTo(to: NodeId, peer: Peer): PeerLink {
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
    method: ForwardedPath,
    request: Uint8Array,
    context: CallContext,
    reply: Reply,
  ): void {
    const peer = this.#peers.get(to);
    if (peer !== undefined) peer.forwarder.forward(method, request, context, reply);
    else reply(new KvError("no-leader", "not-applied", `node ${to} is not known here`));
  }

  /** By peer; live objects. */
  get counters(): ReadonlyMap<NodeId, Readonly<PeerCounters>> {
    return new Map([...this.#peers].map(([peer, { counters }]) => [peer, counters]));
  }

  close(): void {
    this.#closed = true;
    for (const link of this.#ending) link.close();
    for (const { link, snapshots } of this.#peers.values()) {
      link.close();
      snapshots?.close();
    }
  }
}

function sameAddress(known: PeerAddress, next: PeerAddress | undefined): boolean {
  return (
    next?.addresses.join() === known.addresses.join() && next.incarnation === known.incarnation
  );
}
